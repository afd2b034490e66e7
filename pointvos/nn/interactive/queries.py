"""Clicks and traces as queries.

Shape legend: B batch, N clicks, T traces, P pixels of a trace, Q queries, C channels.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.interactive.features import FrameFeatures, sample_scales
from pointvos.nn.interactive.positions import sine_encoding
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces

COORDINATE_CHANNELS = 128  # of each of y, x and time (DynaMITe)
MIN_TIME_SPAN = 500.0  # times are divided by it, or by the last one if that is larger (DynaMITe)
KINDS = 4  # object click, background click, object trace, background trace


class Queries(NamedTuple):
    """Queries of a batch of frames.

    Attributes:
        content_BQC: float [B, Q, C].
        position_BQC: float [B, Q, C], added wherever queries are compared with anything.
        object_BQ: int64 [B, Q], object slot or `BACKGROUND`.
        valid_BQ: bool [B, Q]; padding takes part in nothing.
    """

    content_BQC: Tensor
    position_BQC: Tensor
    object_BQ: Tensor
    valid_BQ: Tensor


class ClickEncoder(nn.Module):
    """One query per click, from the features under it: Linear, ReLU, Linear.

    Args:
        channels: of features and queries.
        normalised: whether features pass a layer norm first. For features without a norm of their
            own, whose lengths would decide over everything else.
    """

    def __init__(self, *, channels: int, normalised: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels) if normalised else nn.Identity()
        self.hidden = nn.Linear(channels, channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, features: FrameFeatures, clicks: Clicks) -> Tensor:
        """Content of each click, float [B, N, C]."""
        xy_BN2 = clicks.xy_BN2.masked_fill(~clicks.valid_BN[..., None], 0)
        sampled_BNC = self.norm(sample_scales(features, xy_BN2))
        content_BNC: Tensor = self.out(F.relu(self.hidden(sampled_BNC)))
        return content_BNC


class TraceEncoder(nn.Module):
    """One query per trace: features under all its pixels, their mean, projected (Appendix D).

    Args:
        channels: of features and queries.
        normalised: as of `ClickEncoder`; here of the mean.
    """

    def __init__(self, *, channels: int, normalised: bool = False) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels) if normalised else nn.Identity()
        self.projection = nn.Linear(channels, channels)

    def forward(self, features: FrameFeatures, traces: Traces) -> Tensor:
        """Content of each trace, float [B, T, C]."""
        content_BTC: Tensor = self.projection(self.norm(pool_trace(features, traces)))
        return content_BTC


def pool_trace(features: FrameFeatures, traces: Traces) -> Tensor:
    """Mean of the features under the pixels of each trace, float [B, T, C]."""
    valid_BTP = traces.valid_BTP
    xy_BTP2 = traces.xy_BTP2.masked_fill(~valid_BTP[..., None], 0)
    sampled_BTPC = sample_scales(features, xy_BTP2.flatten(1, 2)).unflatten(1, valid_BTP.shape[1:])
    total_BTC = (sampled_BTPC * valid_BTP[..., None]).sum(dim=2)
    mean_BTC: Tensor = total_BTC / valid_BTP.sum(dim=2).clamp_min(1)[..., None]
    return mean_BTC


def trace_centre(traces: Traces) -> Tensor:
    """Mean position of each trace, float32 [B, T, 2]."""
    valid_BTP = traces.valid_BTP
    total_BT2 = traces.xy_BTP2.masked_fill(~valid_BTP[..., None], 0).sum(dim=2)
    return total_BT2 / valid_BTP.sum(dim=2).clamp_min(1)[..., None]


class QueryEncoder(nn.Module):
    """Clicks, traces and the learned static background to one set of queries.

    A trace stands at its mean position. Static background queries make room for background when
    nobody clicked on it.

    Args:
        click_encoder: content of clicks.
        trace_encoder: content of traces.
        channels: of the queries.
        static_background: number of learned background queries.
        kinds: whether a learned vector tells clicks from traces and objects from background.
    """

    def __init__(
        self,
        *,
        click_encoder: ClickEncoder,
        trace_encoder: TraceEncoder,
        channels: int,
        static_background: int = 9,
        kinds: bool = False,
    ) -> None:
        super().__init__()
        self.click_encoder = click_encoder
        self.trace_encoder = trace_encoder
        self.coordinates = nn.Linear(3 * COORDINATE_CHANNELS, channels)
        self.shared_position = nn.Parameter(torch.randn(channels) / channels**0.5)
        self.background_content = nn.Parameter(torch.randn(static_background, channels))
        self.background_position = nn.Parameter(torch.randn(static_background, channels))
        self.kind = nn.Parameter(torch.randn(KINDS, channels) * 0.1) if kinds else None

    def forward(self, features: FrameFeatures, clicks: Clicks, traces: Traces) -> Queries:
        """Queries of the clicks, then of the traces, then of the static background."""
        batch, static = clicks.xy_BN2.shape[0], self.background_content.shape[0]
        objects = [clicks.object_BN, traces.object_BT]
        contents = [self.click_encoder(features, clicks), self.trace_encoder(features, traces)]
        if self.kind is not None:
            for is_trace, (content, object_) in enumerate(zip(contents, objects, strict=True)):
                kind = 2 * is_trace + (object_ == BACKGROUND)
                contents[is_trace] = content + self.kind[kind]
        contents.append(self.background_content.expand(batch, -1, -1))
        objects.append(clicks.object_BN.new_full((batch, static), BACKGROUND))
        valid_BT = traces.valid_BTP.any(dim=2)
        always = valid_BT.new_ones(batch, static)
        position_BQC = self._positions(features.size, clicks, traces, valid_BT)
        background = self.background_position.expand(batch, -1, -1)
        return Queries(
            torch.cat(contents, dim=1),
            torch.cat([position_BQC, background], dim=1),
            torch.cat(objects, dim=1),
            torch.cat([clicks.valid_BN, valid_BT, always], dim=1),
        )

    def _positions(
        self, size: tuple[int, int], clicks: Clicks, traces: Traces, valid_BT: Tensor
    ) -> Tensor:
        xy_BQ2 = torch.cat([clicks.xy_BN2, trace_centre(traces)], dim=1)
        order_BQ = torch.cat([clicks.order_BN, traces.order_BT], dim=1)
        valid_BQ = torch.cat([clicks.valid_BN, valid_BT], dim=1)
        xy_BQ2 = xy_BQ2.masked_fill(~valid_BQ[..., None], 0)
        order_BQ = order_BQ.masked_fill(~valid_BQ, 0)
        span_B1 = F.pad(order_BQ, (0, 1)).amax(dim=1, keepdim=True).clamp_min(MIN_TIME_SPAN)
        coordinates = (xy_BQ2[..., 1] / size[0], xy_BQ2[..., 0] / size[1], order_BQ / span_B1)
        encoded = [sine_encoding(value, COORDINATE_CHANNELS) for value in coordinates]
        position_BQC: Tensor = self.coordinates(torch.cat(encoded, dim=-1)) + self.shared_position
        return position_BQC
