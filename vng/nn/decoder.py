"""The decoder: a few queries per noun look for its object in every frame.

All nouns of a narrative read the same encoded frame in one pass; queries see those of their own
noun only, so that what is found for a noun does not depend on which others are asked for.

Shape legend: F frames, N nouns, Q queries of a noun, S pixels of all levels, L levels, C channels.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.deformable_attention import LevelShapes, MultiScaleDeformableAttention
from pointvos.nn.interactive.attention import FeedForwardBlock
from vng.nn.encoder import joined_padding, level_shapes
from vng.nn.heads import Perceptron, inverse_sigmoid
from vng.nn.levels import Level

PRIOR = 0.01  # probability of a query before training, as in RetinaNet
SMALL = -2.0  # logit of width and height of the first boxes


class DecodedLayer(NamedTuple):
    """What a layer of the decoder found.

    Attributes:
        state_FNQC: float, what the queries have become.
        logits_FNQ: float, that a query is the noun's object.
        boxes_FNQ4: float32, (centre x, centre y, width, height) in parts of the image.
    """

    state_FNQC: Tensor
    logits_FNQ: Tensor
    boxes_FNQ4: Tensor


class Memory(NamedTuple):
    """Encoded frames as the decoder reads them.

    Attributes:
        feature_FSC: float.
        shapes: of the levels.
        padding_FS: bool, or None where nothing is padded.
        valid_FL2: float32, share of width and height of each level that is image.
    """

    feature_FSC: Tensor
    shapes: LevelShapes
    padding_FS: Tensor | None
    valid_FL2: Tensor

    @classmethod
    def of(cls, feature_FSC: Tensor, levels: Sequence[Level]) -> "Memory":
        """Encoded frames and the levels of each."""
        valid_FL2 = torch.stack([level.valid_B2 for level in levels], dim=1)
        return cls(feature_FSC, level_shapes(levels), joined_padding(levels), valid_FL2)


class DecoderLayer(nn.Module):
    """Attention among the queries of a noun, deformable attention to the frame, feed-forward."""

    def __init__(
        self, *, channels: int, levels: int, heads: int, points: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.read_queries = nn.MultiheadAttention(
            channels, heads, dropout=dropout, batch_first=True
        )
        self.queries_norm = nn.LayerNorm(channels)
        self.read_frame = MultiScaleDeformableAttention(
            channels=channels, levels=levels, heads=heads, points=points
        )
        self.frame_norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForwardBlock(channels=channels, hidden=hidden, dropout=dropout)
        self.dropout = dropout

    def forward(
        self, x_FNQC: Tensor, position_QC: Tensor, reference_FNQLR: Tensor, memory: Memory
    ) -> Tensor:
        """[F, N, Q, C] -> [F, N, Q, C]; R is 2 for points, 4 for boxes."""
        nouns = x_FNQC.shape[1]
        x_BQC = x_FNQC.flatten(0, 1)
        placed_BQC = x_BQC + position_QC
        read_BQC = self.read_queries(placed_BQC, placed_BQC, x_BQC, need_weights=False)[0]
        x_BQC = self.queries_norm(x_BQC + self._drop(read_BQC))
        x_FQC = x_BQC.unflatten(0, (-1, nouns)).flatten(1, 2)  # the queries of all nouns
        read_FQC = self.read_frame(
            x_FQC + position_QC.repeat(nouns, 1),
            reference_FNQLR.flatten(1, 2),
            memory.feature_FSC,
            memory.shapes,
            memory.padding_FS,
        )
        x_FQC = self.feed_forward(self.frame_norm(x_FQC + self._drop(read_FQC)))
        out_FNQC: Tensor = x_FQC.unflatten(1, (nouns, -1))
        return out_FNQC

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x


class GroundingDecoder(nn.Module):
    """ReferFormer's decoder with box refinement.

    Args:
        queries: of a noun in each frame; the same query follows one object through all of them.
        channels: of queries and memory.
        levels: of the memory.
        layers: number of layers, each with heads for class and box.
        heads: of all attention.
        points: read by each head of each level.
        hidden: of the feed-forward blocks.
        dropout: probability, in training.
    """

    def __init__(
        self,
        *,
        queries: int,
        channels: int,
        levels: int,
        layers: int,
        heads: int,
        points: int,
        hidden: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.randn(queries, channels))
        self.first_reference = nn.Linear(channels, 2)
        self.layers = nn.ModuleList(
            DecoderLayer(
                channels=channels,
                levels=levels,
                heads=heads,
                points=points,
                hidden=hidden,
                dropout=dropout,
            )
            for _ in range(layers)
        )
        self.class_heads = nn.ModuleList(nn.Linear(channels, 1) for _ in range(layers))
        self.box_heads = nn.ModuleList(
            Perceptron((channels, channels, channels, 4)) for _ in range(layers)
        )
        self._initialise()

    def _initialise(self) -> None:
        for layer in self.layers:
            for name in ("read_queries.out_proj", "feed_forward.expand", "feed_forward.project"):
                nn.init.xavier_uniform_(layer.get_submodule(name).weight)  # type: ignore[arg-type]
        nn.init.xavier_uniform_(self.first_reference.weight)
        nn.init.zeros_(self.first_reference.bias)
        for class_head, box_head in zip(self.class_heads, self.box_heads, strict=True):
            nn.init.constant_(class_head.bias, -math.log((1 - PRIOR) / PRIOR))  # type: ignore[arg-type]
            for parameter in box_head.layers[-1].parameters():  # type: ignore[index,union-attr]
                nn.init.zeros_(parameter)
        with torch.no_grad():
            first_box_head = self.box_heads[0].layers  # last layer: x, y, width, height
            first_box_head[-1].bias[2:] = SMALL  # type: ignore[index,union-attr]

    def forward(self, noun_FNC: Tensor, memory: Memory) -> list[DecodedLayer]:
        """Look for the objects of nouns.

        Args:
            noun_FNC: float, features of the nouns of each frame's narrative.
            memory: the frames.

        Returns:
            One item for each layer, the result last.
        """
        frames, nouns, _ = noun_FNC.shape
        queries = self.position.shape[0]
        x_FNQC = noun_FNC[:, :, None].expand(-1, -1, queries, -1)
        point_Q2 = self.first_reference(self.position).float().sigmoid()
        reference_FNQR = point_Q2.expand(frames, nouns, -1, -1)
        found = []
        heads = zip(self.layers, self.class_heads, self.box_heads, strict=True)
        for layer, class_head, box_head in heads:
            # Boxes are in parts of the image, attention wants parts of the padded frame.
            pairs = reference_FNQR.shape[-1] // 2  # points: (x, y); boxes: size as well
            valid_F11LR = memory.valid_FL2[:, None, None].repeat(1, 1, 1, 1, pairs)
            reference_FNQLR = reference_FNQR[..., None, :] * valid_F11LR
            x_FNQC = layer(x_FNQC, self.position, reference_FNQLR, memory)
            box_FNQ4 = box_head(x_FNQC).float()
            before = F.pad(inverse_sigmoid(reference_FNQR), (0, 4 - reference_FNQR.shape[-1]))
            box_FNQ4 = (box_FNQ4 + before).sigmoid()
            found.append(DecodedLayer(x_FNQC, class_head(x_FNQC).squeeze(-1), box_FNQ4))
            reference_FNQR = box_FNQ4.detach()
        return found
