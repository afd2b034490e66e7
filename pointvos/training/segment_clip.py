"""The training forward of STCN over a clip, the same for every regime and both networks."""

from __future__ import annotations

import torch
from torch import Tensor

from pointvos.datasets.collate import VosBatch
from pointvos.nn.aggregate import soft_aggregate
from pointvos.nn.stcn import STCN, QueryFeatures


def segment_clip(network: STCN, batch: VosBatch, *, given_masks: bool) -> list[Tensor | None]:
    """Segment every frame of a clip from its reference (REFERENCE, B.2 and C).

    Frame 0 is memorised with what initialises it, frame 1 is read from {0} and memorised with its
    *predicted* soft mask, frame 2 is read from {0, 1}. Gradients flow through the predicted masks.

    Args:
        network: full or lite.
        batch: of clips, H and W multiples of 16.
        given_masks: whether the reference is a mask rather than points.

    Returns:
        For each frame logits [B, O + 1, H, W], background first, or None for a reference frame that
        the network does not segment itself.
    """
    batch_size, length = batch.frames_BTCHW.shape[:2]
    features = network.encode_key(batch.frames_BTCHW.flatten(0, 1))
    by_frame = [
        QueryFeatures(*(part.unflatten(0, (batch_size, length))[:, t] for part in features))
        for t in range(length)
    ]
    present_BO11 = batch.present_BO[:, :, None, None]

    def segment(t: int, memory: list[tuple[Tensor, Tensor]]) -> Tensor:
        keys = torch.cat([key for key, _ in memory], dim=-1)
        values = torch.cat([value for _, value in memory], dim=-1)
        readout = network.read(by_frame[t], keys, values)
        return network.decode(by_frame[t], readout).float().sigmoid() * present_BO11

    def memorise(t: int, masks_BOHW: Tensor, *, points: bool = False) -> tuple[Tensor, Tensor]:
        value = network.encode_value(
            batch.frames_BTCHW[:, t], by_frame[t], masks_BOHW, points=points
        )
        return by_frame[t].key_BCHW.flatten(2), value.flatten(3)

    reference = memorise(0, batch.reference_BOHW, points=not given_masks)
    logits: list[Tensor | None] = [None]
    if network.decodes_reference and not given_masks:
        decoded_BOHW = segment(0, [reference])
        logits[0] = soft_aggregate(decoded_BOHW)
        if length > 1:  # where the points are is certain, for the other objects too
            joint = soft_aggregate(torch.maximum(decoded_BOHW, batch.reference_BOHW))
            reference = memorise(0, joint.softmax(dim=1)[:, 1:])
    memory = [reference]
    for t in range(1, length):
        logits_t = soft_aggregate(segment(t, memory))
        logits.append(logits_t)
        if t + 1 < length:
            memory.append(memorise(t, logits_t.softmax(dim=1)[:, 1:]))
    return logits
