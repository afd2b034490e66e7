"""The images and objects on which masks from points are measured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointvos.core.masks import VOID, object_ids
from pointvos.formats.masked_video import MaskedVideo


@dataclass(frozen=True, eq=False)
class PromptImage:
    """One annotated frame of a video; nothing is decoded until it is asked for.

    Attributes:
        video: that it is of.
        frame: its name there.
    """

    video: MaskedVideo
    frame: str

    @property
    def name(self) -> str:
        """``<video>/<frame>``, or the name alone of an image that is no video."""
        return self.frame if self.frame == self.video.name else f"{self.video.name}/{self.frame}"

    def read(self) -> LabelledImage:
        """Decode image and mask.

        Raises:
            FileNotFoundError: a file is gone.
            InputError: a file is damaged, or they differ in size.
        """
        position = self.video.frames.names.index(self.frame)
        (frame,) = self.video.frames.read(position, position + 1)
        return LabelledImage(self.name, frame.rgb, self.video.read_mask(self.frame))


@dataclass(frozen=True, eq=False)
class LabelledImage:
    """An image with the masks of its objects.

    Attributes:
        name: of the image; decides with the seed what is drawn on it.
        rgb: uint8 [H, W, 3].
        index: object ids, uint8 [H, W]; 0 is background, 255 void, which is not scored.
    """

    name: str
    rgb: NDArray[np.uint8]
    index: NDArray[np.uint8]

    @property
    def object_ids(self) -> list[int]:
        """The ids of the objects that are on the image, ascending."""
        return object_ids(self.index)

    def mask(self, object_id: int) -> NDArray[np.bool_]:
        """The true mask of one object, bool [H, W]."""
        return np.asarray(self.index == object_id)

    def share(self, object_id: int) -> float:
        """How much of the image an object covers, in [0, 1]."""
        return float(self.mask(object_id).mean())

    def iou(self, object_id: int, predicted: NDArray[np.bool_]) -> float:
        """Intersection over union of a mask with the true one, where the truth is known."""
        truth, found = self.mask(object_id), predicted & (self.index != VOID)
        union = int((truth | found).sum())
        return int((truth & found).sum()) / union if union else 1.0


def first_and_middle(videos: Sequence[MaskedVideo]) -> list[PromptImage]:
    """The first and the middle annotated frame of each video; of single images, each once."""
    chosen = []
    for video in videos:
        frames = list(video.annotated)
        for frame in dict.fromkeys((frames[0], frames[len(frames) // 2])):
            chosen.append(PromptImage(video, frame))
    return chosen


def spread_over(images: Sequence[PromptImage], count: int) -> list[PromptImage]:
    """`count` of the images, evenly spaced; all of them for 0 or where there are fewer."""
    if not 0 < count < len(images):
        return list(images)
    return [images[position * len(images) // count] for position in range(count)]
