"""A picture of the sequences that scored worst: a number hides a mask on the wrong object."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.masks import read_index_png
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import MaskedVideo
from pointvos.visualize.strip import CaptionedPicture, picture_strip, small_overlay, strip_frames

ROWS = 10  # sequences on a sheet
_PAPER = 255


def worst_sequences(
    videos: Sequence[MaskedVideo], masks: Path, scores: Mapping[str, float]
) -> NDArray[np.uint8]:
    """A row of evenly spaced annotated frames for each of the sequences with the lowest scores.

    Args:
        videos: that were evaluated.
        masks: the predicted ones, ``<sequence>/<frame>.png``.
        scores: sequence -> J&F in percent.

    Returns:
        uint8 RGB [H, W, 3], the worst sequence on top.
    """
    video_of = {video.name: video for video in videos}
    worst = sorted(scores, key=lambda name: scores[name])[:ROWS]
    rows = [_row(video_of[name], safe_join(masks, name), scores[name]) for name in worst]
    width = max(row.shape[1] for row in rows)
    padded = [
        cv2.copyMakeBorder(
            row, 0, 0, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=(_PAPER,) * 3
        )
        for row in rows
    ]
    return np.concatenate(padded).astype(np.uint8)


def _row(video: MaskedVideo, masks: Path, score: float) -> NDArray[np.uint8]:
    annotated = [frame for frame in video.frames.names if frame in video.annotated]
    chosen = [annotated[i] for i in strip_frames(len(annotated))]
    pictures: list[CaptionedPicture] = []
    for name in chosen:
        index = video.frames.names.index(name)
        (frame,) = video.frames.read(index, index + 1)
        mask = read_index_png(masks / f"{name}.png")
        caption = name if pictures else f"{video.name}: {score:.1f}, {name}"
        pictures.append(CaptionedPicture(caption, small_overlay(frame.rgb, mask, len(chosen))))
    return picture_strip(pictures)
