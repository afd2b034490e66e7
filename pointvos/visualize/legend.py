"""The legend of an overlay: a colour and a name for each object."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pointvos.visualize.colours import WHITE, object_colour
from pointvos.visualize.text import draw_text, fitted, text_width

_LARGEST_SHARE = 0.5  # of the picture's height and width; a legend must not hide the picture
_SMALLEST_TEXT_PX = 7  # height of capitals; smaller text cannot be read
_DARKENING = 0.6  # of the picture behind the legend


def text_height(height: int, width: int) -> int:
    """The height of capitals, in pixels, of text on a picture of this size."""
    return max(_SMALLEST_TEXT_PX, round(min(height, width) / 40))


def draw_legend(picture: NDArray[np.uint8], names: Mapping[int, str]) -> None:
    """Draw a legend into the top left corner of a picture, in place.

    It takes at most half of the height and width: longer names are cut, and objects that do not
    fit are counted in the last line. On a picture too small for any of it nothing is drawn.

    Args:
        picture: uint8 RGB [H, W, 3].
        names: object id to what the object is called, in the order to be listed.
    """
    height, width = picture.shape[:2]
    capital = text_height(height, width)
    margin, line_height = capital, 2 * capital
    swatch = round(1.2 * capital)
    left = margin + swatch + capital  # where the text begins
    room = int(_LARGEST_SHARE * width) - left - margin
    lines = int(_LARGEST_SHARE * height - margin) // line_height
    entries = _entries(names, lines)
    texts = [fitted(text, capital, room) for _, text in entries]
    if not entries or not all(texts):
        return
    right = left + max(text_width(text, capital) for text in texts) + margin
    bottom = margin + line_height * len(texts)
    corner = picture[:bottom, :right]
    corner[:] = np.round(corner * (1 - _DARKENING)).astype(np.uint8)
    for row, ((object_id, _), text) in enumerate(zip(entries, texts, strict=True)):
        base = margin + row * line_height + round(1.25 * capital)
        draw_text(picture, text, left, base, capital)
        if object_id is not None:
            middle = base - capital // 2
            box = (slice(middle - swatch // 2, middle - swatch // 2 + swatch),)
            picture[*box, margin : margin + swatch] = WHITE
            inner = slice(box[0].start + 1, box[0].stop - 1)
            picture[inner, margin + 1 : margin + swatch - 1] = object_colour(object_id)


def _entries(names: Mapping[int, str], lines: int) -> list[tuple[int | None, str]]:
    """What stands in each of at most `lines` lines."""
    entries: list[tuple[int | None, str]] = list(names.items())
    if len(entries) <= lines:
        return entries
    if lines < 2:
        return []
    shown = entries[: lines - 1]
    return [*shown, (None, f"and {len(entries) - len(shown)} more")]
