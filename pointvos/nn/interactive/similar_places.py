"""What similar places of a frame say: how many of the places like this one were clicked.

The nearest clicked pixel alone cannot tell a dancer from the crowd behind him: with many clicks
everybody looks like one of them. The share of clicked places among all places of the same look can,
and the better the more clicks there are. An earlier mask is read in the same way.

Shape legend: B batch, E embedding, P points, S places (cells of stride 16), K background and
objects, O objects, V channels, H W height and width at stride 16.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.interactive.features import LOGITS_STRIDE
from pointvos.nn.interactive.prompts import BACKGROUND

if TYPE_CHECKING:
    from pointvos.nn.interactive.evidence import Points

PLACE_STRIDE = 16
SHARPNESS = 12.0  # multiplies the cosine in the softmax, where training starts
RARE = 1e-3  # added to shares: one click in a thousand places says nothing
UNIT = 4.0  # logarithms of shares over their mean are divided by this
CHANNELS = 5  # of own, background and rival clicks; of the earlier mask, and whether there is one


class Similarity(nn.Module):
    """How much each place listens to each other one: a softmax over likeness, without itself."""

    def __init__(self) -> None:
        super().__init__()
        self.log_sharpness = nn.Parameter(torch.tensor(math.log(SHARPNESS)))

    def forward(self, embedding_BEHW: Tensor) -> Tensor:
        """Unit vectors at stride 4, float32 [B, E, 4H, 4W] -> float32 [B, S, S], rows of sum 1."""
        pooled = F.avg_pool2d(embedding_BEHW, PLACE_STRIDE // LOGITS_STRIDE).flatten(2)
        place_BES = F.normalize(pooled, dim=1)
        likeness_BSS = place_BES.transpose(1, 2) @ place_BES
        itself_SS = torch.eye(likeness_BSS.shape[-1], dtype=torch.bool, device=pooled.device)
        scores_BSS = likeness_BSS * self.log_sharpness.exp()
        return scores_BSS.masked_fill(itself_SS, -torch.inf).softmax(dim=-1)


class FromSimilarPlaces(NamedTuple):
    """What the shares give.

    Attributes:
        logit_BOHW: float, to be added to the logits of the objects.
        feature_BOCHW: float, for the decoder of each object.
    """

    logit_BOHW: Tensor
    feature_BOCHW: Tensor


class SimilarPlaces(nn.Module):
    """Shares to a logit and to features, both nothing at first.

    Args:
        channels: of the features.
        hidden: of the layer between.
    """

    def __init__(self, *, channels: int, hidden: int = 32) -> None:
        super().__init__()
        self.hidden = nn.Conv2d(CHANNELS, hidden, 1)
        self.logit = nn.Conv2d(hidden, 1, 1)
        self.feature = nn.Conv2d(hidden, channels, 1)
        for out in (self.logit, self.feature):  # weights of before this part stay good weights
            nn.init.zeros_(out.weight)
            nn.init.zeros_(out.bias)  # type: ignore[arg-type]

    def forward(
        self,
        similarity_BSS: Tensor,
        points: Points,
        earlier_BOHW: Tensor | None,
        size: tuple[int, int, int, int],
    ) -> FromSimilarPlaces:
        """Read.

        Args:
            similarity_BSS: from `Similarity`.
            points: all of them.
            earlier_BOHW: probabilities of the objects in an earlier mask, at any size.
            size: [B, O, H, W] of the result.
        """
        batch, objects, height, width = size
        clicked_BKHW = clicked_share(similarity_BSS, points, objects, (height, width))
        own_BOHW, background_B1HW = clicked_BKHW[:, 1:], clicked_BKHW[:, :1]
        rivals = []
        for slot in range(objects):
            others = [own_BOHW[:, other] for other in range(objects) if other != slot]
            nobody = torch.zeros_like(own_BOHW[:, 0])
            rivals.append(torch.stack(others).amax(dim=0) if others else nobody)
        earlier, there = _masked_share(similarity_BSS, earlier_BOHW, own_BOHW)
        shares_BOVHW = torch.stack(
            [own_BOHW, background_B1HW.expand_as(own_BOHW), torch.stack(rivals, 1), earlier, there],
            dim=2,
        )
        hidden = F.relu(self.hidden(shares_BOVHW.flatten(0, 1)))
        logit_BOHW = self.logit(hidden).unflatten(0, (batch, objects)).squeeze(2)
        return FromSimilarPlaces(logit_BOHW, self.feature(hidden).unflatten(0, (batch, objects)))


def clicked_share(
    similarity_BSS: Tensor, points: Points, objects: int, size: tuple[int, int]
) -> Tensor:
    """The share of clicked places among the similar ones, against that among all places.

    Args:
        similarity_BSS: from `Similarity`.
        points: of background and objects.
        objects: number of object slots, O.
        size: H, W of the places.

    Returns:
        float [B, K, H, W], logarithms in units of `UNIT`, background first; 0 where nothing was
        clicked.
    """
    height, width = size
    cell_BP2 = (points.xy_BP2 / PLACE_STRIDE).long()
    x_BP = cell_BP2[..., 0].clamp(0, width - 1)
    place_BP = cell_BP2[..., 1].clamp(0, height - 1) * width + x_BP
    shares = []
    for slot in (BACKGROUND, *range(objects)):
        member_BP = ((points.object_BP == slot) & points.valid_BP).to(similarity_BSS.dtype)
        clicked_BS = similarity_BSS.new_zeros(similarity_BSS.shape[:2])
        clicked_BS = clicked_BS.scatter_reduce(1, place_BP, member_BP, "amax")
        share_BS = (similarity_BSS @ clicked_BS[..., None])[..., 0]
        log_BS = (share_BS + RARE).log() - (clicked_BS.mean(dim=1, keepdim=True) + RARE).log()
        shares.append(log_BS / UNIT * clicked_BS.any(dim=1, keepdim=True))
    share_BKHW: Tensor = torch.stack(shares, dim=1).unflatten(-1, size)
    return share_BKHW


def _masked_share(
    similarity_BSS: Tensor, earlier_BOHW: Tensor | None, like_BOHW: Tensor
) -> tuple[Tensor, Tensor]:
    """How much of the similar places an earlier mask took, in [-1, 1], and where there is one."""
    if earlier_BOHW is None:
        return torch.zeros_like(like_BOHW), torch.zeros_like(like_BOHW)
    there_BO11 = (earlier_BOHW.amax(dim=(2, 3), keepdim=True) > 0).to(like_BOHW.dtype)
    mask_BOHW = F.adaptive_avg_pool2d(earlier_BOHW, (like_BOHW.shape[2], like_BOHW.shape[3]))
    share_BOS = mask_BOHW.flatten(2) @ similarity_BSS.transpose(1, 2)
    share_BOHW = share_BOS.unflatten(-1, like_BOHW.shape[-2:]) * 2 - 1
    return share_BOHW * there_BO11, there_BO11.expand_as(like_BOHW)
