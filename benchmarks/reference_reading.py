"""Memory reading the way the public STCN code does it, to compare with; and weights to compare by.

The public code compares every memory position with every query position, puts the softmax over the
20 best back into a matrix of that size, zeros elsewhere, and multiplies the values by it.
"""

from __future__ import annotations

import math
import zlib

import torch
from torch import Tensor, nn

from pointvos.nn.stcn import STCN, QueryFeatures


class DenseReader(nn.Module):
    """The reader role of `pointvos.nn.stcn.STCN` with dense matrices; the same result."""

    def forward(
        self,
        features: QueryFeatures,
        memory_key_BCM: Tensor,
        memory_value_BOCM: Tensor,
        top_k: int | None,
    ) -> Tensor:
        """Readout, float [B, O, C, H, W]."""
        query_BCQ = features.key_BCHW.flatten(2).float()
        memory_BMC = memory_key_BCM.float().transpose(1, 2)
        norm_BM1 = memory_BMC.square().sum(dim=2, keepdim=True)
        similarity_BMQ = (2 * (memory_BMC @ query_BCQ) - norm_BM1) / math.sqrt(query_BCQ.shape[1])
        best_BKQ, place_BKQ = similarity_BMQ.topk(min(top_k or 1, similarity_BMQ.shape[1]), dim=1)
        affinity_BMQ = torch.zeros_like(similarity_BMQ)
        affinity_BMQ.scatter_(1, place_BKQ, best_BKQ.softmax(dim=1))
        readout = memory_value_BOCM.flatten(1, 2) @ affinity_BMQ.to(memory_value_BOCM.dtype)
        return readout.reshape(*memory_value_BOCM.shape[:3], *features.key_BCHW.shape[2:])


def randomise(network: STCN) -> None:
    """Give a full network weights that let signals through every layer, the same in every run.

    Untrained weights of the usual scale give flat predictions, with which any two programs agree.
    """
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if not tensor.is_floating_point():
                continue
            generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
            drawn = torch.randn(tensor.shape, generator=generator)
            if tensor.ndim > 1:
                gain = 1.4 if "trunk" in name and "value" in name else 1.0
                gain = 2.0 if name.endswith("key_projection.weight") else gain
                tensor.copy_(drawn * gain / math.sqrt(math.prod(tensor.shape[1:])))
            elif name.endswith("running_var"):
                tensor.copy_(1 + 0.2 * drawn.abs())
            elif name.endswith(("bias", "running_mean")):
                tensor.copy_(0.1 * drawn)
            else:
                tensor.copy_(1 + 0.1 * drawn)
        network.state_dict()["value_encoder.trunk.conv1.weight"][:, 3:] *= 4  # masks are faint
