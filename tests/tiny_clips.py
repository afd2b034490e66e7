"""Annotated clips in memory: frames, masks and points without a file."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointvos.core.points import PointLabel, Points
from pointvos.datasets.samples import AnnotatedFrame

FOREGROUND, BACKGROUND = PointLabel.FOREGROUND, PointLabel.BACKGROUND


class ArrayReader:
    """Videos given as lists of annotated frames."""

    def __init__(
        self,
        videos: Sequence[Sequence[AnnotatedFrame]],
        *,
        name: str = "arrays",
        static: bool = False,
        max_span: int | None = None,
    ) -> None:
        self.name = name
        self.max_span = max_span
        self.videos = videos
        self.static = static

    def __len__(self) -> int:
        return len(self.videos)

    def video_name(self, video: int) -> str:
        return f"video{video}"

    def objects(self, video: int) -> list[list[int]]:
        return [object_ids_of(frame) for frame in self.videos[video]]

    def read(self, video: int, frame: int) -> AnnotatedFrame:
        return self.videos[video][frame]


def object_ids_of(frame: AnnotatedFrame) -> list[int]:
    """Ids of the objects that a frame shows."""
    if frame.index is not None:
        return [int(i) for i in np.unique(frame.index) if 0 < i < 255]
    return [i for i, points in frame.points.items() if len(points.foreground)]


def noise(seed: int, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """An image of noise."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def square_frame(
    left: int, top: int, side: int = 16, *, seed: int = 0, size: tuple[int, int] = (48, 64)
) -> AnnotatedFrame:
    """Noise with the mask of one square, object 1."""
    index = np.zeros(size, np.uint8)
    index[top : top + side, left : left + side] = 1
    return AnnotatedFrame(noise(seed, *size), index, {})


def point_frame(foreground: dict[int, list[tuple[int, int]]], *, seed: int = 0) -> AnnotatedFrame:
    """Noise with points of objects, and one background point in the corner that they share."""
    points = {
        object_id: Points.from_pixels([*pixels, (1, 1)], [FOREGROUND] * len(pixels) + [BACKGROUND])
        for object_id, pixels in foreground.items()
    }
    return AnnotatedFrame(noise(seed), None, points)


def square_video(frames: int = 10, *, seed: int = 0) -> list[AnnotatedFrame]:
    """A square that moves to the right."""
    return [square_frame(4 + 2 * t, 10 + seed % 5, seed=seed * 100 + t) for t in range(frames)]


def point_video(frames: int = 10, *, seed: int = 0) -> list[AnnotatedFrame]:
    """Two objects with three points each."""
    return [
        point_frame(
            {
                1: [(20 + t, 14), (24 + t, 18), (22 + t, 22)],
                4: [(40, 30 + seed % 3), (44, 34), (36, 28)],
            },
            seed=seed * 100 + t,
        )
        for t in range(frames)
    ]
