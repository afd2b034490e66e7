"""Queries and mask features to the masks of objects and background.

Shape legend: B batch, Q queries, C channels, O objects, K = O + 1 background and objects, H W
height and width of the mask features.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.interactive.prompts import BACKGROUND

ABSENT_LOGIT = -20.0  # of objects without a single click or trace: certainly not there
NOTHING = -1e4  # below all logits


class MaskHead(nn.Module):
    """A mask per query: the product of an embedding of the query with the features of each pixel.

    Args:
        channels: of queries and mask features.
        unit_length: whether both have length one, times a learned scale. Raw products grow with the
            norms, and a small network trained on little data then learns norms first.
    """

    def __init__(self, *, channels: int, unit_length: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)
        self.layers = nn.ModuleList([nn.Linear(channels, channels) for _ in range(3)])
        self.unit_length = unit_length
        if unit_length:
            self.log_scale = nn.Parameter(torch.tensor(math.log(10.0)))
            self.bias = nn.Parameter(torch.zeros(()))

    def forward(self, query_BQC: Tensor, pixel_BCHW: Tensor) -> Tensor:
        """[B, Q, C], `pixels` of the mask features -> logits of every query, float [B, Q, H, W]."""
        x_BQC = self.norm(query_BQC)
        for index, layer in enumerate(self.layers):
            x_BQC = layer(F.relu(x_BQC) if index else x_BQC)
        if self.unit_length:
            x_BQC = F.normalize(x_BQC, dim=-1) * self.log_scale.exp()
        logits_BQHW: Tensor = (x_BQC @ pixel_BCHW.flatten(2)).unflatten(-1, pixel_BCHW.shape[-2:])
        return logits_BQHW + self.bias if self.unit_length else logits_BQHW

    def pixels(self, mask_BCHW: Tensor) -> Tensor:
        """What queries are compared with, float [B, C, H, W]; the same for all queries."""
        return F.normalize(mask_BCHW, dim=1) if self.unit_length else mask_BCHW


def largest_of_each(
    logits_BQHW: Tensor, object_BQ: Tensor, valid_BQ: Tensor, objects: int
) -> Tensor:
    """Maximum over the queries of the background and of each object.

    Returns:
        float [B, K, H, W], background first; `ABSENT_LOGIT` for objects without a query.
    """
    found = []
    for slot in (BACKGROUND, *range(objects)):
        own_BQ11 = ((object_BQ == slot) & valid_BQ)[..., None, None]
        best_BHW = logits_BQHW.masked_fill(~own_BQ11, NOTHING).amax(dim=1)
        found.append(best_BHW.masked_fill(~own_BQ11.any(dim=1), ABSENT_LOGIT))
    return torch.stack(found, dim=1)


def label_map(logits_BKHW: Tensor, height: int, width: int) -> Tensor:
    """Which of background (0) and objects (slot + 1) is the most likely at each pixel.

    Args:
        logits_BKHW: float [B, K, H, W], background first.
        height: of the result, in pixels.
        width: of the result, in pixels.

    Returns:
        int64 [B, height, width].
    """
    enlarged = F.interpolate(logits_BKHW, size=(height, width), mode="bilinear")
    return enlarged.argmax(dim=1)
