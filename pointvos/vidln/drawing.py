"""Trace segments as pixels."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.geometry import pixels_at

LINE_PX = 3  # VidLN draws its traces so


def pixel_strokes(
    strokes: Sequence[NDArray[np.float32]], height: int, width: int
) -> list[NDArray[np.float32]]:
    """Strokes in continuous pixels of a frame (see docs/conventions.md), each float32 [P, 2].

    Args:
        strokes: each float32 [P, 2], (x, y) as shares of the frame's width and height.
        height: of the frame, in pixels.
        width: of the frame, in pixels.
    """
    size = np.array([width, height], np.float32)
    return [stroke * size for stroke in strokes]


def draw_strokes(
    strokes: Sequence[NDArray[np.float32]], height: int, width: int, *, line_px: int = LINE_PX
) -> NDArray[np.bool_]:
    """Strokes as a line without antialiasing, clipped to the frame; bool [H, W].

    A thin line through the pixels that the positions fall into, widened by a square of `line_px`:
    the thickness of OpenCV's own lines depends on its version (of 3 asked for, version 5 draws 5).
    A stroke of one position is a square.

    Args:
        strokes: each float32 [P, 2], (x, y) as shares of the frame's width and height.
        height: of the frame, in pixels.
        width: of the frame, in pixels.
        line_px: width of the line, an odd number of pixels.

    Raises:
        ValueError: the width of the line is not an odd number > 0.
    """
    if line_px < 1 or line_px % 2 == 0:
        raise ValueError(f"expected a line of an odd number of pixels, found {line_px}")
    border = line_px // 2  # what runs just outside of the frame reaches into it
    drawn = np.zeros((height + 2 * border, width + 2 * border), np.uint8)
    for stroke in pixel_strokes(strokes, height, width):
        pixels = (pixels_at(stroke) + border).astype(np.int32)
        if len(pixels) == 1:
            pixels = np.repeat(pixels, 2, axis=0)  # of a single one OpenCV draws nothing
        cv2.polylines(drawn, [pixels], False, 1, thickness=1, lineType=cv2.LINE_8)
    wide = cv2.dilate(drawn, np.ones((line_px, line_px), np.uint8))
    return wide[border : border + height, border : border + width] > 0
