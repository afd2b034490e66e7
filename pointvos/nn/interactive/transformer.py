"""The interactive transformer: queries read the frame, then the frame reads the queries.

Shape legend: B batch, Q queries, S pixels of a level, C channels, K background and objects, H W
height and width (of the level at hand).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.interactive.attention import AttentionBlock, FeedForwardBlock
from pointvos.nn.interactive.features import FrameFeatures
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
        """Read the source (features [B, S, C] and positions [S, C]), then each other."""
        x_BQC = self.read_frame(x_BQC, position_BQC, *source, readable_B1QS)
        x_BQC = self.read_queries(x_BQC, position_BQC, x_BQC, position_BQC, scores_BMQQ)
        x_BQC = self.feed_forward(x_BQC)
        return x_BQC


class PixelLayer(nn.Module):
    """Reversed cross-attention: mask features read the queries; feed-forward."""

    def __init__(self, *, channels: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.read_queries = AttentionBlock(channels=channels, heads=heads)
        self.feed_forward = FeedForwardBlock(channels=channels, hidden=hidden)

    def forward(
        self, pixel_BSC: Tensor, position_SC: Tensor, x_BQC: Tensor, queries: Queries
    ) -> Tensor:
        """[B, S, C] -> [B, S, C]."""
        valid_B11Q = queries.valid_BQ[:, None, None]
        pixel_BSC = self.read_queries(
            pixel_BSC, position_SC, x_BQC, queries.position_BQC, valid_B11Q
        )
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
        self, features: FrameFeatures, queries: Queries, previous_BKHW: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """Segment.

        Args:
            features: of the frames.
            queries: on them.
            previous_BKHW: float, logits of an earlier round, background first, at any size; where
                queries look at first. None: where their own features say.

        Returns:
            Mask logits of all queries, float [B, Q, H, W] at the size of the mask features: before
            the first layer and after every layer. The last are the result.
        """
        x_BQC, position_BQC = queries.content_BQC, queries.position_BQC
        logits = [self.mask_head(x_BQC, features.mask_BCHW)]
        look_BQHW = logits[0]
        if previous_BKHW is not None:
            look_BQHW = _of_each_query(previous_BKHW, queries)
        scales = [self._tokens(features, index) for index in range(SCALES)]
        for index, layer in enumerate(self.query_layers):
            readable = may_read(look_BQHW, features.scales[index % SCALES].shape[-2:])
            scores = self._scores(queries, index)
            x_BQC = layer(x_BQC, position_BQC, scales[index % SCALES], readable, scores)
            look_BQHW = self.mask_head(x_BQC, features.mask_BCHW)
            logits.append(look_BQHW)

        size = features.mask_BCHW.shape[-2:]
        pixel_BSC = features.mask_BCHW.flatten(2).transpose(1, 2)
        position_SC = map_encoding(size[0], size[1], pixel_BSC.shape[-1], pixel_BSC.device)
        for layer in self.pixel_layers:
            pixel_BSC = layer(pixel_BSC, position_SC.to(pixel_BSC.dtype), x_BQC, queries)
            mask_BCHW = pixel_BSC.transpose(1, 2).unflatten(-1, size)
            logits.append(self.mask_head(x_BQC, mask_BCHW))
        return tuple(logits)

    def _tokens(self, features: FrameFeatures, index: int) -> tuple[Tensor, Tensor]:
        scale_BCHW = features.scales[index]
        height, width = scale_BCHW.shape[-2:]
        position_SC = map_encoding(height, width, scale_BCHW.shape[1], scale_BCHW.device)
        tokens_BSC = scale_BCHW.flatten(2).transpose(1, 2) + self.level[index]
        return tokens_BSC, position_SC.to(scale_BCHW.dtype)

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
