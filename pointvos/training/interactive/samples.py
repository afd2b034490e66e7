"""Frames with prompts on their objects, and batches of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointvos.datasets.clips import ClipDataset
from pointvos.datasets.samples import UNKNOWN
from pointvos.nn.interactive.prompts import Clicks, Traces
from pointvos.simulation.interactions import Interaction, PromptSettings, first_interactions

MIN_VISIBLE = 64  # pixels of an object in the crop; of less nobody can say what it is

# Stream of random numbers beside those of `pointvos.datasets.clips`.
PROMPTS = 2


@dataclass(frozen=True, eq=False)
class PromptedFrame:
    """One augmented frame.

    Attributes:
        rgb: uint8 [H, W, 3].
        index: uint8 [H, W], 0 background, o + 1 the object in slot o, 255 unknown.
        slots: number of object slots.
        given: the first prompts.
        rng: for the corrections that follow.
    """

    rgb: NDArray[np.uint8]
    index: NDArray[np.uint8]
    slots: int
    given: list[Interaction]
    rng: np.random.Generator


@dataclass(frozen=True, eq=False)
class PromptedBatch:
    """A batch of frames. B frames, H W size.

    Attributes:
        frames_BCHW: float32 RGB in [0, 1].
        index_BHW: uint8, 0 background, o + 1 the object in slot o, 255 unknown.
        slots: number of object slots, O.
        given: the first prompts of each frame.
        rngs: of each frame.
    """

    frames_BCHW: Tensor
    index_BHW: Tensor
    slots: int
    given: list[list[Interaction]]
    rngs: list[np.random.Generator]

    def to(self, device: torch.device | str) -> PromptedBatch:
        """The batch on another device."""
        return replace(
            self, frames_BCHW=self.frames_BCHW.to(device), index_BHW=self.index_BHW.to(device)
        )


class PromptedFrames:
    """Sample number -> prompted frame; it depends on (seed, number) alone."""

    def __init__(self, clips: ClipDataset, prompts: PromptSettings, *, seed: int) -> None:
        self.clips = clips
        self.prompts = prompts
        self.seed = seed

    def __len__(self) -> int:
        """The number of samples of the run."""
        return len(self.clips)

    def __getitem__(self, number: int) -> PromptedFrame:
        """The frame of a sample number.

        Raises:
            InputError: a video cannot give a frame; the message names it.
        """
        clip = self.clips[number]
        slots = len(clip.reference)
        index = without_slivers(clip.index[0], slots)
        rng = np.random.default_rng([self.seed, PROMPTS, number])
        given = first_interactions(index, slots, self.prompts, rng)
        return PromptedFrame(clip.rgb[0], index, slots, given, rng)


def without_slivers(index: NDArray[np.uint8], slots: int) -> NDArray[np.uint8]:
    """Objects of which the crop shows next to nothing become unknown, but for the largest."""
    areas = np.bincount(index.ravel(), minlength=UNKNOWN + 1)[1 : slots + 1]
    slivers = 1 + np.flatnonzero((areas < MIN_VISIBLE) & (areas < areas.max()))
    return np.where(np.isin(index, slivers), np.uint8(UNKNOWN), index)


def collate_frames(frames: Sequence[PromptedFrame]) -> PromptedBatch:
    """Stack frames of one size; all have as many slots as the one with most objects."""
    rgb = torch.from_numpy(np.stack([frame.rgb for frame in frames]))
    return PromptedBatch(
        frames_BCHW=rgb.permute(0, 3, 1, 2).float() / 255,
        index_BHW=torch.from_numpy(np.stack([frame.index for frame in frames])),
        slots=max(frame.slots for frame in frames),
        given=[frame.given for frame in frames],
        rngs=[frame.rng for frame in frames],
    )


def clicks_and_traces(
    given: Sequence[Sequence[Interaction]], device: torch.device
) -> tuple[Clicks, Traces]:
    """Interactions of every frame as padded tensors; their order is their time."""
    batch = len(given)
    ordered = [list(enumerate(of_frame)) for of_frame in given]
    clicks = [[(t, one) for t, one in of_frame if not one.is_trace] for of_frame in ordered]
    traces = [[(t, one) for t, one in of_frame if one.is_trace] for of_frame in ordered]
    most = max(map(len, clicks))
    xy, slot = np.zeros((batch, most, 2), np.float32), np.zeros((batch, most), np.int64)
    order, valid = np.zeros((batch, most), np.float32), np.zeros((batch, most), bool)
    for b, of_frame in enumerate(clicks):
        for place, (time, one) in enumerate(of_frame):
            xy[b, place], slot[b, place] = one.xy[0], one.slot
            order[b, place], valid[b, place] = time, True
    rows = max(map(len, traces))
    length = max((len(one.xy) for of_frame in traces for _, one in of_frame), default=1)
    trace_xy = np.zeros((batch, rows, length, 2), np.float32)
    trace_slot, trace_order = np.zeros((batch, rows), np.int64), np.zeros((batch, rows), np.float32)
    trace_valid = np.zeros((batch, rows, length), bool)
    for b, of_frame in enumerate(traces):
        for place, (time, one) in enumerate(of_frame):
            trace_xy[b, place, : len(one.xy)] = one.xy
            trace_valid[b, place, : len(one.xy)] = True
            trace_slot[b, place], trace_order[b, place] = one.slot, time
    return (
        Clicks(
            xy_BN2=torch.from_numpy(xy),
            object_BN=torch.from_numpy(slot),
            order_BN=torch.from_numpy(order),
            valid_BN=torch.from_numpy(valid),
        ).to(device),
        Traces(
            xy_BTP2=torch.from_numpy(trace_xy),
            object_BT=torch.from_numpy(trace_slot),
            order_BT=torch.from_numpy(trace_order),
            valid_BTP=torch.from_numpy(trace_valid),
        ).to(device),
    )
