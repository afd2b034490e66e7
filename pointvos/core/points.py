"""Annotated points of one object in one frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pointvos.core import geometry


class PointLabel(IntEnum):
    """What an annotator said of a point (paper, section 3.2)."""

    BACKGROUND = 0
    FOREGROUND = 1
    AMBIGUOUS = 2


@dataclass(frozen=True, eq=False)
class Points:
    """Points of one object in one frame.

    Attributes:
        xy: float32 [P, 2], continuous (x, y) in pixels of the frame; the centre of pixel (i, j) is
            (i + 0.5, j + 0.5), see `pointvos.core.geometry`.
        labels: int8 [P], values of `PointLabel`.

    Raises:
        ValueError: the arrays do not have these shapes, or hold values that are not finite or not
            labels.
    """

    xy: NDArray[np.float32]
    labels: NDArray[np.int8]

    def __post_init__(self) -> None:
        """Bring both arrays to their dtype and check them."""
        xy = np.asarray(self.xy, dtype=np.float32)
        labels = np.asarray(self.labels, dtype=np.int8)
        if xy.ndim != 2 or xy.shape[1] != 2 or labels.shape != xy.shape[:1]:
            raise ValueError(
                f"points: expected xy [P, 2] and labels [P], found {xy.shape} and {labels.shape}"
            )
        if not np.isfinite(xy).all():
            raise ValueError("points: expected finite coordinates, found nan or inf")
        if labels.size and (labels.min() < 0 or labels.max() > PointLabel.AMBIGUOUS):
            raise ValueError(f"points: expected labels 0, 1, 2, found {np.unique(labels).tolist()}")
        object.__setattr__(self, "xy", xy)
        object.__setattr__(self, "labels", labels)

    @classmethod
    def empty(cls) -> Points:
        """No points at all."""
        return cls(np.zeros((0, 2), np.float32), np.zeros(0, np.int8))

    @classmethod
    def from_pixels(cls, pixels: ArrayLike, labels: ArrayLike) -> Points:
        """Points at the centres of integer (x, y) pixels [P, 2], as a Point-VOS file lists them."""
        array = np.asarray(pixels, dtype=np.int64).reshape(-1, 2)
        return cls(geometry.pixel_centres(array), np.asarray(labels, dtype=np.int8))

    @classmethod
    def concatenate(cls, parts: Sequence[Points]) -> Points:
        """All points of `parts`, in order."""
        if not parts:
            return cls.empty()
        return cls(
            np.concatenate([part.xy for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )

    def __len__(self) -> int:
        """How many points there are."""
        return len(self.labels)

    def pixels(self) -> NDArray[np.int64]:
        """Integer (x, y) of the pixel each point falls into, [P, 2]."""
        return geometry.pixels_at(self.xy)

    def take(self, index: ArrayLike) -> Points:
        """The points that a bool mask or an index array selects."""
        chosen = np.asarray(index)
        return Points(self.xy[chosen], self.labels[chosen])

    def of(self, label: PointLabel) -> Points:
        """The points that carry `label`."""
        return self.take(self.labels == label)

    @property
    def foreground(self) -> Points:
        """The points on the object; the only ones that may initialise it (paper, appendix D)."""
        return self.of(PointLabel.FOREGROUND)

    @property
    def background(self) -> Points:
        """The points off the object; they only ever enter the loss (paper, appendix D)."""
        return self.of(PointLabel.BACKGROUND)

    def moved(self, matrix: NDArray[np.floating]) -> Points:
        """The points under a 2x3 affine map of continuous coordinates."""
        return Points(geometry.transform(self.xy, matrix), self.labels)

    def inside(self, height: int, width: int) -> NDArray[np.bool_]:
        """Which points lie on a frame of the given size, bool [P]."""
        return geometry.inside(self.xy, height, width)
