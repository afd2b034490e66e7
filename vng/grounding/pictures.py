"""The pictures of a grounded video: an overlay video and a strip, with the narrative below."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.atomic import atomic_path
from pointvos.core.progress import progress
from pointvos.core.video_writer import write_video
from pointvos.visualize.legend import text_height
from pointvos.visualize.smaller_mask import smaller_mask
from pointvos.visualize.strip import CaptionedPicture, picture_size, picture_strip, strip_frames
from vng.grounding.caption_band import caption_band
from vng.grounding.grounded import GroundedFrame, NounQuestion
from vng.grounding.noun_overlay import noun_overlay

OVERLAY = "overlay.mp4"
STRIP = "strip.png"
CAPTION_SHARE = 1 / 3  # of the height of a frame that its caption takes at most
_STRIP_CAPITAL = 1 / 90  # height of capitals below a strip, of its width
_SMALLEST_CAPITAL_PX = 7


def write_pictures(
    frames: Callable[[], Iterable[GroundedFrame]],
    question: NounQuestion,
    folder: str | Path,
    *,
    rate: float,
    count: int,
) -> None:
    """Write ``overlay.mp4`` and ``strip.png`` in one pass; one frame is held at a time.

    Both show the nouns over the frames in their colours and the narrative below, whose nouns carry
    the same colours; below the video it takes at most a third of the height of a frame. The strip
    has evenly spaced frames, the first and the last among them.

    Args:
        frames: gives the grounded frames, in order and all of one size; called once.
        question: the narrative and its nouns.
        folder: where the files are written.
        rate: of the video that is written, in frames per second.
        count: of the frames, for the strip and the time left.

    Raises:
        ValueError: there are no frames, they differ in size, or the rate is not positive.
    """
    strip_of = frozenset(strip_frames(count))
    pictures: list[CaptionedPicture] = []
    indices = [label.palette_index for label in question.labels]

    def drawn() -> Iterator[NDArray[np.uint8]]:
        band: NDArray[np.uint8] | None = None
        bar = progress(frames(), description="drawing", unit="frame", total=count)
        for place, frame in enumerate(bar):
            if place in strip_of:
                pictures.append(_small_picture(frame, indices, len(strip_of)))
            if band is None or band.shape[1] != frame.rgb.shape[1]:
                band = _band(question, frame.rgb)
            yield np.concatenate([noun_overlay(frame.rgb, frame.masks, indices), band])

    target = Path(folder)
    write_video(target / OVERLAY, drawn(), rate)
    with atomic_path(target / STRIP) as temporary:
        Image.fromarray(narrated_strip(pictures, question)).save(temporary, optimize=True)


def narrated_strip(pictures: list[CaptionedPicture], question: NounQuestion) -> NDArray[np.uint8]:
    """Pictures side by side and the narrative below, as high as a picture at most.

    Returns:
        uint8 RGB [H, W, 3].

    Raises:
        ValueError: there are no pictures, or of different sizes.
    """
    strip = picture_strip(pictures)
    width = strip.shape[1]
    capital = max(_SMALLEST_CAPITAL_PX, round(width * _STRIP_CAPITAL))
    highest = pictures[0].rgb.shape[0]
    band = caption_band(question.text, question.labels, width, capital=capital, highest=highest)
    return np.concatenate([strip, band])


def _band(question: NounQuestion, rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    height, width = rgb.shape[:2]
    return caption_band(
        question.text,
        question.labels,
        width,
        capital=text_height(height, width),
        highest=int(height * CAPTION_SHARE),
    )


def _small_picture(frame: GroundedFrame, indices: list[int], count: int) -> CaptionedPicture:
    """A frame as large as the strip shows it, drawn at that size: contours stay crisp."""
    height, width = picture_size(frame.rgb.shape[0], frame.rgb.shape[1], count)
    small = cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA)
    masks = np.zeros((len(frame.masks), height, width), np.bool_)
    for number, mask in enumerate(frame.masks):
        masks[number] = smaller_mask(mask, height, width)
    picture = noun_overlay(np.asarray(small, np.uint8), masks, indices)
    return CaptionedPicture(f"frame {frame.name}", picture)
