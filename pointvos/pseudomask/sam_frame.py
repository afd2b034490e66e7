"""How an image enters a Segment-Anything network, and how positions and masks follow it.

SAM and its exports scale the longest side to the network's side and pad right and below; SAM 2
stretches both sides. Both normalise with the ImageNet statistics. The processors that transformers
packages do the same but for positions: they scale pixel indices, which is up to half a pixel of the
original image away from what the scaled image shows. Positions here are continuous
(`pointvos.core.geometry`), so they stay on what they were put on. The SAM 2 processor also needs
torchvision, which this project does without.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from pointvos.core import geometry

# Statistics of ImageNet in [0, 255], as segment-anything writes them (modeling/sam.py).
PIXEL_MEAN = np.array([123.675, 116.28, 103.53], np.float32)
PIXEL_STD = np.array([58.395, 57.12, 57.375], np.float32)

# The networks add this to positions ("centre of pixel"); continuous ones have it already.
ADDED_BY_NETWORK = np.float32(0.5)

# A mask as logits: what SAM 2 makes of a mask that is given in the place of its own output.
MASK_LOGIT = 10.0


@dataclass(frozen=True)
class SamFrame:
    """An image of `height` x `width` inside a square network input of `side` pixels.

    Attributes:
        keep_aspect: scale the longest side and pad (SAM), or stretch both (SAM 2).
    """

    height: int
    width: int
    side: int
    keep_aspect: bool

    @property
    def content(self) -> tuple[int, int]:
        """(height, width) of the image inside the input; the rest is padding.

        >>> SamFrame(480, 854, 1024, keep_aspect=True).content
        (576, 1024)
        """
        if not self.keep_aspect:
            return self.side, self.side
        factor = self.side / max(self.height, self.width)
        return max(1, int(self.height * factor + 0.5)), max(1, int(self.width * factor + 0.5))

    def scaled(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The image at `content` size, without padding, uint8 [h, w, 3]."""
        height, width = self.content
        resized = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
        return np.asarray(resized, dtype=np.uint8)

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The network input float32 [1, 3, side, side]: scaled, normalised, padded with zeros."""
        height, width = self.content
        pixels = np.zeros((1, 3, self.side, self.side), np.float32)
        normal = (self.scaled(image).astype(np.float32) - PIXEL_MEAN) / PIXEL_STD
        pixels[0, :, :height, :width] = normal.transpose(2, 0, 1)
        return pixels

    def positions(self, xy: NDArray[np.float32]) -> NDArray[np.float32]:
        """Continuous positions [P, 2] of the image as the network wants them."""
        height, width = self.content
        moved = geometry.transform(xy, geometry.scaling(width / self.width, height / self.height))
        return moved - ADDED_BY_NETWORK

    def mask_logits(self, mask: NDArray[np.bool_], mask_side: int) -> NDArray[np.float32]:
        """A bool mask [H, W] as the network's mask input, float32 [1, 1, mask_side, mask_side].

        Padding counts as background.
        """
        height, width = self.content
        scaled = F.interpolate(
            torch.from_numpy(mask.astype(np.float32))[None, None],
            size=(height, width),
            mode="bilinear",
            antialias=True,
        )
        padded = F.pad(scaled, (0, self.side - width, 0, self.side - height))
        small = F.interpolate(padded, size=(mask_side, mask_side), mode="bilinear", antialias=True)
        return ((small * 2 - 1) * MASK_LOGIT).clamp(-MASK_LOGIT, MASK_LOGIT).numpy()

    def upscaled(self, logits: Tensor) -> Tensor:
        """Low-resolution mask logits [C, h, w] at the size of the image, [C, H, W]."""
        stacked = logits[None].float()
        if self.keep_aspect:
            height, width = self.content
            stacked = _bilinear(stacked, self.side, self.side)[..., :height, :width]
        return _bilinear(stacked, self.height, self.width)[0]


def _bilinear(stacked: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(stacked, size=(height, width), mode="bilinear", align_corners=False)
