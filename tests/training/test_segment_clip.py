"""The training forward over a clip: against reference vectors, and its gradients and slots."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pointvos.datasets.collate import VosBatch
from pointvos.training.segment_clip import segment_clip
from pointvos.training.steps import LossSettings, masks_step
from tests.recipe import clip, generator, training_masks
from tests.reference_stcn import StoredTensors, in_unit_range, reference_stcn
from tests.tiny_network import tiny_stcn

ELLIPSES = [[50, 60, 26, 30], [84, 112, 24, 28]]
HEIGHT, WIDTH = 128, 160


def batch_of(
    frames_BTCHW: Tensor,
    reference_BOHW: Tensor,
    *,
    index_BTHW: Tensor | None = None,
    present_BO: Tensor | None = None,
) -> VosBatch:
    batch, length, _, height, width = frames_BTCHW.shape
    if index_BTHW is None:
        index_BTHW = torch.zeros(batch, length, height, width, dtype=torch.int64)
    if present_BO is None:
        present_BO = reference_BOHW.flatten(2).any(dim=2)
    return VosBatch(
        frames_BTCHW=frames_BTCHW,
        reference_BOHW=reference_BOHW,
        index_BTHW=index_BTHW,
        xy_BTP2=torch.zeros(batch, length, 0, 2),
        classes_BTP=torch.zeros(batch, length, 0, dtype=torch.int64),
        present_BO=present_BO,
    )


def random_batch(objects: int = 2, *, present: list[bool] | None = None) -> VosBatch:
    draw = torch.Generator().manual_seed(0)
    frames = torch.rand(1, 3, 3, 32, 48, generator=draw)
    reference = torch.zeros(1, objects, 32, 48)
    for o in range(objects):
        if present is None or present[o]:
            reference[0, o, 4 + 12 * o : 14 + 12 * o, 8:24] = 1
    return batch_of(frames, reference)


@pytest.mark.parity
@pytest.mark.data
@torch.inference_mode()
def test_logits_from_masks_are_the_official_ones(golden_dir: Path) -> None:
    network = reference_stcn(golden_dir)
    stored = StoredTensors(golden_dir, "stcn_train_forward")
    frames = in_unit_range(network, clip("stcn.rgb", 3, HEIGHT, WIDTH))
    masks = torch.from_numpy(training_masks(ELLIPSES, 3, HEIGHT, WIDTH))
    logits = segment_clip(network, batch_of(frames[None], masks[:1]), given_masks=True)
    assert logits[0] is None
    for t in (1, 2):
        logits_t = logits[t]
        assert logits_t is not None
        stored.assert_close(f"logits_{t}", logits_t, atol=1e-3)
        stored.assert_close(f"prob_{t}", logits_t.softmax(dim=1)[:, 1:], atol=1e-4)


@pytest.mark.parity
@pytest.mark.data
@torch.inference_mode()
def test_logits_from_points_are_the_reference_ones(golden_dir: Path) -> None:
    network = reference_stcn(golden_dir)
    stored = StoredTensors(golden_dir, "stcn_point_forward")
    frames = in_unit_range(network, clip("stcn.rgb", 3, HEIGHT, WIDTH))
    points = np.zeros((1, 2, HEIGHT * WIDTH), np.float32)
    for o, mask in enumerate(training_masks(ELLIPSES, 1, HEIGHT, WIDTH)[0]):
        rng = generator(f"stcn.points.0.obj{o + 1}")
        points[0, o, rng.choice(np.flatnonzero(mask), 10, replace=False)] = 1
    reference = torch.from_numpy(points.reshape(1, 2, HEIGHT, WIDTH))
    logits = segment_clip(network, batch_of(frames[None], reference), given_masks=False)
    assert logits[0] is None  # the full network never segments its reference
    for t in (1, 2):
        logits_t = logits[t]
        assert logits_t is not None
        stored.assert_close(f"logits_{t}", logits_t, atol=1e-3)


@pytest.mark.parity
@pytest.mark.data
@torch.inference_mode()
@pytest.mark.parametrize("iteration", [0, 45_000, 100_000])
def test_loss_from_masks_is_the_official_one(golden_dir: Path, iteration: int) -> None:
    network = reference_stcn(golden_dir)
    stored = json.loads((golden_dir / "stcn_train_loss_grads.json").read_text())
    expected = stored["per_iteration"][str(iteration)]
    frames = in_unit_range(network, clip("stcn.rgb", 3, HEIGHT, WIDTH))
    masks = torch.from_numpy(training_masks(ELLIPSES, 3, HEIGHT, WIDTH))
    index = (masks * torch.arange(1, 3)[:, None, None]).sum(dim=1).long()[None]
    step = masks_step(LossSettings(), given_masks=True, robust=False)
    losses = step(network, batch_of(frames[None], masks[:1], index_BTHW=index), iteration)
    assert set(losses) == {"masks"}
    total = expected["loss_1"] + expected["loss_2"]
    assert losses["masks"].item() == pytest.approx(total, rel=1e-4)


def test_gradients_flow_through_the_predicted_mask() -> None:
    # The loss on the last frame alone must reach the memory of the first through both readings.
    network = tiny_stcn()
    batch = random_batch()
    batch.reference_BOHW.requires_grad_()
    _, first, second = segment_clip(network, batch, given_masks=True)
    assert first is not None
    assert second is not None
    (to_first,) = torch.autograd.grad(second[:, 1].sum(), first, retain_graph=True)
    assert to_first.abs().max() > 0
    (to_reference,) = torch.autograd.grad(second[:, 1].sum(), batch.reference_BOHW)
    assert to_reference.abs().max() > 0


@torch.inference_mode()
def test_an_absent_object_has_no_probability_and_changes_no_other() -> None:
    network = tiny_stcn()
    both = segment_clip(network, random_batch(present=[True, False]), given_masks=True)
    alone = segment_clip(network, random_batch(objects=1), given_masks=True)
    for with_slot, without in zip(both[1:], alone[1:], strict=True):
        assert with_slot is not None
        assert without is not None
        prob = with_slot.softmax(dim=1)
        assert prob[:, 2].max() < 1e-6
        torch.testing.assert_close(prob[:, :2], without.softmax(dim=1), atol=1e-5, rtol=0)


@torch.inference_mode()
def test_a_network_that_decodes_its_reference_gives_logits_for_it_from_points_only() -> None:
    network = tiny_stcn(decodes_reference=True)
    batch = random_batch()
    from_points = segment_clip(network, batch, given_masks=False)
    from_masks = segment_clip(network, batch, given_masks=True)
    assert [logits is None for logits in from_points] == [False, False, False]
    assert [logits is None for logits in from_masks] == [True, False, False]
    assert from_points[0] is not None
    assert from_points[0].shape == (1, 3, 32, 48)
    assert from_points[1] is not None
    assert from_masks[1] is not None
    # The mask that was decoded is memorised too, so what follows differs.
    assert (from_points[1] - from_masks[1]).abs().max() > 1e-4


@torch.inference_mode()
def test_clips_of_a_batch_do_not_see_each_other() -> None:
    network = tiny_stcn()
    one, other = random_batch(), random_batch()
    frames = torch.cat([one.frames_BTCHW, other.frames_BTCHW.flip(-1)])
    reference = torch.cat([one.reference_BOHW, other.reference_BOHW.flip(-1)])
    together = segment_clip(network, batch_of(frames, reference), given_masks=True)
    apart = segment_clip(network, one, given_masks=True)
    for joint, single in zip(together[1:], apart[1:], strict=True):
        assert joint is not None
        assert single is not None
        torch.testing.assert_close(joint[:1], single, atol=1e-4, rtol=1e-4)
