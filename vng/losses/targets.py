"""What is known of the nouns of clips, and what of it a prediction is compared with.

Shape legend, here and in the other files of this package: B batch, N nouns, T frames, Q queries of
a noun, H W height and width of the frames, h w of masks at stride 4, S = h w, 4 cxcywh.
"""

from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from vng.losses.boxes import mask_boxes

STRIDE = 4  # of predicted masks


class LayerPrediction(Protocol):
    """What a decoder layer says of every query: `vng.nn.rf_vng.LayerPrediction`."""

    @property
    def logits_BNTQ(self) -> Tensor:  # noqa: N802
        """That a query is the noun's object in this frame."""

    @property
    def boxes_BNTQ4(self) -> Tensor:  # noqa: N802
        """In parts of the image."""

    @property
    def masks_BNTQHW(self) -> Tensor:  # noqa: N802
        """Logits [B, N, T, Q, h, w]."""


class Targets(NamedTuple):
    """Objects of nouns.

    Attributes:
        masks_BNTHW: bool, at the size of the padded frames; empty where the object is absent.
        boxes_BNT4: float32, in parts of the unpadded image; zeros where the object is absent.
        known_BNT: bool, whether this mask was annotated. Where it is false nothing is compared: a
            slot without a noun, a noun without masks, a frame that nobody annotated. It does not
            mean that the object is absent.
    """

    masks_BNTHW: Tensor
    boxes_BNT4: Tensor
    known_BNT: Tensor

    @classmethod
    def of_masks(cls, masks_BNTHW: Tensor, known_BNT: Tensor, sizes_B2: Tensor) -> "Targets":
        """From masks; `sizes_B2` is int64, height and width of the images before padding."""
        boxes = [
            mask_boxes(masks, int(height), int(width))
            for masks, (height, width) in zip(masks_BNTHW, sizes_B2.tolist(), strict=True)
        ]
        return cls(masks_BNTHW, torch.stack(boxes), known_BNT)

    @property
    def present_BNT(self) -> Tensor:  # noqa: N802
        """Known and there: bool."""
        return self.known_BNT & self.masks_BNTHW.flatten(3).any(dim=3)


def thinned_masks(masks_BNTHW: Tensor, height: int, width: int) -> Tensor:
    """The pixels that predictions at stride 4 stand for, as ReferFormer takes them.

    Of each 4 x 4 pixels it is the one in the third row and column. An object that has none of those
    but is there would look absent: it takes the pixels of its 4 x 4 blocks instead.

    Args:
        masks_BNTHW: bool, at the size of the padded frames.
        height: h, of the predictions.
        width: w, of the predictions.

    Returns:
        float32 [B, N, T, h, w].
    """
    below = STRIDE * height - masks_BNTHW.shape[-2]
    right = STRIDE * width - masks_BNTHW.shape[-1]
    if not (0 <= below < STRIDE and 0 <= right < STRIDE):
        raise ValueError(
            f"expected masks {height}x{width} times {STRIDE} or up to {STRIDE - 1} pixels less, "
            f"found {masks_BNTHW.shape[-2]}x{masks_BNTHW.shape[-1]}"
        )
    masks = F.pad(masks_BNTHW, (0, right, 0, below))
    thinned_BNThw = masks[..., STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
    lost_BNT11 = (masks.flatten(3).any(dim=3) & ~thinned_BNThw.flatten(3).any(dim=3))[
        ..., None, None
    ]
    if bool(lost_BNT11.any()):
        blocks = masks.unflatten(-1, (width, STRIDE)).unflatten(-3, (height, STRIDE))
        thinned_BNThw = thinned_BNThw | (blocks.any(dim=-1).any(dim=-2) & lost_BNT11)
    return thinned_BNThw.float()
