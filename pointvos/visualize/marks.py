"""Annotated points drawn on a picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.points import PointLabel, Points
from pointvos.visualize.colours import BLACK, WHITE, Colour

_SUBPIXEL_BITS = 4  # cv2 draws at fractions of 1/16 pixel
_BACKGROUND: Colour = (24, 24, 24)
_AMBIGUOUS: Colour = (128, 128, 128)


def mark_radius(height: int, width: int) -> int:
    """The radius in pixels of a point on a picture of this size."""
    return max(3, round(min(height, width) / 56))


def draw_points(picture: NDArray[np.uint8], points: Points, colour: Colour) -> None:
    """Draw the points of one object in place.

    A foreground point is a disk in the object's colour with a plus, a background point a black
    disk with a cross, an ambiguous one a grey disk; each has a white ring.

    Args:
        picture: uint8 RGB [H, W, 3].
        points: in pixels of the picture.
        colour: of the object.
    """
    radius = mark_radius(*picture.shape[:2])
    # Foreground last: it is what the result depends on.
    for label, fill in (
        (PointLabel.AMBIGUOUS, _AMBIGUOUS),
        (PointLabel.BACKGROUND, _BACKGROUND),
        (PointLabel.FOREGROUND, colour),
    ):
        for x, y in points.of(label).xy.tolist():
            _draw_mark(picture, x, y, radius, fill, label)


def _draw_mark(
    picture: NDArray[np.uint8], x: float, y: float, radius: int, fill: Colour, label: PointLabel
) -> None:
    ring = max(1.0, radius / 4)
    _disk(picture, x, y, radius + 2 * ring, BLACK)
    _disk(picture, x, y, radius + ring, WHITE)
    _disk(picture, x, y, radius, fill)
    arm = 0.6 * radius
    if label is PointLabel.FOREGROUND:
        strokes = [(arm, 0.0), (0.0, arm)]
    elif label is PointLabel.BACKGROUND:
        strokes = [(0.75 * arm, 0.75 * arm), (0.75 * arm, -0.75 * arm)]
    else:
        strokes = []
    for dx, dy in strokes:
        cv2.line(
            picture,
            _fixed(x - dx, y - dy),
            _fixed(x + dx, y + dy),
            WHITE,
            max(1, round(radius / 4)),
            cv2.LINE_AA,
            _SUBPIXEL_BITS,
        )


def _disk(picture: NDArray[np.uint8], x: float, y: float, radius: float, fill: Colour) -> None:
    scaled = round(radius * (1 << _SUBPIXEL_BITS))
    cv2.circle(picture, _fixed(x, y), scaled, fill, cv2.FILLED, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fixed(x: float, y: float) -> tuple[int, int]:
    """Continuous coordinates as cv2 wants them: pixel centres at whole numbers, in 1/16 pixel."""
    scale = 1 << _SUBPIXEL_BITS
    return round((x - 0.5) * scale), round((y - 0.5) * scale)
