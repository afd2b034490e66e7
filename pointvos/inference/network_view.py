"""Frames, masks and points of a video at the size the network sees, and predictions back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from pointvos.core.geometry import inside, rasterise
from pointvos.nn.padding import Padding, pad_to_multiple, padding_to_multiple, unpad
from pointvos.nn.stcn import STCN, STRIDE


@dataclass(frozen=True, kw_only=True)
class NetworkView:
    """The map from original frames to network input: a resize, then centred padding.

    Attributes:
        height: of the original frames.
        width: of the original frames.
        inner_height: after the resize, before padding.
        inner_width: after the resize, before padding.
    """

    height: int
    width: int
    inner_height: int
    inner_width: int

    @classmethod
    def of(cls, height: int, width: int, short_side: int | None) -> NetworkView:
        """The view of frames of a size, with the given short side inside (None: unchanged)."""
        scale = 1.0 if short_side is None else short_side / min(height, width)
        return cls(
            height=height,
            width=width,
            inner_height=max(1, round(height * scale)),
            inner_width=max(1, round(width * scale)),
        )

    @property
    def resizes(self) -> bool:
        """Whether the network sees another resolution than the original."""
        return (self.inner_height, self.inner_width) != (self.height, self.width)

    def frame(self, rgb: NDArray[np.uint8] | NDArray[np.float32], network: STCN) -> Tensor:
        """An RGB frame [H, W, 3], uint8 or float in [0, 1], as float [1, 3, H', W'] in [0, 1]."""
        frame_1CHW = torch.tensor(rgb).to(network.pixel_mean.device).permute(2, 0, 1)[None]
        scale = 255 if rgb.dtype == np.uint8 else 1
        frame_1CHW = frame_1CHW.float() / scale
        if self.resizes:
            size = (self.inner_height, self.inner_width)
            frame_1CHW = F.interpolate(frame_1CHW, size, mode="bilinear", antialias=True)
        # Padded with the mean colour, which is zero once normalised.
        padded_1CHW, _ = pad_to_multiple(frame_1CHW - network.pixel_mean, STRIDE)
        frame_1CHW = (padded_1CHW + network.pixel_mean).to(network.pixel_mean.dtype)
        return frame_1CHW.contiguous()  # the layout is the network's choice: its weights'

    def mask(self, mask: NDArray[np.bool_]) -> Tensor:
        """A bool mask [H, W] as float 0 / 1 [H', W']; never empty where the original is not."""
        mask_HW = torch.tensor(mask).float()
        if self.resizes:
            size = (self.inner_height, self.inner_width)
            covered_HW = F.interpolate(mask_HW[None, None], size, mode="area")[0, 0]
            mask_HW = (covered_HW >= covered_HW.max().clamp(max=0.5)).float()
        return pad_to_multiple(mask_HW, STRIDE)[0]

    def points(
        self, xy: NDArray[np.float32], radius: int, size: tuple[int, int] | None = None
    ) -> Tensor:
        """Continuous positions [P, 2] drawn as disks with a radius in pixels.

        Args:
            xy: in the original frame; those outside of it are left out.
            radius: in pixels of the map.
            size: of the map, for a smaller copy of the network input; None for the input itself.

        Returns:
            float 0 / 1 [H', W'], or of that size.
        """
        padding = self._padding
        height = padding.top + self.inner_height + padding.bottom
        width = padding.left + self.inner_width + padding.right
        rows, columns = size or (height, width)
        scale = np.array([self.inner_width / self.width, self.inner_height / self.height])
        inner = xy[inside(xy, self.height, self.width)] * scale + [padding.left, padding.top]
        copy = inner * [columns / width, rows / height]
        return torch.from_numpy(rasterise(copy, rows, columns, radius)).float()

    @property
    def _padding(self) -> Padding:
        return padding_to_multiple(self.inner_height, self.inner_width, STRIDE)

    def prediction(self, prob_KHW: Tensor) -> Tensor:
        """Probabilities [K, H', W'] at the original size, float [K, H, W]."""
        inner_KHW = unpad(prob_KHW, self._padding)
        if not self.resizes:
            return inner_KHW
        return F.interpolate(inner_KHW[None], (self.height, self.width), mode="bilinear")[0]
