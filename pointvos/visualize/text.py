"""Text in pictures that is cut before it runs out of its place."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.visualize.colours import WHITE, Colour

_FONT = cv2.FONT_HERSHEY_SIMPLEX
_CAPITAL_PX = 22  # height of a capital letter of this font at scale 1


def text_width(text: str, height: int) -> int:
    """The width in pixels of a line whose capitals are `height` pixels high."""
    (width, _), _ = cv2.getTextSize(text, _FONT, height / _CAPITAL_PX, _thickness(height))
    return int(width)


def fitted(text: str, height: int, room: int) -> str:
    """`text`, or the beginning of it and two dots, in at most `room` pixels; "" if none fits.

    Line breaks and other control characters become spaces.
    """
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if text_width(line, height) <= room:
        return line
    for length in range(len(line) - 1, 0, -1):
        shorter = line[:length].rstrip() + ".."
        if text_width(shorter, height) <= room:
            return shorter
    return ""


def draw_text(
    picture: NDArray[np.uint8], text: str, x: int, y: int, height: int, colour: Colour = WHITE
) -> None:
    """Write one line in place; (x, y) is the left end of its base line."""
    cv2.putText(
        picture, text, (x, y), _FONT, height / _CAPITAL_PX, colour, _thickness(height), cv2.LINE_AA
    )


def _thickness(height: int) -> int:
    return max(1, round(height / 14))
