"""A step function for each regime: (network, batch, iteration) -> named loss terms.

The terms are summed by the loop. Where the reference comes from (points, points drawn from masks,
masks) is a matter of the data; what differs here is the loss.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from pointvos.core.errors import InputError
from pointvos.datasets.collate import NO_POINT, VosBatch
from pointvos.datasets.reference import ReferenceKind
from pointvos.datasets.samples import UNKNOWN
from pointvos.losses.bootstrapped_cross_entropy import (
    bootstrap_fraction,
    bootstrapped_cross_entropy,
)
from pointvos.losses.color_affinity import at_stride, color_affinity_loss
from pointvos.losses.dice import dice_loss
from pointvos.losses.huberised_cross_entropy import huberised_cross_entropy
from pointvos.losses.point_cross_entropy import point_cross_entropy
from pointvos.nn.stcn import PREDICTION_STRIDE, STCN
from pointvos.training.segment_clip import segment_clip

Losses = dict[str, Tensor]
StepFn = Callable[[STCN, VosBatch, int], Losses]
Regime = Literal["points", "masks", "pseudo_masks", "hybrid"]


@dataclass(frozen=True, kw_only=True)
class LossSettings:
    """What is minimised."""

    bootstrap_start: int = 20_000
    """Iteration from which the share of pixels in the bootstrapped cross-entropy falls."""
    bootstrap_end: int = 70_000
    """Iteration at which that share has reached its end."""
    bootstrap_fraction: float = 0.15
    """The share of pixels at the end."""
    huber_tau: float = 10.0
    """Bound of the gradient of the Huberised cross-entropy; Menon et al. tried 2 and 10."""
    dice: float = 0.0
    """Weight of the dice loss beside a mask loss; STCN has none."""
    color_affinity: float = 0.0
    """Weight of the loss that ties neighbours of one colour, beside the loss at points; the paper
    has none. Points say little of boundaries, and a small network's are blobs without it."""
    reference: float = 1.0
    """Weight of the reference frame where the network segments it itself (lite)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if not 0 <= self.bootstrap_start < self.bootstrap_end:
            raise InputError(
                "losses: expected 0 <= bootstrap_start < bootstrap_end, found "
                f"{self.bootstrap_start} and {self.bootstrap_end}"
            )
        if not 0 < self.bootstrap_fraction <= 1:
            raise InputError(
                f"losses.bootstrap_fraction: expected above 0 and at most 1, found "
                f"{self.bootstrap_fraction}"
            )
        if self.huber_tau <= 1:
            raise InputError(f"losses.huber_tau: expected above 1, found {self.huber_tau}")
        if min(self.dice, self.color_affinity, self.reference) < 0:
            raise InputError(
                f"losses: expected weights >= 0, found dice {self.dice}, color_affinity "
                f"{self.color_affinity}, reference {self.reference}"
            )


def clip_loss(
    logits: list[Tensor | None], frame_loss: Callable[[int, Tensor], Tensor], reference: float
) -> Tensor:
    """Sum of a loss over the segmented frames, as STCN sums over its two targets."""
    terms = [
        frame_loss(t, logits_t) * (reference if t == 0 else 1.0)
        for t, logits_t in enumerate(logits)
        if logits_t is not None
    ]
    return torch.stack(terms).sum()


def points_step(settings: LossSettings) -> StepFn:
    """Point-STCN: cross-entropy at annotated points of every frame (paper, appendix D)."""

    def step(network: STCN, batch: VosBatch, iteration: int) -> Losses:
        del iteration  # nothing here changes with time
        logits = segment_clip(network, batch, given_masks=False)

        def at_points(t: int, logits_BKHW: Tensor) -> Tensor:
            classes_BP = batch.classes_BTP[:, t]
            return point_cross_entropy(
                logits_BKHW.softmax(dim=1), batch.xy_BTP2[:, t], classes_BP, classes_BP != NO_POINT
            )

        losses = {"points": clip_loss(logits, at_points, settings.reference)}
        if settings.color_affinity:

            def affinity(t: int, logits_BKHW: Tensor) -> Tensor:
                prob_BOHW = logits_BKHW.softmax(dim=1)[:, 1:]
                prob_BOhw, frames_BChw = at_stride(
                    prob_BOHW, batch.frames_BTCHW[:, t], PREDICTION_STRIDE
                )
                return color_affinity_loss(prob_BOhw, frames_BChw, batch.present_BO)

            term = clip_loss(logits, affinity, settings.reference)
            losses["color_affinity"] = settings.color_affinity * term
        return losses

    return step


def masks_step(settings: LossSettings, *, given_masks: bool, robust: bool) -> StepFn:
    """STCN on masks (bootstrapped) or pseudo-masks (Huberised); Hybrid-STCN when given points."""

    def step(network: STCN, batch: VosBatch, iteration: int) -> Losses:
        logits = segment_clip(network, batch, given_masks=given_masks)
        fraction = bootstrap_fraction(
            iteration,
            start=settings.bootstrap_start,
            end=settings.bootstrap_end,
            final=settings.bootstrap_fraction,
        )

        def cross_entropy(t: int, logits_BKHW: Tensor) -> Tensor:
            target_BHW = batch.index_BTHW[:, t]
            if robust:
                return huberised_cross_entropy(logits_BKHW, target_BHW, settings.huber_tau)
            return bootstrapped_cross_entropy(logits_BKHW, target_BHW, fraction)

        losses = {"masks": clip_loss(logits, cross_entropy, settings.reference)}
        if settings.dice:
            slots = torch.arange(1, batch.present_BO.shape[1] + 1, device=batch.index_BTHW.device)

            def dice(t: int, logits_BKHW: Tensor) -> Tensor:
                index_BHW = batch.index_BTHW[:, t]
                target_BOHW = index_BHW[:, None] == slots[:, None, None]
                known_B1HW = (index_BHW != UNKNOWN)[:, None]
                prob_BOHW = logits_BKHW.softmax(dim=1)[:, 1:] * known_B1HW
                return dice_loss(prob_BOHW, target_BOHW, batch.present_BO)

            losses["dice"] = settings.dice * clip_loss(logits, dice, settings.reference)
        return losses

    return step


# What may initialise the objects of each regime; Hybrid-STCN takes annotated points, or draws new
# ones from the masks that it has anyway.
REFERENCES: dict[Regime, tuple[ReferenceKind, ...]] = {
    "points": ("points",),
    "masks": ("mask",),
    "pseudo_masks": ("mask",),
    "hybrid": ("drawn_points", "points"),
}


def step_of(regime: Regime, settings: LossSettings) -> StepFn:
    """The step function of a regime by name.

    Raises:
        InputError: there is no such regime.
    """
    steps: dict[str, Callable[[], StepFn]] = {
        "points": lambda: points_step(settings),
        "masks": lambda: masks_step(settings, given_masks=True, robust=False),
        "pseudo_masks": lambda: masks_step(settings, given_masks=True, robust=True),
        "hybrid": lambda: masks_step(settings, given_masks=False, robust=False),
    }
    if regime not in steps:
        raise InputError(f"regime: expected {', '.join(steps)}, found {regime!r}")
    return steps[regime]()
