"""The evidence path of the small segmenter: what the clicks say by themselves, pixel by pixel.

A transformer needs many images until its queries mean anything. Two things hold from the start: a
pixel that looks like a clicked one, and a pixel near it, probably belong to the same thing. Their
measures, for the object's own clicks, for the background's and for those of rival objects, go to
the logits on a path of their own, and into a small convolutional decoder of each object that
sharpens the masks of the queries. The same kind of path made the small STCN follow its points
(`pointvos.nn.lite`).

Shape legend: B batch, P points, E embedding, O objects, K = O + 1 background and objects, F
measures of one set of points, V evidence channels, H W height and width at stride 4.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.core.sampling import sample_at_points
from pointvos.nn.interactive.features import LOGITS_STRIDE, EvidenceFeatures
from pointvos.nn.interactive.mask_head import ABSENT_LOGIT
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces
from pointvos.nn.interactive.similar_places import FromSimilarPlaces, SimilarPlaces
from pointvos.nn.lite import ResidualBlock

TRACE_POINTS = 16  # of a trace that stand for it here, evenly spread over its pixels
REACHES = (0.03, 0.1, 0.3)  # of closeness, in parts of the root of the frame's area
MEASURES = 1 + len(REACHES)  # likeness, and closeness at each reach
SETS = 3  # own points, background points, points of rivals
EVIDENCE_CHANNELS = SETS * MEASURES + SETS  # and how many points each set has
UNMATCHED = -1.0  # cosine that stands for "no such point"
MANY = 10  # points count as 1, on a logarithmic scale
FAR = 1e4  # squared distance, in frame areas, that stands for the same
# Where training starts: like an own point and near it, unlike the others' points and far from them.
OBJECT_PRIOR = (2.0, 2.0, 4.0, 0.0, *(-1.0, -2.0, -2.0, 0.0) * 2, 0.0, 0.0, 0.0)
OBJECT_BIAS = -6.0
EARLIER_CHANNELS = 2  # lead in an earlier mask, and whether there is one
LOGIT_UNIT = 4.0  # query logits enter the decoder as tanh(logit / LOGIT_UNIT)


class Points(NamedTuple):
    """Clicks, and the points that stand for traces.

    Attributes:
        xy_BP2: float32 [B, P, 2], pixels of the input.
        object_BP: int64 [B, P].
        valid_BP: bool [B, P].
    """

    xy_BP2: Tensor
    object_BP: Tensor
    valid_BP: Tensor


def evidence_points(clicks: Clicks, traces: Traces) -> Points:
    """All clicks, and up to `TRACE_POINTS` pixels of each trace."""
    valid_BTP = traces.valid_BTP
    count_BT1 = valid_BTP.sum(dim=2, keepdim=True)
    valid_first_BTP = valid_BTP.int().argsort(dim=2, descending=True, stable=True)
    place_N = torch.arange(TRACE_POINTS, device=valid_BTP.device)
    chosen_BTN = (2 * place_N + 1) * count_BT1 // (2 * TRACE_POINTS)
    pixel_BTN = valid_first_BTP.gather(2, chosen_BTN.clamp_max(valid_BTP.shape[2] - 1))
    xy_BTN2 = traces.xy_BTP2.gather(2, pixel_BTN[..., None].expand(-1, -1, -1, 2))
    object_BTN = traces.object_BT[..., None].expand(-1, -1, TRACE_POINTS)
    valid_BTN = (count_BT1 > 0).expand(-1, -1, TRACE_POINTS)
    valid_BP = torch.cat([clicks.valid_BN, valid_BTN.flatten(1)], dim=1)
    xy_BP2 = torch.cat([clicks.xy_BN2, xy_BTN2.flatten(1, 2)], dim=1)
    return Points(
        xy_BP2.masked_fill(~valid_BP[..., None], 0),
        torch.cat([clicks.object_BN, object_BTN.flatten(1)], dim=1),
        valid_BP,
    )


def measure(embedding_BEHW: Tensor, points: Points, objects: int) -> Tensor:
    """Likeness and closeness of every pixel to the nearest point of each set.

    Args:
        embedding_BEHW: float32, unit length, stride 4.
        points: all of them.
        objects: number of object slots, O.

    Returns:
        float32 [B, K, V, H, W], background first.
    """
    height, width = embedding_BEHW.shape[-2:]
    xy_BP2 = points.xy_BP2 / LOGITS_STRIDE
    at_points_BEP = F.normalize(sample_at_points(embedding_BEHW, xy_BP2), dim=1)
    likeness_BPHW = (at_points_BEP.transpose(1, 2) @ embedding_BEHW.flatten(2)).unflatten(
        -1, (height, width)
    )
    y_H, x_W = (torch.arange(side, device=xy_BP2.device) + 0.5 for side in (height, width))
    dx2_BP1W = (xy_BP2[..., 0, None] - x_W).square()[:, :, None]
    dy2_BPH1 = (xy_BP2[..., 1, None] - y_H).square()[..., None]
    nearness_BPHW = -(dx2_BP1W + dy2_BPH1) / (height * width)

    def best(slot: int) -> tuple[Tensor, Tensor]:
        """Measures of the points of a slot, and how many these are."""
        member_BP11 = ((points.object_BP == slot) & points.valid_BP)[..., None, None]
        empty_BHW = embedding_BEHW.new_zeros(embedding_BEHW.shape[0], height, width)
        if member_BP11.shape[1] == 0:
            return _measures(empty_BHW + UNMATCHED, empty_BHW - FAR), empty_BHW
        found_BFHW = _measures(
            likeness_BPHW.masked_fill(~member_BP11, UNMATCHED).amax(dim=1),
            nearness_BPHW.masked_fill(~member_BP11, -FAR).amax(dim=1),
        )
        return found_BFHW, empty_BHW + member_BP11.sum(dim=1)

    found = [best(slot) for slot in (BACKGROUND, *range(objects))]
    empty_BHW = torch.zeros_like(found[0][1])
    nothing = (_measures(empty_BHW + UNMATCHED, empty_BHW - FAR), empty_BHW)
    channels = []
    for own in range(objects + 1):
        background = found[0] if own else nothing
        rivals = [found[other] for other in range(1, objects + 1) if other != own] or [nothing]
        measures, counts = zip(*rivals, strict=True)
        rival = (torch.stack(measures).amax(dim=0), torch.stack(counts).sum(dim=0))
        sets = (found[own], background, rival)
        # More points mean a larger maximum, of the queries too: their number lets that be undone.
        count_B3HW = torch.stack([count for _, count in sets], dim=1)
        amount_B3HW = count_B3HW.log1p() / math.log1p(MANY)
        channels.append(torch.cat([*(found_BFHW for found_BFHW, _ in sets), amount_B3HW], dim=1))
    return torch.stack(channels, dim=1)


def _measures(likeness_BHW: Tensor, nearness_BHW: Tensor) -> Tensor:
    """Likeness, and nearness as closeness at each reach, float32 [B, F, H, W]."""
    closeness = [(nearness_BHW / (2 * reach**2)).exp() for reach in REACHES]
    return torch.stack([likeness_BHW, *closeness], dim=1)


class DirectLogit(nn.Module):
    """A logit from the evidence of one pixel: linear, plus a small network.

    Args:
        prior: initial weight of each channel in the linear part.
        bias: initial bias of the linear part.
    """

    def __init__(self, *, prior: Sequence[float], bias: float) -> None:
        super().__init__()
        self.linear = nn.Conv2d(EVIDENCE_CHANNELS, 1, 1)
        self.hidden = nn.Conv2d(EVIDENCE_CHANNELS, 16, 1)
        self.out = nn.Conv2d(16, 1, 1)
        with torch.no_grad():
            self.linear.weight.copy_(torch.tensor(prior).reshape(self.linear.weight.shape))
            self.linear.bias.fill_(bias)  # type: ignore[union-attr]

    def forward(self, evidence_BVHW: Tensor) -> Tensor:
        """[B, V, H, W] -> [B, 1, H, W]."""
        logit_B1HW: Tensor = self.linear(evidence_BVHW)
        logit_B1HW = logit_B1HW + self.out(F.relu(self.hidden(evidence_BVHW)))
        return logit_B1HW


class EvidencePath(nn.Module):
    """Logits straight from the evidence, and a decoder that sharpens the masks of objects.

    Args:
        thin: channels of the evidence features at strides 8 to 32; half as many at stride 4.
        width: channels of the decoder at stride 8; twice as many at strides 16 and 32.
    """

    def __init__(self, *, thin: int, width: int) -> None:
        super().__init__()
        self.direct_object = DirectLogit(prior=OBJECT_PRIOR, bias=OBJECT_BIAS)
        self.direct_background = DirectLogit(prior=(0.0,) * EVIDENCE_CHANNELS, bias=0.0)
        # Its logit, its lead over the best other, that lead in an earlier mask if there is one.
        inputs = EVIDENCE_CHANNELS + 2 + EARLIER_CHANNELS
        self.fuse8 = ResidualBlock(inputs + thin, width)
        self.fuse16 = ResidualBlock(width + thin, 2 * width)
        self.fuse32 = ResidualBlock(2 * width + thin, 2 * width)
        self.up16 = nn.Conv2d(2 * width, 2 * width, 1)
        self.up8 = nn.Conv2d(2 * width, width, 1)
        self.refine8 = ResidualBlock(width, width)
        self.up4 = nn.Conv2d(width, thin // 2, 1)
        self.seen4 = nn.Conv2d(inputs, thin // 2, 1)
        self.refine4 = ResidualBlock(thin // 2, thin // 2)
        self.predict = nn.Conv2d(thin // 2, 1, 3, padding=1)
        self.similar_places = SimilarPlaces(channels=2 * width)

    def from_similar_places(
        self,
        features: EvidenceFeatures,
        points: Points,
        previous_BKHW: Tensor | None,
        objects: int,
    ) -> FromSimilarPlaces:
        """What was clicked, and found earlier, where the frame looks alike; at stride 16."""
        earlier_BOHW = None
        if previous_BKHW is not None:
            earlier_BKHW = previous_BKHW.float()
            there_BO11 = earlier_BKHW[:, 1:].amax(dim=(2, 3), keepdim=True) > ABSENT_LOGIT
            earlier_BOHW = earlier_BKHW.softmax(dim=1)[:, 1:] * there_BO11
        batch, _, height, width = features.f16_BCHW.shape
        found: FromSimilarPlaces = self.similar_places(
            features.similarity_BSS, points, earlier_BOHW, (batch, objects, height, width)
        )
        return found

    def direct(self, evidence_BKVHW: Tensor, places: FromSimilarPlaces) -> Tensor:
        """Logits of the evidence alone, float [B, K, H, W]."""
        background = self.direct_background(evidence_BKVHW[:, 0])
        objects = self.direct_object(evidence_BKVHW[:, 1:].flatten(0, 1))
        objects_BOHW = objects.squeeze(1).unflatten(0, evidence_BKVHW[:, 1:].shape[:2])
        logit_BOHW = F.interpolate(places.logit_BOHW, size=objects_BOHW.shape[-2:], mode="bilinear")
        return torch.cat([background, objects_BOHW + logit_BOHW], dim=1)

    def refine(
        self,
        features: EvidenceFeatures,
        evidence_BKVHW: Tensor,
        logits_BKHW: Tensor,
        places: FromSimilarPlaces,
        previous_BKHW: Tensor | None = None,
    ) -> Tensor:
        """What is to be added to the logits of the objects.

        Args:
            features: of the frames.
            evidence_BKVHW: from `measure`.
            logits_BKHW: of queries and evidence together.
            places: from `from_similar_places`.
            previous_BKHW: logits of an earlier round or of a smaller copy of the frames, at any
                size: where the objects were found. Objects that were absent then count as new.

        Returns:
            float [B, O, H, W].
        """
        batch, objects = logits_BKHW.shape[0], logits_BKHW.shape[1] - 1

        def of_every_object(feature_BCHW: Tensor) -> Tensor:
            return feature_BCHW.repeat_interleave(objects, dim=0)

        so_far = torch.stack([logits_BKHW, _lead(logits_BKHW)], dim=2)[:, 1:]
        earlier = _earlier(logits_BKHW, previous_BKHW)
        seen = torch.cat([evidence_BKVHW[:, 1:], torch.tanh(so_far / LOGIT_UNIT), earlier], dim=2)
        seen4 = seen.flatten(0, 1)
        x8 = self.fuse8(torch.cat([F.avg_pool2d(seen4, 2), of_every_object(features.f8_BCHW)], 1))
        x16 = torch.cat([F.avg_pool2d(x8, 2), of_every_object(features.f16_BCHW)], dim=1)
        x16 = self.fuse16(x16) + places.feature_BOCHW.flatten(0, 1)
        x32 = torch.cat([F.avg_pool2d(x16, 2), of_every_object(features.f32_BCHW)], dim=1)
        x32 = self.up16(self.fuse32(x32))
        x16 = x16 + F.interpolate(x32, scale_factor=2.0, mode="bilinear")
        x8 = self.refine8(x8 + F.interpolate(self.up8(x16), scale_factor=2.0, mode="bilinear"))
        x4 = F.interpolate(self.up4(x8), scale_factor=2.0, mode="bilinear")
        x4 = self.refine4(x4 + self.seen4(seen4) + of_every_object(features.f4_BCHW))
        added_BOHW: Tensor = self.predict(F.relu(x4)).squeeze(1).unflatten(0, (batch, objects))
        return added_BOHW


def _lead(logits_BKHW: Tensor) -> Tensor:
    """How far each logit is above the largest of the others."""
    two_B2HW, first_B2HW = logits_BKHW.topk(2, dim=1)
    slots_K11 = torch.arange(logits_BKHW.shape[1], device=logits_BKHW.device)[:, None, None]
    is_first_BKHW = first_B2HW[:, :1] == slots_K11
    return logits_BKHW - torch.where(is_first_BKHW, two_B2HW[:, 1:], two_B2HW[:, :1])


def _earlier(logits_BKHW: Tensor, previous_BKHW: Tensor | None) -> Tensor:
    """Lead of every object in an earlier mask, and whether it had one; zeros where it had none.

    Returns:
        float [B, O, EARLIER_CHANNELS, H, W].
    """
    if previous_BKHW is None:
        empty_BOHW = torch.zeros_like(logits_BKHW[:, 1:])
        return torch.stack([empty_BOHW, empty_BOHW], dim=2)
    previous_BKHW = previous_BKHW.to(logits_BKHW.dtype)
    there_BO11 = previous_BKHW[:, 1:].amax(dim=(2, 3), keepdim=True) > ABSENT_LOGIT
    previous_BKHW = F.interpolate(previous_BKHW, size=logits_BKHW.shape[-2:], mode="bilinear")
    lead_BOHW = torch.tanh(_lead(previous_BKHW)[:, 1:] / LOGIT_UNIT) * there_BO11
    return torch.stack([lead_BOHW, there_BO11.to(lead_BOHW.dtype).expand_as(lead_BOHW)], dim=2)
