"""Multi-scale deformable attention (Zhu et al., ICLR 2021) in pure PyTorch.

Each query reads, per head, a few positions of each level of a feature pyramid, chosen and weighted
by the query itself. The public implementations compile an operator for it.

Two forms of the same sum. `grid_form` samples every position with `grid_sample`, weights and adds
them. `bag_form` sees that bilinear sampling is itself a weighted sum of four rows, so that all of
a query's head is one weighted bag of rows: `embedding_bag` adds them without ever storing the
samples, which on a processor is several times as fast (benchmarks/benchmark_deformable_attention).

Shape legend: B batch, S positions of all levels one after another (each row by row), Q queries,
M heads, D channels of a head, L levels, P points of a level, C = M D channels.
"""

import math
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LevelShapes = Sequence[tuple[int, int]]  # (height, width) of each level


class MultiScaleDeformableAttention(nn.Module):
    """Attention to a few learned positions of every level, with Deformable DETR's parameter names.

    Args:
        channels: of queries, sources and output.
        levels: of the pyramid.
        heads: the channels are split among them.
        points: positions that a head reads of each level.

    Raises:
        ValueError: the heads do not divide the channels.
    """

    def __init__(
        self, *, channels: int = 256, levels: int = 4, heads: int = 8, points: int = 4
    ) -> None:
        super().__init__()
        if channels % heads:
            raise ValueError(f"{heads} heads do not divide {channels} channels")
        self.levels, self.heads, self.points = levels, heads, points
        self.sampling_offsets = nn.Linear(channels, heads * levels * points * 2)
        self.attention_weights = nn.Linear(channels, heads * levels * points)
        self.value_proj = nn.Linear(channels, channels)
        self.output_proj = nn.Linear(channels, channels)
        self._initialise()

    def _initialise(self) -> None:
        """Each head looks along its own direction, point p at a distance of p + 1 pixels."""
        angle_M = torch.arange(self.heads) * (2 * math.pi / self.heads)
        direction_M2 = torch.stack([angle_M.cos(), angle_M.sin()], dim=-1)
        direction_M2 = direction_M2 / direction_M2.abs().amax(dim=-1, keepdim=True)
        distance_P1 = torch.arange(1.0, self.points + 1)[:, None]
        offset_MLP2 = (direction_M2[:, None, None] * distance_P1).expand(-1, self.levels, -1, -1)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(offset_MLP2.flatten())
        for zero in (self.sampling_offsets.weight, *self.attention_weights.parameters()):
            nn.init.zeros_(zero)
        for projection in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(projection.weight)
            nn.init.zeros_(projection.bias)

    def forward(
        self,
        query_BQC: Tensor,
        reference_BQLR: Tensor,
        source_BSC: Tensor,
        shapes: LevelShapes,
        padding_BS: Tensor | None = None,
    ) -> Tensor:
        """Read the sources around the reference points.

        Args:
            query_BQC: float [B, Q, C], with positions added.
            reference_BQLR: float [B, Q, L, 2], (x, y) in [0, 1] of the image, around which offsets
                count in pixels of each level; or [B, Q, L, 4], boxes (x, y, width, height), around
                whose centres they count in half boxes.
            source_BSC: float [B, S, C], the levels one after another.
            shapes: (height, width) of each level.
            padding_BS: bool [B, S], true where a source is padding and reads as zero.

        Returns:
            float [B, Q, C].

        Raises:
            ValueError: reference points have neither 2 nor 4 components, or the levels another
                number of pixels than the sources.
        """
        split = (self.heads, self.levels, self.points)
        value_BSC = self.value_proj(source_BSC)
        if padding_BS is not None:
            value_BSC = value_BSC.masked_fill(padding_BS[..., None], 0)
        offsets_BQMLP2 = self.sampling_offsets(query_BQC).float().unflatten(-1, (*split, 2))
        weights_BQMK = self.attention_weights(query_BQC).float().unflatten(-1, (self.heads, -1))
        read_BQC = multi_scale_deformable_attention(
            value_BSC.unflatten(-1, (self.heads, -1)),
            shapes,
            self._locations(offsets_BQMLP2, reference_BQLR.float(), shapes),
            weights_BQMK.softmax(dim=-1).unflatten(-1, split[1:]),
        )
        out_BQC: Tensor = self.output_proj(read_BQC.to(value_BSC.dtype))
        return out_BQC

    def _locations(
        self, offsets_BQMLP2: Tensor, reference_BQLR: Tensor, shapes: LevelShapes
    ) -> Tensor:
        reference_BQ1L1R = reference_BQLR[:, :, None, :, None]
        if reference_BQLR.shape[-1] == 2:
            size_L12 = offsets_BQMLP2.new_tensor([[(width, height)] for height, width in shapes])
            return reference_BQ1L1R + offsets_BQMLP2 / size_L12
        if reference_BQLR.shape[-1] == 4:
            centre, size = reference_BQ1L1R.split(2, dim=-1)
            locations: Tensor = centre + offsets_BQMLP2 * size * (0.5 / self.points)
            return locations
        raise ValueError(
            f"expected reference points of 2 or 4 components, found {reference_BQLR.shape[-1]}"
        )


