"""Attention and feed-forward blocks, each with its shortcut and norm.

Shape legend: B batch, Q tokens that read, S tokens that are read, M heads, C channels.
"""

import torch.nn.functional as F
from torch import Tensor, nn


class AttentionBlock(nn.Module):
    """Multi-head attention, shortcut, layer norm (post-norm, as in DETR and its descendants).

    Args:
        channels: of all tokens.
        heads: the channels are split among them.
    """

    def __init__(self, *, channels: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(channels, channels)
        # A bias on keys adds the same to all scores of a query: softmax ignores it.
        self.key = nn.Linear(channels, channels, bias=False)
        self.value = nn.Linear(channels, channels)
        self.out = nn.Linear(channels, channels)
        self.norm = nn.LayerNorm(channels)
        for linear in (self.query, self.key, self.value, self.out):
            nn.init.xavier_uniform_(linear.weight)

    def forward(
        self,
        x_BQC: Tensor,
        x_position: Tensor,
        source_BSC: Tensor,
        source_position: Tensor,
        scores: Tensor | None = None,
    ) -> Tensor:
        """Read the source.

        Args:
            x_BQC: float [B, Q, C].
            x_position: added to `x_BQC` for the comparison only.
            source_BSC: float [B, S, C].
            source_position: added to `source_BSC` for the comparison only.
            scores: added to the attention scores, or which may be read (bool); [B, M or 1, Q, S].

        Returns:
            float [B, Q, C].
        """
        source = self.keys_and_values(source_BSC, source_position)
        return self.read(x_BQC, self.queries(x_BQC, x_position), source, scores)

    def queries(self, x_BQC: Tensor, position: Tensor) -> Tensor:
        """What tokens ask for, float [B, M, Q, C / M]."""
        return self._split(self.query(x_BQC + position))

    def keys_and_values(self, source_BSC: Tensor, position: Tensor) -> tuple[Tensor, Tensor]:
        """What tokens answer, twice float [B, M, S, C / M]."""
        return self._split(self.key(source_BSC + position)), self._split(self.value(source_BSC))

    def read(
        self,
        x_BQC: Tensor,
        query: Tensor,
        source: tuple[Tensor, Tensor],
        scores: Tensor | None = None,
    ) -> Tensor:
        """Read what is prepared: `queries` of the tokens and `keys_and_values` of the source."""
        if scores is not None and scores.is_floating_point():
            scores = scores.to(query.dtype)
        read = F.scaled_dot_product_attention(query, *source, attn_mask=scores)
        out_BQC: Tensor = self.norm(x_BQC + self.out(read.transpose(1, 2).flatten(2)))
        return out_BQC

    def _split(self, tokens: Tensor) -> Tensor:
        heads: Tensor = tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
        return heads


class FeedForwardBlock(nn.Module):
    """Two linear layers with a ReLU between them, shortcut, layer norm.

    Args:
        channels: of all tokens.
        hidden: between the two layers.
        dropout: probability behind either layer, in training.
    """

    def __init__(self, *, channels: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.dropout = dropout
        self.expand = nn.Linear(channels, hidden)
        self.project = nn.Linear(hidden, channels)
        self.norm = nn.LayerNorm(channels)

    def forward(self, x_BQC: Tensor) -> Tensor:
        """[B, Q, C] -> [B, Q, C]."""
        hidden_BQD = self._drop(F.relu(self.expand(x_BQC), inplace=True))
        out_BQC: Tensor = self.norm(x_BQC + self._drop(self.project(hidden_BQD)))
        return out_BQC

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x
