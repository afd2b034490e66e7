"""What RF-VNG says of nouns.

Shape legend: B batch, N nouns, T frames of a clip, Q queries of a noun, h w height and width of
masks, at stride 4.
"""

from typing import NamedTuple

from torch import Tensor


class LayerPrediction(NamedTuple):
    """What one layer of the decoder says of every query.

    Attributes:
        logits_BNTQ: float, that a query is the noun's object in this frame.
        boxes_BNTQ4: float32, (centre x, centre y, width, height) in parts of the image.
        masks_BNTQHW: float32 [B, N, T, Q, h, w], logits.
    """

    logits_BNTQ: Tensor
    boxes_BNTQ4: Tensor
    masks_BNTQHW: Tensor


class Grounding(NamedTuple):
    """Predictions for all queries.

    Attributes:
        last: of the last layer, the result.
        auxiliary: of the layers before it, the first first; for training.
        map_BNTHW: float32 [B, N, T, h, w], logits of the noun map; None from a network without.
    """

    last: LayerPrediction
    auxiliary: tuple[LayerPrediction, ...]
    map_BNTHW: Tensor | None


class MatchedGrounding(NamedTuple):
    """Predictions of which only the matched query of each noun has a mask, for training.

    Attributes:
        layers: what each layer says, the result last, with masks [B, N, T, 1, h, w].
        queries: int64 [B, N], the matched queries of each layer.
        map_BNTHW: as of `Grounding`.
    """

    layers: list[LayerPrediction]
    queries: list[Tensor]
    map_BNTHW: Tensor | None


class BestGrounding(NamedTuple):
    """Predictions of the best query of each noun.

    Attributes:
        query_BN: int64, which it is.
        score_BNT: float in [0, 1], that it is the noun's object in this frame.
        boxes_BNT4: float32, (centre x, centre y, width, height) in parts of the image.
        masks_BNTHW: float32 [B, N, T, h, w], logits.
    """

    query_BN: Tensor
    score_BNT: Tensor
    boxes_BNT4: Tensor
    masks_BNTHW: Tensor
