"""Masks by the interactive segmenter of `pointvos.nn.interactive`.

O objects, K = O + 1 background and objects, C channels, H W height and width.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.inference.coarse_to_fine import ascend_to_one
from pointvos.inference.edge_filter import EdgeFilter
from pointvos.nn.interactive.features import STRIDE, FrameFeatures
from pointvos.nn.interactive.mask_head import NOTHING
from pointvos.nn.interactive.segmenter import InteractiveSegmenter
from pointvos.pseudomask.backend import MaskResult, Prompt, checked_prompts
from pointvos.pseudomask.expected_iou import expected_iou
from pointvos.pseudomask.interactive_prompts import ImagePrompts

# Short side inside, in pixels, and what is done with it: docs/interactive.md says what it is worth.
RESOLUTION = 416
SCALES = (0.54, 0.77, 1.0)
EDGE_RADIUS = 0.06
LONGEST = 4  # times the short side; longer images are made narrower inside


class _Encoded(NamedTuple):
    """What is known of an image before anybody says anything of its objects."""

    copies: list[FrameFeatures]  # of its copies, coarse to fine
    edges: EdgeFilter | None  # of the last


class InteractiveBackend:
    """A `MaskBackend` around an interactive segmenter.

    All objects of an image are segmented together, so that they compete for pixels: their masks do
    not overlap. The features of the latest image are kept.

    Attributes:
        network: in eval mode; its device is used.
        resolution: short side of the image inside, in pixels, made a multiple of 32.
        scales: of the copies of the image in which it is segmented one after the other, each from
            the masks of the one before; ascending, the last is 1. Where all objects have an earlier
            mask, that takes the place of the smaller copies.
        edge_radius: window of the filter that makes masks follow the edges of the image, as a share
            of the short side; None for no filter.
        connected: whether parts of a mask are dropped that touch neither a foreground point, nor
            the trace, nor the earlier mask: things that only look like the object.
    """

    def __init__(
        self,
        network: InteractiveSegmenter,
        *,
        resolution: int = RESOLUTION,
        scales: Sequence[float] = SCALES,
        edge_radius: float | None = EDGE_RADIUS,
        connected: bool = True,
    ) -> None:
        if resolution < 1:
            raise InputError(f"resolution: expected at least 1, found {resolution}")
        if not ascend_to_one(scales):
            raise InputError(
                f"scales: expected sizes that ascend from above 0 to 1, found {list(scales)}"
            )
        if edge_radius is not None and not edge_radius > 0:
            raise InputError(f"edge_radius: expected more than 0 or None, found {edge_radius}")
        self.network = network
        self.resolution = resolution
        self.scales = tuple(scales)
        self.edge_radius = edge_radius
        self.connected = connected
        self._latest: tuple[bytes, _Encoded] | None = None

    @torch.inference_mode()
    def masks(
        self,
        image: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        background: Points | None = None,
    ) -> list[MaskResult]:
        """One mask for each prompt; see `MaskBackend`.

        A foreground point always lies in the mask of its object, and a background point outside.
        """
        checked = checked_prompts(image, prompts, background)
        if not checked:
            return []
        height, width = image.shape[:2]
        given = ImagePrompts.of(checked, height, width)
        copies, edges = self._encoded(image)
        if given.disputed:
            first_HW = _largest(self._segment(copies, given), height, width)
            given = given.settled(first_HW)
        logits_KHW = self._segment(copies, given)
        prob_KHW = logits_KHW.softmax(dim=0)
        largest_KHW = logits_KHW
        if edges is not None:
            largest_KHW = prob_KHW = _along_edges(logits_KHW, edges, copies[-1].size)
        index_HW = _largest(largest_KHW, height, width)
        sure = _scores(prob_KHW)
        results = []
        for slot, prompt in enumerate(checked):
            mask = index_HW == slot + 1
            mask |= geometry.rasterise(prompt.positive, height, width)
            mask &= ~geometry.rasterise(prompt.negative, height, width)
            results.append(MaskResult(mask, sure[slot]))
        return results

    def _encoded(self, image: NDArray[np.uint8]) -> _Encoded:
        # By content: a caller may refill the same array with the next frame.
        digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16)
        digest.update(repr(image.shape).encode())
        key = digest.digest()
        latest = self._latest  # read once: another thread may replace it
        if latest is None or latest[0] != key:
            self._latest = latest = None  # frees the old one before the new one is made
            self._latest = latest = key, self._encode(image)
        return latest[1]

    def _encode(self, image: NDArray[np.uint8]) -> _Encoded:
        copies, edges = [], None
        for scale in self.scales:
            rgb_BCHW = self._copy(image, scale)
            copies.append(self.network.encode(rgb_BCHW))
        if self.edge_radius is not None:
            edges = EdgeFilter(rgb_BCHW[0], self.edge_radius * min(rgb_BCHW.shape[2:]))
        return _Encoded(copies, edges)

    def _copy(self, image: NDArray[np.uint8], scale: float) -> Tensor:
        """The image at a scale, float32 [1, 3, H, W]."""
        size = network_size(image.shape[0], image.shape[1], scale * self.resolution)
        rgb_BCHW = torch.tensor(image).to(self.network.pixel_mean.device).permute(2, 0, 1)[None]
        rgb_BCHW = rgb_BCHW.float() / 255
        if size != image.shape[:2]:
            rgb_BCHW = F.interpolate(rgb_BCHW, size, mode="bilinear", antialias=True)
        return rgb_BCHW.contiguous(memory_format=torch.channels_last)

    def _segment(self, copies: Sequence[FrameFeatures], given: ImagePrompts) -> Tensor:
        """Logits from coarse to fine, float32 [K, H, W] at stride 4 of the last copy."""
        device = self.network.pixel_mean.device
        if all(mask is not None for mask in given.previous):
            copies = copies[-1:]
        logits_BKHW = given.previous_logits(*copies[0].size)
        for copy in copies:
            rows, columns = copy.size
            logits_BKHW = self.network.segment(
                copy,
                given.clicks(rows, columns).to(device),
                given.traces_on(rows, columns).to(device),
                objects=len(given.positive),
                previous_BKHW=None if logits_BKHW is None else logits_BKHW.to(device),
                auxiliary=False,
            ).logits_BKHW
        assert logits_BKHW is not None
        logits_KHW = logits_BKHW[0].float()
        return _connected(logits_KHW, given) if self.connected else logits_KHW


def network_size(height: int, width: int, short_side: float) -> tuple[int, int]:
    """The size of an image inside: multiples of the network's stride, at least one of it.

    >>> network_size(480, 854, 448)
    (448, 800)
    """
    short = min(height, width)
    rows, columns = (
        max(1, round(min(side / short, LONGEST) * short_side / STRIDE)) * STRIDE
        for side in (height, width)
    )
    return rows, columns


def _along_edges(logits_KHW: Tensor, edges: EdgeFilter, size: tuple[int, int]) -> Tensor:
    """Probabilities along the edges of an image, background first, at its size."""
    enlarged_KHW = F.interpolate(logits_KHW[None], size, mode="bilinear")[0]
    prob_OHW = edges(enlarged_KHW.softmax(dim=0)[1:])
    background_1HW = (1 - prob_OHW.sum(dim=0, keepdim=True)).clamp_min(0)
    return torch.cat([background_1HW, prob_OHW])


def _largest(map_KHW: Tensor, height: int, width: int) -> NDArray[np.uint8]:
    """Which of the maps is the largest at each pixel of an image, uint8 [height, width]."""
    best_HW = map_KHW.new_full((height, width), -torch.inf)
    index_HW = torch.zeros(height, width, dtype=torch.uint8, device=map_KHW.device)
    for number, map_HW in enumerate(map_KHW):  # all of them enlarged would be a lot of memory
        enlarged_HW = F.interpolate(map_HW[None, None], (height, width), mode="bilinear")[0, 0]
        index_HW.masked_fill_(enlarged_HW > best_HW, number)
        best_HW = torch.maximum(best_HW, enlarged_HW)
    return index_HW.cpu().numpy()


def _connected(logits_KHW: Tensor, given: ImagePrompts) -> Tensor:
    """Without the parts of masks that nothing was said of; what is next likely takes them."""
    index_HW = logits_KHW.max(dim=0).indices.cpu().numpy()  # on CPUs a tenth of argmax's time
    logits_KHW = logits_KHW.clone()
    for slot in range(len(given.positive)):
        found_HW = index_HW == slot + 1
        _, parts_HW = cv2.connectedComponents(found_HW.astype(np.uint8), connectivity=8)
        touched = np.unique(parts_HW[found_HW & given.evidence(slot, *found_HW.shape)])
        if len(touched):
            dropped_HW = found_HW & ~np.isin(parts_HW, touched)
            logits_KHW[slot + 1, torch.from_numpy(dropped_HW)] = NOTHING
    return logits_KHW


def _scores(prob_KHW: Tensor) -> list[float]:
    """How sure the network is of each object, in [0, 1]."""
    index_HW = prob_KHW.max(dim=0).indices.cpu().numpy()
    prob = prob_KHW.cpu().numpy()
    return [expected_iou(index_HW == slot, prob[slot]) for slot in range(1, len(prob))]
