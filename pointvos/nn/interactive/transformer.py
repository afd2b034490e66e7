"""The interactive transformer: queries read the frame, then the frame reads the queries.

Shape legend: B batch, Q queries, S pixels of a level, C channels, K background and objects, H W
height and width (of the level at hand).
"""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.interactive.attention import AttentionBlock, FeedForwardBlock
from pointvos.nn.interactive.features import FrameFeatures, FrameTokens
from pointvos.nn.interactive.mask_head import MaskHead
from pointvos.nn.interactive.positions import map_encoding
from pointvos.nn.interactive.prompts import BACKGROUND
from pointvos.nn.interactive.queries import Queries

SCALES = 3
NEVER = -1e4  # added to the scores of what may not be read; softmax of a full row stays finite


class QueryLayer(nn.Module):
    """Masked attention to one scale of the frame, attention among the queries, feed-forward."""

    def __init__(self, *, channels: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.read_frame = AttentionBlock(channels=channels, heads=heads)
        self.read_queries = AttentionBlock(channels=channels, heads=heads)
        self.feed_forward = FeedForwardBlock(channels=channels, hidden=hidden)

    def forward(
        self,
        x_BQC: Tensor,
        position_BQC: Tensor,
        source: tuple[Tensor, Tensor],
        readable_B1QS: Tensor,
        scores_BMQQ: Tensor,
    ) -> Tensor:
        """Read the source (keys and values of a scale), then each other."""
        asked = self.read_frame.queries(x_BQC, position_BQC)
        x_BQC = self.read_frame.read(x_BQC, asked, source, readable_B1QS)
        x_BQC = self.read_queries(x_BQC, position_BQC, x_BQC, position_BQC, scores_BMQQ)
        x_BQC = self.feed_forward(x_BQC)
        return x_BQC


class PixelLayer(nn.Module):
    """Reversed cross-attention: mask features read the queries; feed-forward."""

    def __init__(self, *, channels: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.read_queries = AttentionBlock(channels=channels, heads=heads)
        self.feed_forward = FeedForwardBlock(channels=channels, hidden=hidden)

    def ask(self, pixel_BSC: Tensor, position_SC: Tensor) -> Tensor:
        """What pixels ask of the queries, float [B, M, S, C / M]."""
        return self.read_queries.queries(pixel_BSC, position_SC)

    def forward(
        self, pixel_BSC: Tensor, asked_BMSC: Tensor, x_BQC: Tensor, queries: Queries
    ) -> Tensor:
        """[B, S, C] and what these pixels ask for -> [B, S, C]."""
        source = self.read_queries.keys_and_values(x_BQC, queries.position_BQC)
        valid_B11Q = queries.valid_BQ[:, None, None]
        pixel_BSC = self.read_queries.read(pixel_BSC, asked_BMSC, source, valid_B11Q)
        pixel_BSC = self.feed_forward(pixel_BSC)
        return pixel_BSC


class InteractiveTransformer(nn.Module):
    """DynaMITe's transformer.

    Args:
        mask_head: gives the masks of the queries, shared by all layers.
        channels: of queries, scales and mask features.
        heads: of all attention.
        query_layers: number of layers in which queries read the frame, one scale each in turn.
        query_hidden: of their feed-forward blocks.
        pixel_layers: number of layers in which the frame reads the queries.
        pixel_hidden: of their feed-forward blocks.
        object_scores: whether queries see, by a learned score, which others belong to their object
            and which to the background. Without it only their features and positions tell.
    """

    def __init__(
        self,
        *,
        mask_head: MaskHead,
        channels: int,
        heads: int,
        query_layers: int,
        query_hidden: int,
        pixel_layers: int,
        pixel_hidden: int,
        object_scores: bool = False,
    ) -> None:
        super().__init__()
        self.mask_head = mask_head
        self.heads = heads
        self.level = nn.Parameter(torch.randn(SCALES, channels))
        self.query_layers = nn.ModuleList(
            QueryLayer(channels=channels, heads=heads, hidden=query_hidden)
            for _ in range(query_layers)
        )
        self.pixel_layers = nn.ModuleList(
            PixelLayer(channels=channels, heads=heads, hidden=pixel_hidden)
            for _ in range(pixel_layers)
        )
        self.object_scores = (
            nn.Parameter(torch.randn(query_layers, 2, heads) * 0.1) if object_scores else None
        )

    def forward(
        self,
        features: FrameFeatures,
        queries: Queries,
        previous_BKHW: Tensor | None = None,
        *,
        auxiliary: bool = True,
    ) -> tuple[Tensor, ...]:
        """Segment.

        Args:
            features: of the frames.
            queries: on them.
            previous_BKHW: float, logits of an earlier round, background first, at any size; where
                queries look at first. None: where their own features say.
            auxiliary: whether the result of every layer is wanted.

        Returns:
            Mask logits of all queries, float [B, Q, H, W] at the size of the mask features: before
            the first layer and after every layer, or the last alone, which are the result.
        """
        tokens = self.tokens(features) if features.tokens is None else features.tokens
        x_BQC, position_BQC = queries.content_BQC, queries.position_BQC
        look_BQHW = None
        if previous_BKHW is not None:
            # Of the size that is asked for first: a map for each query is much more than these.
            size = features.scales[0].shape[-2:]
            previous_BKHW = F.interpolate(previous_BKHW, size=size, mode="bilinear")
            look_BQHW = _of_each_query(previous_BKHW, queries)
        logits: list[Tensor] = []
        for index, layer in enumerate(self.query_layers):
            if auxiliary or look_BQHW is None:
                logits.append(self.mask_head(x_BQC, tokens.pixel_BCHW))
            if look_BQHW is None:
                look_BQHW = logits[-1]
            readable = may_read(look_BQHW, features.scales[index % SCALES].shape[-2:])
            scores = self._scores(queries, index)
            x_BQC = layer(x_BQC, position_BQC, tokens.sources[index], readable, scores)
            look_BQHW = None
        if auxiliary or not self.pixel_layers:
            logits.append(self.mask_head(x_BQC, tokens.pixel_BCHW))

        pixel_BSC = features.mask_BCHW.flatten(2).transpose(1, 2)
        asked_BMSC = tokens.asked_BMSC
        for layer in cast(list[PixelLayer], self.pixel_layers):
            if asked_BMSC is None:  # of every layer but the first
                asked_BMSC = layer.ask(pixel_BSC, _positions(features.mask_BCHW))
            pixel_BSC = layer(pixel_BSC, asked_BMSC, x_BQC, queries)
            asked_BMSC = None
            if auxiliary or layer is self.pixel_layers[-1]:
                mask_BCHW = pixel_BSC.transpose(1, 2).unflatten(-1, features.mask_BCHW.shape[-2:])
                logits.append(self.mask_head(x_BQC, self.mask_head.pixels(mask_BCHW)))
        return tuple(logits) if auxiliary else tuple(logits[-1:])

    def tokens(self, features: FrameFeatures) -> FrameTokens:
        """What the layers read of frames, for all clicks on them."""
        sources = []
        for index, layer in enumerate(cast(list[QueryLayer], self.query_layers)):
            scale_BCHW = features.scales[index % SCALES]
            scale_BSC = scale_BCHW.flatten(2).transpose(1, 2) + self.level[index % SCALES]
            sources.append(layer.read_frame.keys_and_values(scale_BSC, _positions(scale_BCHW)))
        pixel_BSC = features.mask_BCHW.flatten(2).transpose(1, 2)
        asked_BMSC = None
        for first in cast(list[PixelLayer], self.pixel_layers[:1]):
            asked_BMSC = first.ask(pixel_BSC, _positions(features.mask_BCHW))
        return FrameTokens(tuple(sources), self.mask_head.pixels(features.mask_BCHW), asked_BMSC)

    def _scores(self, queries: Queries, index: int) -> Tensor:
        """What is added to the scores among queries, float32 [B, M or 1, Q, Q]."""
        scores = (~queries.valid_BQ).float()[:, None, None] * NEVER
        if self.object_scores is not None:
            object_BQ = queries.object_BQ
            same_B1QQ = (object_BQ[:, :, None] == object_BQ[:, None])[:, None]
            background_B11Q = (object_BQ == BACKGROUND)[:, None, None]
            same_M11, background_M11 = self.object_scores[index][..., None, None]
            scores = scores + same_B1QQ * same_M11 + background_B11Q * background_M11
        return scores.expand(-1, -1, queries.valid_BQ.shape[1], -1)


def _positions(map_BCHW: Tensor) -> Tensor:
    """Of the pixels of a map, float [H W, C] of its type."""
    channels, height, width = map_BCHW.shape[1:]
    return map_encoding(height, width, channels, map_BCHW.device).to(map_BCHW.dtype)


def may_read(look_BQHW: Tensor, size: Sequence[int]) -> Tensor:
    """Pixels of a scale inside the mask each query has so far; all of them where that is empty.

    Args:
        look_BQHW: float, mask logits.
        size: height and width of the scale.

    Returns:
        bool [B, 1, Q, S].
    """
    with torch.no_grad():
        look_BQHW = F.interpolate(look_BQHW, size=list(size), mode="bilinear")
        inside_B1QS = (look_BQHW >= 0).flatten(2)[:, None]  # probability of a half
        return inside_B1QS | ~inside_B1QS.any(dim=-1, keepdim=True)


def _of_each_query(previous_BKHW: Tensor, queries: Queries) -> Tensor:
    """The mask of each query's object, float [B, Q, H, W]."""
    channel_BQ11 = (queries.object_BQ - BACKGROUND).masked_fill(~queries.valid_BQ, 0)
    index = channel_BQ11[..., None, None].expand(-1, -1, *previous_BKHW.shape[-2:])
    return previous_BKHW.gather(1, index)
