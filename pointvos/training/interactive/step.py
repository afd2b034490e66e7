"""The step of the interactive segmenter: rounds without gradient, then the one that is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.datasets.samples import UNKNOWN
from pointvos.losses.object_masks import (
    MaskLoss,
    dense_mask_loss,
    object_margins,
    sampled_mask_loss,
)
from pointvos.nn.interactive.features import STRIDE, FrameFeatures
from pointvos.nn.interactive.mask_head import label_map
from pointvos.nn.interactive.segmenter import InteractiveSegmenter, Segmentation
from pointvos.simulation.interactions import Interaction, correct
from pointvos.training.interactive.samples import PromptedBatch, clicks_and_traces
from pointvos.training.interactive.settings import InteractiveLossSettings, RoundSettings

InteractiveStep = Callable[[InteractiveSegmenter, PromptedBatch, int], dict[str, Tensor]]


def interactive_step(losses: InteractiveLossSettings, rounds: RoundSettings) -> InteractiveStep:
    """The step function: (network, batch, iteration) -> named loss terms."""

    def step(
        network: InteractiveSegmenter, batch: PromptedBatch, iteration: int
    ) -> dict[str, Tensor]:
        del iteration  # nothing here changes with time
        features = network.encode(batch.frames_BCHW)
        given, previous_BKHW = play_rounds(network, features, batch, rounds)
        clicks, traces = clicks_and_traces(given, batch.frames_BCHW.device)
        result = network.segment(
            features, clicks, traces, objects=batch.slots, previous_BKHW=previous_BKHW
        )
        return segmentation_loss(result, batch, losses)

    return step


@torch.no_grad()
def play_rounds(
    network: InteractiveSegmenter,
    features: FrameFeatures,
    batch: PromptedBatch,
    settings: RoundSettings,
) -> tuple[list[list[Interaction]], Tensor | None]:
    """The first prompts, and corrections of what the network makes of them.

    Returns:
        All interactions of every frame, and the newest logits [B, K, h, w]; None where the network
        has not been asked yet.
    """
    rng = batch.rngs[0]  # one number of rounds for the whole batch
    count = int(rng.choice(settings.counts))
    given = [list(of_frame) for of_frame in batch.given]
    previous_BKHW: Tensor | None = None
    if rng.random() < settings.coarse:
        previous_BKHW = _coarse_logits(network, batch, float(rng.uniform(*settings.coarse_scale)))
    if not count:
        return given, previous_BKHW
    index_BHW = batch.index_BHW.cpu().numpy()
    for _ in range(count):
        clicks, traces = clicks_and_traces(given, batch.frames_BCHW.device)
        previous_BKHW = network.segment(
            features, clicks, traces, objects=batch.slots, previous_BKHW=previous_BKHW
        ).logits_BKHW
        found_BHW = label_map(previous_BKHW.float(), *index_BHW.shape[1:]).cpu().numpy()
        for b, of_frame in enumerate(given):
            of_frame += correct(found_BHW[b], index_BHW[b], batch.slots, batch.rngs[b])
    return given, previous_BKHW


def _coarse_logits(network: InteractiveSegmenter, batch: PromptedBatch, scale: float) -> Tensor:
    """Masks of a smaller copy of the frames, as coarse-to-fine inference begins with."""
    height, width = batch.frames_BCHW.shape[-2:]
    size = [max(1, round(scale * side / STRIDE)) * STRIDE for side in (height, width)]
    copy_BCHW = F.interpolate(batch.frames_BCHW, size=size, mode="bilinear", antialias=True)
    factor = np.array([size[1] / width, size[0] / height], np.float32)
    given = [[replace(one, xy=one.xy * factor) for one in of_frame] for of_frame in batch.given]
    clicks, traces = clicks_and_traces(given, copy_BCHW.device)
    return network.segment(
        network.encode(copy_BCHW), clicks, traces, objects=batch.slots
    ).logits_BKHW


def segmentation_loss(
    result: Segmentation, batch: PromptedBatch, settings: InteractiveLossSettings
) -> dict[str, Tensor]:
    """Cross-entropy and dice of the result, and of the masks after each layer before it."""
    slots_O11 = torch.arange(1, batch.slots + 1, device=batch.index_BHW.device)[:, None, None]
    target_BOHW = batch.index_BHW[:, None] == slots_O11
    known_BHW = batch.index_BHW != UNKNOWN
    present_BO = target_BOHW.flatten(2).any(dim=2)
    rng = torch.Generator().manual_seed(int(batch.rngs[0].integers(2**62)))

    def loss_of(logits_BKHW: Tensor) -> MaskLoss:
        margins_BOHW = object_margins(logits_BKHW)
        if settings.points is None:
            return dense_mask_loss(margins_BOHW, target_BOHW, known_BHW, present_BO)
        return sampled_mask_loss(
            margins_BOHW,
            target_BOHW,
            known_BHW,
            present_BO,
            points=settings.points,
            oversample=settings.oversample,
            importance=settings.importance,
            rng=rng,
        )

    last = loss_of(result.logits_BKHW)
    terms = {
        "cross_entropy": settings.cross_entropy * last.cross_entropy,
        "dice": settings.dice * last.dice,
    }
    if settings.auxiliary and result.auxiliary:
        before = [loss_of(logits_BKHW) for logits_BKHW in result.auxiliary]
        total = torch.stack(
            [
                settings.cross_entropy * one.cross_entropy + settings.dice * one.dice
                for one in before
            ]
        )
        terms["auxiliary"] = settings.auxiliary * total.sum()
    return terms
