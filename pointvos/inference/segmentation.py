"""What segmenting one frame gives."""

from __future__ import annotations

import zlib
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from pointvos.nn.aggregate import soft_aggregate


@dataclass(frozen=True, eq=False)
class Segmentation:
    """Probabilities of all objects known so far, at the size of the original frame.

    Attributes:
        object_ids: the caller's ids, ascending; they may have gaps.
        prob: float32 [O + 1, H, W], background first, then the objects in the order of
            `object_ids`; sums to one at every pixel.
    """

    object_ids: tuple[int, ...]
    prob: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Check that there is one map per object and one for the background."""
        if self.prob.ndim != 3 or len(self.prob) != len(self.object_ids) + 1:
            raise ValueError(
                f"segmentation: expected prob [{len(self.object_ids) + 1}, H, W] for objects "
                f"{list(self.object_ids)}, found {self.prob.shape}"
            )

    @classmethod
    def background(cls, height: int, width: int) -> Segmentation:
        """A frame without objects."""
        return cls((), np.ones((1, height, width), np.float32))

    def index_mask(self) -> NDArray[np.uint8] | NDArray[np.uint16]:
        """The most probable object id at each pixel, [H, W]; 0 is background.

        uint8 unless an id needs more.
        """
        ids = np.array([0, *self.object_ids])
        dtype = np.uint8 if ids[-1] <= np.iinfo(np.uint8).max else np.uint16
        index: NDArray[np.uint8] | NDArray[np.uint16] = ids.astype(dtype)[self.prob.argmax(axis=0)]
        return index

    def prob_of(self, object_id: int) -> NDArray[np.float32]:
        """Probability of one object, float32 [H, W].

        Raises:
            ValueError: the object is not known.
        """
        prob_HW: NDArray[np.float32] = self.prob[1 + self.object_ids.index(object_id)]
        return prob_HW

    def joined(self, other: Segmentation) -> Segmentation:
        """The objects of both, which must have none in common, aggregated anew."""
        common = set(self.object_ids) & set(other.object_ids)
        if common:
            raise ValueError(f"segmentation: expected different objects, found {common} in both")
        prob_of = dict(zip(self.object_ids, self.prob[1:], strict=True))
        prob_of.update(zip(other.object_ids, other.prob[1:], strict=True))
        if not prob_of:
            return self
        object_ids = tuple(sorted(prob_of))
        prob_OHW = torch.from_numpy(np.stack([prob_of[object_id] for object_id in object_ids]))
        joint_KHW = soft_aggregate(prob_OHW[None]).softmax(dim=1)[0]
        return Segmentation(object_ids, joint_KHW.numpy())


@dataclass(frozen=True, eq=False)
class PackedSegmentation:
    """Some objects of a segmentation in a few kilobytes, with probabilities in steps of 1/255."""

    object_ids: tuple[int, ...]
    height: int
    width: int
    data: bytes

    @classmethod
    def pack(cls, segmentation: Segmentation, object_ids: Collection[int]) -> PackedSegmentation:
        """Put those of the objects in `object_ids` aside."""
        kept = tuple(i for i in segmentation.object_ids if i in object_ids)
        height, width = segmentation.prob.shape[1:]
        levels = b"".join(
            np.round(segmentation.prob_of(i) * 255).astype(np.uint8).tobytes() for i in kept
        )
        return cls(kept, height, width, zlib.compress(levels, level=1))

    def unpack(self) -> Segmentation:
        """The objects, without the others that were on the frame."""
        levels = np.frombuffer(zlib.decompress(self.data), np.uint8)
        shape = (len(self.object_ids), self.height, self.width)
        prob_OHW = levels.reshape(shape).astype(np.float32) / 255
        background_1HW = 1 - prob_OHW.sum(axis=0, keepdims=True).clip(0, 1)
        return Segmentation(self.object_ids, np.concatenate([background_1HW, prob_OHW]))
