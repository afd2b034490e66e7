"""A step function for each regime: what it looks at, and that its loss goes down."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from pointvos.core.errors import InputError
from pointvos.datasets.collate import NO_POINT, VosBatch
from pointvos.datasets.samples import UNKNOWN
from pointvos.losses.color_affinity import at_stride, color_affinity_loss
from pointvos.losses.huberised_cross_entropy import huberised_cross_entropy
from pointvos.losses.point_cross_entropy import point_cross_entropy
from pointvos.training.segment_clip import segment_clip
from pointvos.training.steps import LossSettings, Regime, clip_loss, step_of
from tests.tiny_network import tiny_stcn

REGIMES: tuple[Regime, ...] = ("points", "masks", "pseudo_masks", "hybrid")
SIZE = 48
PLAIN = LossSettings()


def batch_for(regime: Regime) -> VosBatch:
    """Two clips with two squares that move, and what the regime knows of them."""
    draw = torch.Generator().manual_seed(0)
    frames = 0.3 * torch.rand(2, 3, 3, SIZE, SIZE, generator=draw)
    index = torch.zeros(2, 3, SIZE, SIZE, dtype=torch.int64)
    for b in range(2):
        for t in range(3):
            for slot, (left, top) in enumerate(((4 + 3 * t, 6 + 8 * b), (30 - 2 * t, 28)), start=1):
                index[b, t, top : top + 12, left : left + 12] = slot
                frames[b, t, slot, top : top + 12, left : left + 12] += 0.7
    masks = torch.stack([index == 1, index == 2], dim=2).float()
    reference = masks[:, 0]
    xy, classes = points_in(index)
    if regime in ("points", "hybrid"):
        reference = torch.zeros_like(reference)
        for b in range(2):
            for (x, y), kind in zip(xy[b, 0], classes[b, 0], strict=True):
                if kind > 0:
                    reference[b, int(kind) - 1, int(y), int(x)] = 1
    if regime == "points":
        index = torch.full_like(index, UNKNOWN)
    else:
        xy, classes = xy[:, :, :0], classes[:, :, :0]
    return VosBatch(
        frames_BTCHW=frames,
        reference_BOHW=reference,
        index_BTHW=index,
        xy_BTP2=xy,
        classes_BTP=classes,
        present_BO=torch.ones(2, 2, dtype=torch.bool),
    )


def points_in(index_BTHW: Tensor) -> tuple[Tensor, Tensor]:
    """Four points of each class of every frame, at pixel centres."""
    draw = torch.Generator().manual_seed(1)
    xy = torch.zeros(*index_BTHW.shape[:2], 12, 2)
    classes = torch.zeros(*index_BTHW.shape[:2], 12, dtype=torch.int64)
    for b, clip in enumerate(index_BTHW):
        for t, index in enumerate(clip):
            for kind in range(3):
                places = (index == kind).nonzero()
                chosen = places[torch.randperm(len(places), generator=draw)[:4]]
                xy[b, t, 4 * kind : 4 * kind + 4] = chosen.flip(1) + 0.5
                classes[b, t, 4 * kind : 4 * kind + 4] = kind
    return xy, classes


@pytest.mark.parametrize("decodes_reference", [False, True])
@pytest.mark.parametrize("regime", REGIMES)
def test_the_loss_of_one_batch_goes_down(regime: Regime, decodes_reference: bool) -> None:
    network = tiny_stcn(decodes_reference=decodes_reference)
    step, batch = step_of(regime, PLAIN), batch_for(regime)
    optimizer = torch.optim.Adam(network.parameters(), lr=3e-3)
    losses = []
    for iteration in range(20):
        terms = step(network, batch, iteration)
        assert set(terms) == {"points" if regime == "points" else "masks"}
        total = torch.stack(list(terms.values())).sum()
        losses.append(total.item())
        optimizer.zero_grad()
        total.backward()
        optimizer.step()
    assert losses[-1] < 0.6 * losses[0]


def test_the_points_regime_never_looks_at_masks() -> None:
    network, step, batch = tiny_stcn(), step_of("points", PLAIN), batch_for("points")
    assert batch.index_BTHW.unique().tolist() == [UNKNOWN]
    other = replace(batch, index_BTHW=torch.zeros_like(batch.index_BTHW))
    assert step(network, batch, 0)["points"].item() == step(network, other, 0)["points"].item()


def test_the_points_regime_sums_the_loss_over_both_targets() -> None:
    network, batch = tiny_stcn(), batch_for("points")
    logits = segment_clip(network, batch, given_masks=False)
    expected = 0.0
    for t in (1, 2):
        logits_t, classes = logits[t], batch.classes_BTP[:, t]
        assert logits_t is not None
        valid = classes != NO_POINT
        prob = logits_t.softmax(dim=1)
        expected += point_cross_entropy(prob, batch.xy_BTP2[:, t], classes, valid).item()
    found = step_of("points", PLAIN)(network, batch, 0)["points"].item()
    assert found == pytest.approx(expected, rel=1e-6)


def test_padding_adds_nothing_to_the_points_loss() -> None:
    network, step, batch = tiny_stcn(), step_of("points", PLAIN), batch_for("points")
    padded = replace(
        batch,
        xy_BTP2=torch.cat([batch.xy_BTP2, torch.zeros_like(batch.xy_BTP2)], dim=2),
        classes_BTP=torch.cat(
            [batch.classes_BTP, torch.full_like(batch.classes_BTP, NO_POINT)], dim=2
        ),
    )
    expected = step(network, batch, 0)["points"].item()
    assert step(network, padded, 0)["points"].item() == pytest.approx(expected, rel=1e-6)


def test_hybrid_sees_points_on_the_reference_and_masks_on_the_targets() -> None:
    network, step, batch = tiny_stcn(), step_of("hybrid", PLAIN), batch_for("hybrid")
    assert batch.reference_BOHW.sum(dim=(2, 3)).tolist() == [[4, 4], [4, 4]]
    loss = step(network, batch, 0)["masks"].item()
    # The mask of the reference frame is not looked at ...
    index = batch.index_BTHW.clone()
    index[:, 0] = UNKNOWN
    assert step(network, replace(batch, index_BTHW=index), 0)["masks"].item() == loss
    # ... those of the targets are.
    index[:, 1] = 0
    assert step(network, replace(batch, index_BTHW=index), 0)["masks"].item() != loss


def test_pseudo_masks_take_the_huberised_loss() -> None:
    network, batch = tiny_stcn(), batch_for("pseudo_masks")
    settings = LossSettings(huber_tau=2.0)
    logits = segment_clip(network, batch, given_masks=True)
    expected = 0.0
    for t in (1, 2):
        logits_t = logits[t]
        assert logits_t is not None
        expected += huberised_cross_entropy(logits_t, batch.index_BTHW[:, t], 2.0).item()
    found = step_of("pseudo_masks", settings)(network, batch, 10**6)["masks"].item()
    assert found == pytest.approx(expected, rel=1e-6)


def test_bootstrapping_follows_its_schedule() -> None:
    network, batch = tiny_stcn(), batch_for("masks")
    settings = LossSettings(bootstrap_start=10, bootstrap_end=20, bootstrap_fraction=0.2)
    step = step_of("masks", settings)
    losses = [step(network, batch, iteration)["masks"].item() for iteration in (0, 9, 15, 20, 99)]
    assert losses[0] == losses[1] < losses[2] < losses[3] == losses[4]


def test_unknown_pixels_cost_nothing() -> None:
    network = tiny_stcn()
    settings = LossSettings(dice=1.0)
    for regime in ("masks", "pseudo_masks"):
        batch = batch_for(regime)
        unknown = torch.full_like(batch.index_BTHW, UNKNOWN)
        batch = replace(batch, index_BTHW=unknown)
        terms = step_of(regime, settings)(network, batch, 0)
        assert {name: term.item() for name, term in terms.items()} == {"masks": 0, "dice": 0}


def test_the_dice_loss_is_a_term_of_its_own_with_its_weight() -> None:
    network, batch = tiny_stcn(), batch_for("masks")
    one = step_of("masks", LossSettings(dice=1.0))(network, batch, 0)
    two = step_of("masks", LossSettings(dice=2.0))(network, batch, 0)
    assert two["dice"].item() == pytest.approx(2 * one["dice"].item())
    assert two["masks"].item() == one["masks"].item()
    assert 0 < one["dice"].item() < 2


def test_color_affinity_is_a_term_of_the_points_regime_with_its_weight() -> None:
    network, batch = tiny_stcn(), batch_for("points")
    none = step_of("points", LossSettings())(network, batch, 0)
    one = step_of("points", LossSettings(color_affinity=1.0))(network, batch, 0)
    two = step_of("points", LossSettings(color_affinity=2.0))(network, batch, 0)
    assert none.keys() == {"points"}
    assert none["points"].item() == one["points"].item() == two["points"].item()
    assert two["color_affinity"].item() == pytest.approx(2 * one["color_affinity"].item())
    expected = 0.0
    for t, logits_t in enumerate(segment_clip(network, batch, given_masks=False)):
        if logits_t is not None:
            prob = logits_t.softmax(dim=1)[:, 1:]
            small = at_stride(prob, batch.frames_BTCHW[:, t], 4)
            expected += color_affinity_loss(*small, batch.present_BO).item()
    assert one["color_affinity"].item() == pytest.approx(expected, rel=1e-5)


def test_the_loss_of_a_decoded_reference_has_its_own_weight() -> None:
    network, batch = tiny_stcn(decodes_reference=True), batch_for("hybrid")
    losses = [
        step_of("hybrid", LossSettings(reference=weight))(network, batch, 0)["masks"].item()
        for weight in (0.0, 1.0, 2.0)
    ]
    assert losses[2] - losses[1] == pytest.approx(losses[1] - losses[0], rel=1e-4)
    assert losses[1] > losses[0]


def test_frames_without_logits_do_not_count() -> None:
    logits = [None, torch.ones(1), torch.ones(1)]
    assert clip_loss(logits, lambda t, x: x.sum() * t, reference=5.0).item() == 3
    logits[0] = torch.ones(1)
    assert clip_loss(logits, lambda t, x: x.sum() * (t + 1), reference=5.0).item() == 10


def test_there_is_no_other_regime() -> None:
    with pytest.raises(InputError, match="regime: expected points, masks, pseudo_masks, hybrid"):
        step_of("boxes", PLAIN)  # type: ignore[arg-type]