def multi_scale_deformable_attention(
    value_BSMD: Tensor, shapes: LevelShapes, locations_BQMLP2: Tensor, weights_BQMLP: Tensor
) -> Tensor:
    """Weighted sum of bilinear samples of a pyramid.

    Args:
        value_BSMD: float [B, S, M, D].
        shapes: (height, width) of the L levels, S pixels in all.
        locations_BQMLP2: float [B, Q, M, L, P, 2], (x, y) in [0, 1] of the image, continuous as
            in `pointvos.core.geometry`; outside it values are zero.
        weights_BQMLP: float [B, Q, M, L, P].

    Returns:
        float32 [B, Q, C].

    Raises:
        ValueError: the levels have another number of pixels than `value_BSMD`.
    """
    pixels = sum(height * width for height, width in shapes)
    if pixels != value_BSMD.shape[1]:
        raise ValueError(
            f"expected {pixels} positions, those of the levels {list(shapes)}, "
            f"found {value_BSMD.shape[1]}"
        )
    # Half precision would move the positions themselves.
    with torch.autocast(value_BSMD.device.type, enabled=False):
        arguments = (value_BSMD.float(), shapes, locations_BQMLP2.float(), weights_BQMLP.float())
        return bag_form(*arguments) if value_BSMD.is_cpu else grid_form(*arguments)


def grid_form(
    value_BSMD: Tensor, shapes: LevelShapes, locations_BQMLP2: Tensor, weights_BQMLP: Tensor
) -> Tensor:
    """The straightforward form; arguments as in `multi_scale_deformable_attention`."""
    batch, queries, _, levels, points = weights_BQMLP.shape
    level_values = value_BSMD.split([height * width for height, width in shapes], dim=1)
    samples = []
    for level, (height, width) in enumerate(shapes):
        value_NDHW = (
            level_values[level].permute(0, 2, 3, 1).reshape(-1, value_BSMD.shape[3], height, width)
        )
        grid_NQP2 = locations_BQMLP2[:, :, :, level].transpose(1, 2).flatten(0, 1) * 2 - 1
        samples.append(F.grid_sample(value_NDHW, grid_NQP2, align_corners=False))
    samples_NDQK = torch.cat(samples, dim=-1)  # N = B M, K = L P
    weights_N1QK = weights_BQMLP.transpose(1, 2).reshape(-1, 1, queries, levels * points)
    read_NDQ = (samples_NDQK * weights_N1QK).sum(dim=-1)
    return read_NDQ.reshape(batch, -1, queries).transpose(1, 2)


