"""The step of RF-VNG: narratives to features, clips to predictions, and losses."""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.distributed
from torch import Tensor

from vng.data.samples import NarratedBatch
from vng.losses.criterion import layer_losses, map_loss, weighted_total
from vng.losses.matching import match_queries
from vng.losses.targets import Targets
from vng.training.network import NarrativeGrounder
from vng.training.settings import GroundingLossSettings

VngStep = Callable[[NarrativeGrounder, NarratedBatch, int], dict[str, Tensor]]


def grounding_step(losses: GroundingLossSettings) -> VngStep:
    """The step function: (network, batch, iteration) -> named loss terms."""
    weights = losses.weights

    def step(network: NarrativeGrounder, batch: NarratedBatch, iteration: int) -> dict[str, Tensor]:
        del iteration  # nothing here changes with time
        targets = Targets.of_masks(batch.masks_BNTHW, batch.known_BNT, batch.sizes_B2)
        boxes = boxes_of_all_processes(targets)
        features, nouns_BND = network(batch.frames_BT3HW, batch.sizes_B2, batch.texts, batch.spans)
        found = network.rf_vng.ground_matched(
            features, nouns_BND, lambda layer: match_queries(layer, targets, weights)
        )
        pairs = zip(found.layers, found.queries, strict=True)
        of_layers = [layer_losses(layer, targets, query, boxes) for layer, query in pairs]
        terms = {name: weight * of_layers[-1][name] for name, weight in weights.items()}
        if len(of_layers) > 1 and losses.auxiliary:
            before = [weighted_total(one, weights) for one in of_layers[:-1]]
            terms["auxiliary"] = losses.auxiliary * torch.stack(before).sum()
        if found.map_BNTHW is not None:
            terms["map"] = losses.map * map_loss(found.map_BNTHW, targets, boxes)
        return terms

    return step


def boxes_of_all_processes(targets: Targets) -> Tensor:
    """Frames in which an object is known to be, the mean over processes, at least 1.

    What the losses are divided by: gradients, of which several processes take the mean, are then
    those of one process with all their clips.
    """
    boxes = targets.present_BNT.sum().float()
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.all_reduce(boxes)
        boxes = boxes / torch.distributed.get_world_size()
    return boxes.clamp_min(1)
