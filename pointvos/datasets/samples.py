"""The typed values that pass between reader, sampler, augmentation and collation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pointvos.core.points import Points

UNKNOWN = 255  # index of pixels whose object nobody annotated; no loss is taken there


@dataclass(frozen=True, eq=False)
class AnnotatedFrame:
    """One frame and what is known of it.

    Attributes:
        rgb: uint8 [H, W, 3].
        index: uint8 [H, W], object ids as in the data set, or None without masks.
        points: object id -> its annotated points; the background points of a frame stand with
            every object (paper, section 3.1).
    """

    rgb: NDArray[np.uint8]
    index: NDArray[np.uint8] | None
    points: Mapping[int, Points]


class ClipReader(Protocol):
    """Annotated frames by video; reads what exists and draws nothing.

    Attributes:
        name: of the data set, for messages.
        static: whether each video is one image, of which clips are made by augmentation alone.
        max_span: largest distance of a target from the reference, in annotated frames, where it is
            another than the run's; sets differ in how densely they are annotated.
    """

    name: str
    static: bool
    max_span: int | None

    def __len__(self) -> int:
        """The number of videos."""

    def video_name(self, video: int) -> str:
        """What messages call a video."""

    def objects(self, video: int) -> list[list[int]]:
        """For each annotated frame of a video, in order, the ids of the objects annotated there."""

    def read(self, video: int, frame: int) -> AnnotatedFrame:
        """The annotated frame at a position in that order."""


@dataclass(frozen=True, eq=False)
class SampledClip:
    """What the sampler chose: frames, the first being the reference, and the objects to segment.

    Attributes:
        video_name: for messages.
        frames: T frames.
        object_ids: the ids of the O chosen objects; slot o + 1 of every later array is object o.
        static: whether all frames are the same image.
    """

    video_name: str
    frames: list[AnnotatedFrame]
    object_ids: list[int]
    static: bool


@dataclass(frozen=True, eq=False)
class Clip:
    """An augmented clip at network size.

    Attributes:
        video_name: for messages.
        rgb: uint8 [T, H, W, 3].
        index: uint8 [T, H, W], 0 background, o + 1 object o, 255 unknown; all 255 without masks.
        points: for each frame, annotated positions xy float32 [P, 2] and classes int64 [P]
            (0 background, o + 1 object o), all inside the frame.
        reference: bool [O, H, W], what initialises each object: its points drawn into a mask, or
            its mask.
    """

    video_name: str
    rgb: NDArray[np.uint8]
    index: NDArray[np.uint8]
    points: list[tuple[NDArray[np.float32], NDArray[np.int64]]]
    reference: NDArray[np.bool_]
