"""A picture strip: some frames of a video side by side."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.points import Points
from pointvos.visualize.overlay import overlay
from pointvos.visualize.text import draw_text, fitted

STRIP_PICTURES = 4
STRIP_WIDTH = 1920  # pixels; a page shows it at half of that, and text stays readable
_GAP = 6  # pixels between pictures
_PAPER = 255


class CaptionedPicture(NamedTuple):
    """A picture, uint8 RGB [H, W, 3], and the line below it."""

    caption: str
    rgb: NDArray[np.uint8]


def strip_frames(
    length: int, *, count: int = STRIP_PICTURES, shown: Iterable[int] = ()
) -> list[int]:
    """Indices of evenly spaced frames, first and last among them.

    Args:
        length: frames of the video.
        count: frames wanted; shorter videos give all of theirs.
        shown: frames that must be among them where there is room; each takes the place of the
            nearest evenly spaced one.
    """
    if length <= count:
        return list(range(length))
    chosen = np.linspace(0, length - 1, count).round().astype(int).tolist()
    wanted = sorted(set(shown))[:count]
    free = list(range(count))
    for index in wanted:
        place = min(free, key=lambda slot: abs(chosen[slot] - index))
        free.remove(place)
        chosen[place] = index
    return sorted(set(chosen))


def picture_size(height: int, width: int, count: int) -> tuple[int, int]:
    """(height, width) of each of `count` pictures in a strip; small frames are not enlarged."""
    room = (STRIP_WIDTH - (count + 1) * _GAP) // count
    scale = min(1.0, room / width)
    return max(1, round(height * scale)), max(1, round(width * scale))


def small_overlay(
    rgb: NDArray[np.uint8],
    index_mask: NDArray[np.uint8],
    count: int,
    *,
    points: Mapping[int, Points] | None = None,
) -> NDArray[np.uint8]:
    """An overlay drawn at the size of a strip of `count` pictures, where thin lines stay visible.

    Args:
        rgb: the frame, uint8 RGB [H, W, 3].
        index_mask: object ids, uint8 [H, W].
        count: pictures in the strip.
        points: object id to points in pixels of the frame.
    """
    height, width = picture_size(rgb.shape[0], rgb.shape[1], count)
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    small_mask = cv2.resize(index_mask, (width, height), interpolation=cv2.INTER_NEAREST)
    scale = geometry.scaling(width / rgb.shape[1], height / rgb.shape[0])
    moved = {i: of_object.moved(scale) for i, of_object in (points or {}).items()}
    return overlay(np.asarray(small, np.uint8), np.asarray(small_mask, np.uint8), points=moved)


def picture_strip(pictures: Sequence[CaptionedPicture]) -> NDArray[np.uint8]:
    """Pictures of one size side by side on white, each with its caption below.

    Returns:
        uint8 RGB [H, W, 3], as high as the pictures and a line of text.

    Raises:
        ValueError: there are none, or of different sizes.
    """
    sizes = {picture.rgb.shape for picture in pictures}
    if len(sizes) != 1:
        raise ValueError(f"strip: expected pictures of one size, found {sorted(sizes)}")
    height, width = pictures[0].rgb.shape[:2]
    text = min(16, max(8, round(width / 28)))  # height of capitals
    strip = np.full(
        (_GAP + height + 2 * text + _GAP, _GAP + len(pictures) * (width + _GAP), 3),
        _PAPER,
        np.uint8,
    )
    for slot, picture in enumerate(pictures):
        left = _GAP + slot * (width + _GAP)
        strip[_GAP : _GAP + height, left : left + width] = picture.rgb
        caption = fitted(picture.caption, text, width)
        draw_text(strip, caption, left, _GAP + height + round(1.7 * text), text, (40, 40, 40))
    return strip
