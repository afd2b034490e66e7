"""Joint probabilities of all objects of a frame, by object id."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from pointvos.nn.aggregate import soft_aggregate


@dataclass(frozen=True, eq=False)
class JointMasks:
    """What every pixel of a frame belongs to.

    Attributes:
        object_ids: ascending.
        joint_KHW: float32 [O + 1, H, W], background first, summing to 1.
    """

    object_ids: tuple[int, ...]
    joint_KHW: Tensor

    @classmethod
    def aggregated(cls, prob_of: Mapping[int, Tensor]) -> JointMasks:
        """Join probabilities [H, W] of objects that were segmented each by itself."""
        object_ids = tuple(sorted(prob_of))
        prob_BOHW = torch.stack([prob_of[object_id] for object_id in object_ids])[None]
        return cls(object_ids, soft_aggregate(prob_BOHW).softmax(dim=1)[0])

    def items(self) -> Iterator[tuple[int, Tensor]]:
        """Object ids with their probabilities [H, W]."""
        return zip(self.object_ids, self.joint_KHW[1:], strict=True)
