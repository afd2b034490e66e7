"""The interactive segmenter as a composition of its parts.

The full network and the small one share this class; they differ only in the parts given to it.

Shape legend: B batch, C channels, O objects, K = O + 1 background and objects, H W height
and width.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.interactive.evidence import EvidencePath, Points, evidence_points, measure
from pointvos.nn.interactive.features import (
    LOGITS_STRIDE,
    STRIDE,
    FrameFeatures,
    PixelDecoderPart,
)
from pointvos.nn.interactive.mask_head import ABSENT_LOGIT, largest_of_each
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces
from pointvos.nn.interactive.queries import QueryEncoder
from pointvos.nn.interactive.transformer import InteractiveTransformer
from pointvos.nn.stcn import IMAGENET_MEAN, IMAGENET_STD


class Segmentation(NamedTuple):
    """Masks of a batch of frames, as logits at stride 4.

    `pointvos.nn.interactive.mask_head.label_map` makes them a label map. Objects without click or
    trace have `ABSENT_LOGIT` everywhere.

    Attributes:
        logits_BKHW: float [B, K, H/4, W/4], background first: channel k is object slot k - 1.
        auxiliary: the same before the first layer and after each layer but the last, for deep
            supervision.
    """

    logits_BKHW: Tensor
    auxiliary: tuple[Tensor, ...]


class InteractiveSegmenter(nn.Module):
    """Clicks and traces on a frame to masks of all its objects at once.

    Args:
        trunk: normalised frames to features at strides 4, 8, 16 and 32.
        pixel_decoder: those to frame features.
        query_encoder: clicks and traces to queries.
        transformer: queries to mask logits.
        evidence: the direct path of the small network, or None.
        pixel_mean: subtracted from RGB in [0, 1].
        pixel_std: divides RGB after the mean is subtracted.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        *,
        trunk: nn.Module,
        pixel_decoder: PixelDecoderPart,
        query_encoder: QueryEncoder,
        transformer: InteractiveTransformer,
        evidence: EvidencePath | None = None,
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.trunk = trunk
        self.pixel_decoder = pixel_decoder
        self.query_encoder = query_encoder
        self.transformer = transformer
        self.evidence = evidence
        # Constants of the architecture, not weights: kept out of the state dict.
        mean_C11 = torch.tensor(pixel_mean, dtype=torch.float32)[:, None, None]
        std_C11 = torch.tensor(pixel_std, dtype=torch.float32)[:, None, None]
        self.register_buffer("pixel_mean", mean_C11, persistent=False)
        self.register_buffer("pixel_std", std_C11, persistent=False)

    def encode(self, frames_BCHW: Tensor) -> FrameFeatures:
        """Encode frames, once for all clicks on them.

        Args:
            frames_BCHW: float [B, 3, H, W], RGB in [0, 1]; H and W multiples of 32.

        Raises:
            ValueError: a side is no multiple of 32.
        """
        height, width = frames_BCHW.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"frame sides must be multiples of {STRIDE}, got {height}x{width}; resize the "
                "frames, or pad them with pointvos.nn.padding.pad_to_multiple and move the clicks"
            )
        trunk = self.trunk((frames_BCHW - self.pixel_mean) / self.pixel_std)
        features = self.pixel_decoder(trunk)
        return features._replace(tokens=self.transformer.tokens(features))

    def segment(
        self,
        features: FrameFeatures,
        clicks: Clicks,
        traces: Traces | None = None,
        *,
        objects: int,
        previous_BKHW: Tensor | None = None,
        auxiliary: bool = True,
    ) -> Segmentation:
        """Segment all objects.

        Args:
            features: of the frames, from `encode`.
            clicks: on objects and background.
            traces: None is the same as none.
            objects: number of object slots, O, at least 1.
            previous_BKHW: logits of an earlier round on the same frames or on smaller copies of
                them, background first, at any size: where the first layer looks, and what the
                evidence path starts from.
            auxiliary: whether the result of every layer is wanted, as in training.

        Raises:
            ValueError: an object slot is out of range, or the batch sizes differ.
        """
        if traces is None:
            traces = Traces.none(clicks.xy_BN2.shape[0], clicks.xy_BN2.device)
        _check(features, clicks, traces, objects)
        queries = self.query_encoder(features, clicks, traces)
        height, width = (side // LOGITS_STRIDE for side in features.size)
        layers = []
        for logits_BQHW in self.transformer(features, queries, previous_BKHW, auxiliary=auxiliary):
            found = largest_of_each(logits_BQHW, queries.object_BQ, queries.valid_BQ, objects)
            if found.shape[-2:] != (height, width):
                found = F.interpolate(found, size=(height, width), mode="bilinear")
            layers.append(found)
        if self.evidence is not None:
            layers = self._add_evidence(
                self.evidence, features, clicks, traces, layers, previous_BKHW
            )
        return Segmentation(layers[-1], tuple(layers[:-1]) if auxiliary else ())

    def _add_evidence(
        self,
        path: EvidencePath,
        features: FrameFeatures,
        clicks: Clicks,
        traces: Traces,
        layers: list[Tensor],
        previous_BKHW: Tensor | None,
    ) -> list[Tensor]:
        assert features.evidence is not None
        objects = layers[-1].shape[1] - 1
        points = evidence_points(clicks, traces)
        evidence_BKVHW = measure(features.evidence.embedding_BCHW, points, objects)
        places = path.from_similar_places(features.evidence, points, previous_BKHW, objects)
        direct_BKHW = path.direct(evidence_BKVHW, places)
        absent_BK11 = _absent(points, objects)
        layers = [(x + direct_BKHW).masked_fill(absent_BK11, ABSENT_LOGIT) for x in layers]
        added_BOHW = path.refine(
            features.evidence, evidence_BKVHW, layers[-1], places, previous_BKHW
        )
        refined = torch.cat([layers[-1][:, :1], layers[-1][:, 1:] + added_BOHW], dim=1)
        return [*layers, refined.masked_fill(absent_BK11, ABSENT_LOGIT)]


def _absent(points: Points, objects: int) -> Tensor:
    """Which objects have no point at all, bool [B, K, 1, 1]; the background is never absent."""
    slots_O1 = torch.arange(objects, device=points.object_BP.device)[:, None]
    has_BOP = (points.object_BP[:, None] == slots_O1) & points.valid_BP[:, None]
    return F.pad(~has_BOP.any(dim=2), (1, 0))[..., None, None]


def _check(features: FrameFeatures, clicks: Clicks, traces: Traces, objects: int) -> None:
    batches = [features.mask_BCHW.shape[0], clicks.xy_BN2.shape[0], traces.xy_BTP2.shape[0]]
    if len(set(batches)) > 1:
        raise ValueError(
            "expected one batch size, found {} frames, {} of clicks and {} of traces".format(
                *batches
            )
        )
    given = torch.cat(
        [clicks.object_BN[clicks.valid_BN], traces.object_BT[traces.valid_BTP.any(dim=2)]]
    )
    wrong = given[(given < BACKGROUND) | (given >= objects)]
    if objects < 1 or wrong.numel():
        raise ValueError(
            f"expected object slots 0 .. {objects - 1}, at least one, or {BACKGROUND} for "
            f"background, found {sorted(set(wrong.tolist())) or objects}"
        )