def bag_form(
    value_BSMD: Tensor, shapes: LevelShapes, locations_BQMLP2: Tensor, weights_BQMLP: Tensor
) -> Tensor:
    """The fast form; arguments as in `multi_scale_deformable_attention`."""
    batch, positions, heads, channels = value_BSMD.shape
    rows, weights = bilinear_rows(shapes, locations_BQMLP2, weights_BQMLP)
    # Row (b, s, m) of the flattened values is number (b S + s) M + m.
    first_B = torch.arange(batch, device=rows.device, dtype=rows.dtype) * (positions * heads)
    first_BM = first_B[:, None] + torch.arange(heads, device=rows.device, dtype=rows.dtype)
    rows = rows.mul_(heads).add_(first_BM[:, None, :, None, None])
    rows_NK, weights_NK = (x.flatten(3).flatten(0, 2) for x in (rows, weights))  # N = B Q M
    table = value_BSMD.reshape(-1, channels)
    read_ND = F.embedding_bag(rows_NK, table.detach(), per_sample_weights=weights_NK, mode="sum")
    read_ND = _TableGradient.apply(  # type: ignore[no-untyped-call]
        read_ND, table, rows_NK, weights_NK.detach()
    )
    read_BQC: Tensor = read_ND.view(batch, -1, heads * channels)
    return read_BQC


def bilinear_rows(
    shapes: LevelShapes, locations_BQMLP2: Tensor, weights_BQMLP: Tensor
) -> tuple[Tensor, Tensor]:
    """The four pixels around each location and their shares of its weight.

    Returns:
        int32 and float32, both [B, Q, M, 4 L, P]: positions in 0 .. S - 1, and weights, zero for
        pixels outside their level.
    """
    rows, weights = [], []
    start = 0
    # One level at a time: with plain numbers for its size every operation runs vectorised.
    for level, (height, width) in enumerate(shapes):
        x_BQMP, y_BQMP = locations_BQMLP2[:, :, :, level].unbind(dim=-1)
        left, right, at_left, at_right = _either_side(x_BQMP, width)
        above, below, at_above, at_below = _either_side(y_BQMP, height)
        above, below = above * width + start, below * width + start
        weight_BQMP = weights_BQMLP[:, :, :, level]
        at_above, at_below = at_above * weight_BQMP, at_below * weight_BQMP
        rows += [above + left, above + right, below + left, below + right]
        weights += [
            at_above * at_left,
            at_above * at_right,
            at_below * at_left,
            at_below * at_right,
        ]
        start += height * width
    return torch.stack(rows, dim=3), torch.stack(weights, dim=3)


def _either_side(along: Tensor, size: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Indices of the two pixels around positions on one axis of [0, 1], and their weights."""
    # From -1 and from the size on nothing is inside; farther away integers could overflow.
    at = (along * size - 0.5).clamp(-1, size)
    with torch.no_grad():
        floor = at.floor()
        low, high = floor.clamp(0, size - 1), (floor + 1).clamp(0, size - 1)
        inside_low, inside_high = low == floor, high == floor + 1
        low, high = low.int(), high.int()
    after = at - floor
    return low, high, (1 - after) * inside_low, after * inside_high


class _TableGradient(torch.autograd.Function):
    """Identity on bags; backward, the gradient of the table whose rows they are sums of.

    The gradient of a row is itself a bag: the sum, over the bags that read it, of their gradients.
    Sorted by row these are `embedding_bag` once more, several times as fast as its own backward.
    """

    @staticmethod
    def forward(ctx: Any, read_ND: Tensor, table: Tensor, rows_NK: Tensor, w_NK: Tensor) -> Tensor:
        ctx.save_for_backward(rows_NK, w_NK)
        ctx.table_rows = table.shape[0]
        return read_ND.view_as(read_ND)

    @staticmethod
    def backward(ctx: Any, *grads_ND: Tensor) -> tuple[Tensor | None, ...]:
        (grad_ND,) = grads_ND
        if not ctx.needs_input_grad[1]:
            return grad_ND, None, None, None
        rows_NK, w_NK = ctx.saved_tensors
        rows, order = rows_NK.flatten().sort()
        every_row = torch.arange(ctx.table_rows + 1, dtype=rows.dtype, device=rows.device)
        grad_table = F.embedding_bag(
            order.int() // rows_NK.shape[1],
            grad_ND.contiguous(),
            torch.searchsorted(rows, every_row, out_int32=True),
            # index_select: a third of the time of indexing.
            per_sample_weights=w_NK.flatten().index_select(0, order),
            mode="sum",
            include_last_offset=True,
        )
        return grad_ND, grad_table, None, None
