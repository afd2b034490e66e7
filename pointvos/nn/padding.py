"""Centred padding of frames to a multiple of the network's stride, and its inverse."""

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor


class Padding(NamedTuple):
    """Pixels added on each side."""

    left: int
    right: int
    top: int
    bottom: int


def padding_to_multiple(height: int, width: int, multiple: int) -> Padding:
    """What makes the sides multiples: half on each side, an odd pixel right or below."""
    extra_height, extra_width = -height % multiple, -width % multiple
    return Padding(
        left=extra_width // 2,
        right=extra_width - extra_width // 2,
        top=extra_height // 2,
        bottom=extra_height - extra_height // 2,
    )


def pad_to_multiple(x: Tensor, multiple: int = 16) -> tuple[Tensor, Padding]:
    """Pad the last two dimensions with zeros, half on each side, an odd pixel right or below.

    Frames should be padded with the network's mean colour: subtract `pixel_mean`, pad, add it.

    Args:
        x: [..., H, W].
        multiple: of the padded height and width.

    Returns:
        The padded tensor and what was added, for `unpad`.
    """
    height, width = x.shape[-2:]
    padding = padding_to_multiple(height, width, multiple)
    return F.pad(x, padding), padding


def unpad(x: Tensor, padding: Padding) -> Tensor:
    """Remove what `pad_to_multiple` added to the last two dimensions."""
    height, width = x.shape[-2:]
    return x[..., padding.top : height - padding.bottom, padding.left : width - padding.right]
