"""Reading of the memory by space-time similarity (STCN, Sec. 3.2-3.3), as pure functions.

The similarity is the negative squared L2 distance of keys without its query norm, which is constant
over the memory and drops out of the softmax. It is always computed in float32: keys of norm 100
leave bfloat16 with no digits to tell neighbours apart.
"""

import math
from collections.abc import Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.stcn import QueryFeatures

# Similarities held at once by a top-k read, 8 MB: a memory of any length needs no more, and a block
# that stays in cache is faster than the whole (6480 x 1620: 51 ms instead of 71 ms on one thread).
SIMILARITIES_AT_ONCE = 2**21


def similarity(memory_key_BCM: Tensor, query_key_BCQ: Tensor) -> Tensor:
    """Compare every memory position with every query position.

    Args:
        memory_key_BCM: float [B, C, M].
        query_key_BCQ: float [B, C, Q].

    Returns:
        float32 [B, M, Q], (2 k.q - |k|^2) / sqrt(C). It lies in memory query by query, which is how
        top-k and softmax go through it.
    """
    scale = 1 / math.sqrt(memory_key_BCM.shape[1])
    with torch.autocast(memory_key_BCM.device.type, enabled=False):
        memory_key_BCM, query_key_BCQ = memory_key_BCM.float(), query_key_BCQ.float()
        norm_B1M = memory_key_BCM.square().sum(dim=1, keepdim=True)
        similarity_BQM = torch.baddbmm(
            norm_B1M, query_key_BCQ.transpose(1, 2), memory_key_BCM, beta=-scale, alpha=2 * scale
        )
    return similarity_BQM.transpose(1, 2)


def softmax_read(similarity_BMQ: Tensor, value_BOCM: Tensor) -> Tensor:
    """Average the values of all memory positions, weighted by a softmax over the memory.

    Args:
        similarity_BMQ: float [B, M, Q].
        value_BOCM: float [B, O, C, M].

    Returns:
        float [B, O, C, Q], in the dtype of the values.
    """
    affinity_BMQ = similarity_BMQ.softmax(dim=1).to(value_BOCM.dtype)
    readout_BNQ = value_BOCM.flatten(1, 2) @ affinity_BMQ  # N = O * C
    return readout_BNQ.reshape(*value_BOCM.shape[:3], -1)


def topk_read(
    memory_key_BCM: Tensor, query_key_BCQ: Tensor, value_BOCM: Tensor, top_k: int
) -> Tensor:
    """Average the values of the `top_k` most similar memory positions of each query.

    Equal to `softmax_read` with every other similarity set to minus infinity, but only `top_k` rows
    of the values are touched per query, and no M x Q matrix exists at any time.

    Args:
        memory_key_BCM: float [B, C, M].
        query_key_BCQ: float [B, C, Q].
        value_BOCM: float [B, O, C, M].
        top_k: at least 1; all positions are read where the memory has fewer.

    Returns:
        float [B, O, C, Q], in the dtype of the values.
    """
    best = [
        most_similar(similarity_BMq, top_k)
        for similarity_BMq in similarity_blocks(memory_key_BCM, query_key_BCQ)
    ]
    return gather_read(best, value_BOCM)


def similarity_blocks(memory_key_BCM: Tensor, query_key_BCQ: Tensor) -> Iterator[Tensor]:
    """`similarity` for a part of the queries at a time, in order; float32 [B, M, q]."""
    queries_at_once = max(1, SIMILARITIES_AT_ONCE // memory_key_BCM.shape[2])
    for query_key_BCq in torch.split(query_key_BCQ, queries_at_once, dim=2):
        yield similarity(memory_key_BCM, query_key_BCq)


def most_similar(similarity_BMQ: Tensor, top_k: int) -> tuple[Tensor, Tensor]:
    """Softmax weights and memory indices of the `top_k` best positions, both [B, Q, K]."""
    top_k = min(top_k, similarity_BMQ.shape[1])
    best_BQK, index_BQK = similarity_BMQ.transpose(1, 2).topk(top_k, dim=2)
    return best_BQK.softmax(dim=2), index_BQK


def gather_read(best: Sequence[tuple[Tensor, Tensor]], value_BOCM: Tensor) -> Tensor:
    """Average the values at given positions.

    Args:
        best: weights and memory indices [B, q, K] of all queries, in blocks, see `most_similar`.
        value_BOCM: float [B, O, C, M].

    Returns:
        float [B, O, C, Q], in the dtype of the values.
    """
    batch, objects, channels, positions = value_BOCM.shape
    weight_BQK = torch.cat([weight for weight, _ in best], dim=1)
    index_BQK = torch.cat([index for _, index in best], dim=1)
    # A weighted sum of table rows, fused: the [O, C, Q, K] tensor of gathered values is never made.
    # The table costs no copy when the values lie in memory position by position.
    table = value_BOCM.flatten(1, 2).transpose(1, 2).contiguous().flatten(0, 1)
    first_row_B11 = torch.arange(batch, device=table.device)[:, None, None] * positions
    readout = F.embedding_bag(
        (index_BQK + first_row_B11).flatten(0, 1),
        table,
        per_sample_weights=weight_BQK.flatten(0, 1).to(table.dtype),
        mode="sum",
    )
    return readout.reshape(batch, -1, objects, channels).permute(0, 2, 3, 1)


class SpaceTimeReader(nn.Module):
    """The reader role of `pointvos.nn.stcn.STCN`; it has no parameters."""

    def forward(
        self,
        features: QueryFeatures,
        memory_key_BCM: Tensor,
        memory_value_BOCM: Tensor,
        top_k: int | None,
    ) -> Tensor:
        """Return float [B, O, C, H, W] at the resolution of the query key."""
        query_key_BCQ = features.key_BCHW.flatten(2)
        if top_k is None:
            similarity_BMQ = similarity(memory_key_BCM, query_key_BCQ)
            readout_BOCQ = softmax_read(similarity_BMQ, memory_value_BOCM)
        else:
            readout_BOCQ = topk_read(memory_key_BCM, query_key_BCQ, memory_value_BOCM, top_k)
        return readout_BOCQ.reshape(*readout_BOCQ.shape[:3], *features.key_BCHW.shape[2:])
