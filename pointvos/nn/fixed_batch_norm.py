"""Batch normalisation whose statistics never change."""

import torch.nn.functional as F
from torch import Tensor, nn


class FixedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm that normalises with its stored statistics, in training too.

    STCN trains with batch statistics frozen and affine parameters trainable (batches of a few clips
    give poor statistics). Making that a property of the layer keeps `train()` and `eval()` equal,
    so nothing has to remember to freeze it. Names in the state dict are those of `nn.BatchNorm2d`.
    """

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """Return float [B, C, H, W]."""
        return F.batch_norm(
            x_BCHW,
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            training=False,
            eps=self.eps,
        )
