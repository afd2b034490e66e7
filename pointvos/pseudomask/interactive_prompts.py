"""The prompts of an image as clicks, traces and earlier logits of the interactive segmenter.

B one image, N clicks, T traces, P pixels of a trace, K = O + 1 background and objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pointvos.core import geometry
from pointvos.nn.interactive.features import LOGITS_STRIDE
from pointvos.nn.interactive.mask_head import ABSENT_LOGIT
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces
from pointvos.pseudomask.backend import CheckedPrompt
from pointvos.simulation.interactions import pixels_of_trace
from pointvos.simulation.mask_depth import depth_inside

MASK_LOGIT = 10.0  # of a pixel that an earlier mask is sure of


@dataclass(frozen=True, eq=False)
class ImagePrompts:
    """All prompts of one image, in its own coordinates.

    Attributes:
        positive: for each object slot float32 [P, 2], positions on it.
        background: float32 [N, 2], positions off every object.
        disputed: slots and positions, float32 [2], of points that are off one object and may lie on
            another.
        traces: for each slot float32 [N, 2] or None.
        previous: for each slot bool [H, W] or None.
        size: height and width of the image.
    """

    positive: list[NDArray[np.float32]]
    background: NDArray[np.float32]
    disputed: list[tuple[int, NDArray[np.float32]]]
    traces: list[NDArray[np.float32] | None]
    previous: list[NDArray[np.bool_] | None]
    size: tuple[int, int]

    @classmethod
    def of(cls, prompts: Sequence[CheckedPrompt], height: int, width: int) -> ImagePrompts:
        """Sort what the prompts say.

        A position that every prompt has off its object is background. One that only some have says
        less: it may lie on another object. Where that object has a point on the same pixel, this
        says all there is to say, and the position is dropped.
        """
        positive = [_positive(prompt) for prompt in prompts]
        on = {_pixel(xy) for points in positive for xy in points}
        refused: dict[tuple[int, int], NDArray[np.float32]] = {}
        by: dict[tuple[int, int], set[int]] = {}
        for slot, prompt in enumerate(prompts):
            for xy in prompt.negative:
                refused.setdefault(_pixel(xy), xy)
                by.setdefault(_pixel(xy), set()).add(slot)
        free = [pixel for pixel in refused if pixel not in on]
        shared = [refused[pixel] for pixel in free if len(by[pixel]) == len(prompts)]
        return cls(
            positive,
            np.array(shared, np.float32).reshape(-1, 2),
            [
                (slot, refused[pixel])
                for pixel in free
                if len(by[pixel]) < len(prompts)
                for slot in sorted(by[pixel])
            ],
            [prompt.trace for prompt in prompts],
            [prompt.previous for prompt in prompts],
            (height, width),
        )

    def settled(self, index: NDArray[np.integer]) -> ImagePrompts:
        """Without disputed points: those that lie on another object are dropped.

        They are off their own object already; as background they would cut into the other.

        Args:
            index: which object is where without them, [H, W]: slot + 1, or 0 for the background.
        """
        kept = [self.background]
        for slot, xy in self.disputed:
            x, y = _pixel(xy)
            if index[y, x] in (0, slot + 1):
                kept.append(xy[None])
        return replace(self, background=np.concatenate(kept), disputed=[])

    def clicks(self, rows: int, columns: int) -> Clicks:
        """The points on an image of rows x columns: objects in turn, then the background."""
        xy_N2 = self._inside(np.concatenate([*self.positive, self.background]), rows, columns)
        slots = [np.full(len(points), slot) for slot, points in enumerate(self.positive)]
        slots.append(np.full(len(self.background), BACKGROUND))
        count = len(xy_N2)
        return Clicks(
            xy_BN2=torch.from_numpy(xy_N2)[None],
            object_BN=torch.from_numpy(np.concatenate(slots).astype(np.int64))[None],
            order_BN=torch.arange(count, dtype=torch.float32)[None],
            valid_BN=torch.ones(1, count, dtype=torch.bool),
        )

    def traces_on(self, rows: int, columns: int) -> Traces:
        """The pixels under the traces on an image of rows x columns."""
        given = [(slot, path) for slot, path in enumerate(self.traces) if path is not None]
        if not given:
            return Traces.none(1)
        pixels = [pixels_of_trace(self._inside(path, rows, columns)) for _, path in given]
        longest = max(len(one) for one in pixels)
        xy_TP2 = torch.zeros(len(given), longest, 2)
        valid_TP = torch.zeros(len(given), longest, dtype=torch.bool)
        for number, one in enumerate(pixels):
            xy_TP2[number, : len(one)] = torch.from_numpy(one)
            valid_TP[number, : len(one)] = True
        clicks = sum(len(points) for points in self.positive) + len(self.background)
        return Traces(
            xy_BTP2=xy_TP2[None],
            object_BT=torch.tensor([[slot for slot, _ in given]]),
            order_BT=clicks + torch.arange(len(given), dtype=torch.float32)[None],
            valid_BTP=valid_TP[None],
        )

    def previous_logits(self, rows: int, columns: int) -> Tensor | None:
        """Earlier masks as logits at stride 4 of an image of rows x columns.

        Returns:
            float32 [1, K, rows / 4, columns / 4], background first; an object that has no earlier
            mask counts as absent from it. None without any.
        """
        if all(mask is None for mask in self.previous):
            return None
        size = (rows // LOGITS_STRIDE, columns // LOGITS_STRIDE)
        logits_OHW = torch.full((len(self.previous), *size), ABSENT_LOGIT)
        for slot, mask in enumerate(self.previous):
            if mask is not None:
                mask_HW = torch.from_numpy(mask).float()
                share_HW = F.interpolate(mask_HW[None, None], size=size, mode="area")[0, 0]
                logits_OHW[slot] = (share_HW * 2 - 1) * MASK_LOGIT
        background_1HW = -logits_OHW.amax(dim=0, keepdim=True)
        return torch.cat([background_1HW, logits_OHW])[None]

    def evidence(self, slot: int, rows: int, columns: int) -> NDArray[np.bool_]:
        """Where an object was said to be, on a map of rows x columns; bool [rows, columns].

        Its points and the places next to them, its trace, and its earlier mask.
        """
        shown = geometry.rasterise(
            self._inside(self.positive[slot], rows, columns), rows, columns, radius=1
        )
        trace, previous = self.traces[slot], self.previous[slot]
        if trace is not None:
            passed = pixels_of_trace(self._inside(trace, rows, columns))
            shown |= geometry.rasterise(passed, rows, columns)
        if previous is not None:
            seen = previous.astype(np.float32)
            shown |= cv2.resize(seen, (columns, rows), interpolation=cv2.INTER_AREA) > 0
        return shown

    def _inside(self, xy: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
        height, width = self.size
        return geometry.transform(xy, geometry.scaling(columns / width, rows / height))


def _positive(prompt: CheckedPrompt) -> NDArray[np.float32]:
    """The points on an object; for one that only has an earlier mask, its deepest pixel."""
    if len(prompt.positive) or prompt.trace is not None or prompt.previous is None:
        return prompt.positive
    depth = depth_inside(prompt.previous)
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return geometry.pixel_centres(np.array([[column, row]]))


def _pixel(xy: NDArray[np.float32]) -> tuple[int, int]:
    x, y = geometry.pixels_at(xy[None])[0].tolist()
    return x, y
