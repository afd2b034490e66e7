"""Clips to one typed batch of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from pointvos.datasets.samples import UNKNOWN, Clip

NO_POINT = -1  # class of the padding that brings all frames to one number of points


@dataclass(frozen=True, eq=False)
class VosBatch:
    """A batch of clips. B clips, T frames, O object slots, P points, H W size.

    Attributes:
        frames_BTCHW: float32 RGB in [0, 1].
        reference_BOHW: float32 {0, 1}, what initialises each object on frame 0.
        index_BTHW: int64, 0 background, o + 1 object o, 255 unknown.
        xy_BTP2: float32, annotated positions in continuous pixels.
        classes_BTP: int64, 0 background, o + 1 object o, -1 padding.
        present_BO: bool, whether the slot holds an object.
    """

    frames_BTCHW: Tensor
    reference_BOHW: Tensor
    index_BTHW: Tensor
    xy_BTP2: Tensor
    classes_BTP: Tensor
    present_BO: Tensor

    def to(self, device: torch.device | str) -> VosBatch:
        """The batch on another device."""
        return VosBatch(**{f.name: getattr(self, f.name).to(device) for f in fields(self)})


def collate_clips(clips: Sequence[Clip]) -> VosBatch:
    """Stack clips of one size; objects and points are padded to the largest number."""
    frames = np.stack([clip.rgb for clip in clips])
    batch, length, height, width = frames.shape[:4]
    objects = max(len(clip.reference) for clip in clips)
    most = max((len(xy) for clip in clips for xy, _ in clip.points), default=0)
    reference = np.zeros((batch, objects, height, width), np.float32)
    present = np.zeros((batch, objects), bool)
    xy = np.zeros((batch, length, most, 2), np.float32)
    classes = np.full((batch, length, most), NO_POINT, np.int64)
    index = np.stack([clip.index for clip in clips]).astype(np.int64)
    for b, clip in enumerate(clips):
        reference[b, : len(clip.reference)] = clip.reference
        present[b, : len(clip.reference)] = clip.reference.any(axis=(1, 2))
        for t, (positions, kinds) in enumerate(clip.points):
            xy[b, t, : len(kinds)] = positions
            classes[b, t, : len(kinds)] = kinds
        # An object that nothing initialises cannot be segmented: no loss where it is.
        absent = 1 + np.flatnonzero(~present[b])
        index[b][np.isin(index[b], absent)] = UNKNOWN
        classes[b][np.isin(classes[b], absent)] = NO_POINT
    return VosBatch(
        frames_BTCHW=torch.from_numpy(frames).permute(0, 1, 4, 2, 3).float() / 255,
        reference_BOHW=torch.from_numpy(reference),
        index_BTHW=torch.from_numpy(index),
        xy_BTP2=torch.from_numpy(xy),
        classes_BTP=torch.from_numpy(classes),
        present_BO=torch.from_numpy(present),
    )
