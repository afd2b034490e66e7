"""The noun map: which pixels could be meant by a noun, before any object is looked for.

ReferFormer learns what a word looks like through the masks of its queries alone, which takes many
passes over a large set. Comparing the noun with every pixel of the encoded frame, as text-to-pixel
contrast does (CRIS; Wang et al., CVPR 2022), is learnt in hundreds of steps: every pixel of every
image says whether it is the noun. The map says which pixels could be it, and a query's painted
network which of these are its object; both are logits, and their sum is the mask. A query also
starts with what the map found, so that it knows where to look and whether there is anything.

Shape legend: F frames, N nouns, S pixels of all levels, L of one level, C channels, H W height and
width at stride 4.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vng.nn.levels import Level

LEVELS = 3  # levels that are compared, at strides 8, 16 and 32
PRIOR_LOGIT = -2.0  # of every pixel before training: most pixels are not the noun


class NounMap(nn.Module):
    """Compares nouns with the pixels of encoded frames at three scales.

    Args:
        channels: of nouns and encoded frames.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.nouns = nn.ModuleList(nn.Linear(channels, channels) for _ in range(LEVELS))
        self.prior = nn.Parameter(torch.tensor([PRIOR_LOGIT]))  # FSDP shards no scalars
        self.evidence = nn.Linear(channels + 1, channels)

    def forward(
        self,
        noun_FNC: Tensor,
        memory_FSC: Tensor,
        levels: Sequence[Level],
        coarse_FNHW: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Map nouns.

        Args:
            noun_FNC: float, features of the nouns of each frame's narrative.
            memory_FSC: float, encoded frames, levels at strides 8, 16 and 32 first.
            levels: of the frames.
            coarse_FNHW: float32, known logits at stride 32 (`vng.nn.noun_classes`).

        Returns:
            Logits that a pixel at stride 4 is the noun, float32 [F, N, H, W], where H and W are
            twice those of stride 8; and what a query should know of the map, float [F, N, C]: the
            place and the looks of the pixels most like the noun, and how much the best one is.
        """
        counts = [height * width for height, width in (level.shape for level in levels)]
        parts = memory_FSC.split(counts, dim=1)
        sum_FNHW: Tensor | None = None
        for index in reversed(range(LEVELS)):
            height, width = levels[index].shape
            asked_FNC = self.nouns[index](noun_FNC) / noun_FNC.shape[-1] ** 0.5
            alike_FNHW = (asked_FNC @ parts[index].transpose(1, 2)).float()
            alike_FNHW = alike_FNHW.unflatten(-1, (height, width))
            if sum_FNHW is not None:
                coarse_FNHW = _doubled(sum_FNHW)[..., :height, :width]
            sum_FNHW = alike_FNHW if coarse_FNHW is None else alike_FNHW + coarse_FNHW
        assert sum_FNHW is not None
        logits_FNHW = sum_FNHW + self.prior
        return _doubled(logits_FNHW), self._evidence(logits_FNHW.flatten(2), parts[0], levels[0])

    def _evidence(self, logits_FNL: Tensor, finest_FLC: Tensor, level: Level) -> Tensor:
        if level.padding_BS is not None:
            logits_FNL = logits_FNL.masked_fill(level.padding_BS[:, None], -torch.inf)
        placed_FLC = finest_FLC + level.position_BSC.to(finest_FLC.dtype)
        looks_FNC = logits_FNL.softmax(dim=-1).to(placed_FLC.dtype) @ placed_FLC
        best_FN1 = logits_FNL.amax(dim=-1, keepdim=True).to(placed_FLC.dtype)
        out: Tensor = self.evidence(torch.cat([looks_FNC, best_FN1], dim=-1))
        return out


def _doubled(map_FNHW: Tensor) -> Tensor:
    return F.interpolate(map_FNHW, scale_factor=2, mode="bilinear", align_corners=False)
