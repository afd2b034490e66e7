"""Small perceptrons: boxes and mask parameters from what a query has become."""

import itertools
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPS = 1e-5  # of the published implementation


class Perceptron(nn.Module):
    """Linear layers with a ReLU between each two of them.

    Args:
        channels: of the input, between the layers, and of the output.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.Linear(inputs, outputs) for inputs, outputs in itertools.pairwise(channels)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[..., first] -> [..., last]."""
        for index, layer in enumerate(self.layers):
            x = layer(F.relu(x) if index else x)
        return x


def inverse_sigmoid(share: Tensor) -> Tensor:
    """Logits of numbers in [0, 1], bounded at both ends."""
    share = share.clamp(0, 1)
    return torch.log(share.clamp_min(EPS) / (1 - share).clamp_min(EPS))
