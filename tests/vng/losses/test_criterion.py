"""The sum of terms: zero where all is right, blind to what is not known, finite at the edges."""

import math

import pytest
import torch
from torch import Tensor

from tests.vng.losses.random_predictions import (
    Predictions,
    perfect_predictions,
    random_predictions,
    random_targets,
)
from vng.losses.criterion import (
    box_count,
    grounding_losses,
    layer_losses,
    map_loss,
    weighted_total,
)
from vng.losses.focal import focal_cross_entropy
from vng.losses.matching import match_queries
from vng.losses.targets import Targets

TERMS = {"ce", "bbox", "giou", "mask", "dice"}


def total(predictions: Predictions, targets: Targets) -> Tensor:
    return weighted_total(grounding_losses(predictions, [], targets))


def gradients(predictions: Predictions, targets: Targets) -> Predictions:
    return Predictions(*torch.autograd.grad(total(predictions, targets), list(predictions)))


def test_what_is_right_costs_nothing() -> None:
    targets = random_targets()
    targets.masks_BNTHW[0, 0, 1] = False
    targets = Targets.of_masks(targets.masks_BNTHW, targets.known_BNT, torch.tensor([[32, 48]] * 2))
    right = grounding_losses(perfect_predictions(targets, 3), [], targets)
    assert set(right) == TERMS
    # "giou" of two boxes without size is 0 by the published formula, so 1 of 11 frames costs 1.
    assert right.pop("giou").item() == pytest.approx(1 / 11, abs=1e-4)
    assert all(value.item() == pytest.approx(0, abs=1e-3) for value in right.values())
    wrong = grounding_losses(random_predictions(), [], targets)
    assert all(wrong[name] > right[name] + 0.05 for name in right)


def test_auxiliary_layers_are_numbered_and_weighted_alike() -> None:
    targets = random_targets()
    layers = [random_predictions(seed=seed) for seed in range(3)]
    losses = grounding_losses(layers[2], layers[:2], targets)
    assert set(losses) == TERMS | {f"{t}_0" for t in TERMS} | {f"{t}_1" for t in TERMS}
    expected = sum(total(layer, targets) for layer in layers)
    torch.testing.assert_close(weighted_total(losses), expected)
    only_dice = dict.fromkeys(TERMS, 0.0) | {"dice": 1.0}
    torch.testing.assert_close(
        weighted_total(losses, only_dice), losses["dice"] + losses["dice_0"] + losses["dice_1"]
    )


def test_terms_are_sums_over_nouns_by_the_number_of_boxes() -> None:
    targets, predictions = random_targets(), random_predictions()
    assert box_count(targets) == 12
    together = grounding_losses(predictions, [], targets)
    apart: dict[str, float] = dict.fromkeys(TERMS, 0.0)
    for b in range(2):
        for n in range(3):
            noun = slice(b, b + 1), slice(n, n + 1)
            alone = grounding_losses(
                Predictions(*(x[noun] for x in predictions)),
                [],
                Targets(*(x[noun] for x in targets)),
                boxes=12,
            )
            apart = {name: apart[name] + alone[name].item() for name in TERMS}
    assert {name: value.item() for name, value in together.items()} == pytest.approx(apart)


def test_nouns_without_masks_are_ignored_not_negative() -> None:
    targets, predictions = random_targets(), random_predictions()
    without = Targets(*(x[:, :2] for x in targets))
    expected = total(Predictions(*(x[:, :2] for x in predictions)), without)
    targets.known_BNT[:, 2] = False
    torch.testing.assert_close(total(predictions, targets), expected)
    for gradient in gradients(predictions, targets):
        assert not gradient[:, 2].any()
        assert gradient[:, :2].any()


def test_frames_nobody_annotated_are_ignored() -> None:
    targets, predictions = random_targets(), random_predictions()
    targets.known_BNT[:, :, 1] = False
    expected = total(
        Predictions(*(x[:, :, :1] for x in predictions)), Targets(*(x[:, :, :1] for x in targets))
    )
    torch.testing.assert_close(total(predictions, targets), expected)
    for gradient in gradients(predictions, targets):
        assert not gradient[:, :, 1].any()


def test_where_the_object_is_absent_no_query_is_it() -> None:
    targets = random_targets()
    targets.masks_BNTHW[:, :, 1] = False
    predictions = random_predictions()
    gradient = gradients(predictions, targets).logits_BNTQ
    assert (gradient[:, :, 1] > 0).all()  # all scores of that frame should fall
    matched = match_queries(predictions, targets)[:, :, None]
    assert (gradient[:, :, 0].gather(2, matched) < 0).all()


@pytest.mark.parametrize("known", [True, False])
def test_absent_everywhere_is_finite(known: bool) -> None:
    targets = random_targets()
    absent = Targets(
        torch.zeros_like(targets.masks_BNTHW),
        torch.zeros_like(targets.boxes_BNT4),
        torch.full_like(targets.known_BNT, known),
    )
    predictions = random_predictions()
    assert box_count(absent) == 1
    loss = total(predictions, absent)
    assert loss.isfinite()
    assert (loss > 0) == known
    for gradient in gradients(predictions, absent):
        assert gradient.isfinite().all()
        assert gradient.any() == known


def test_an_object_of_one_pixel_has_a_finite_loss_that_pulls_its_mask() -> None:
    targets = random_targets(batch=1, nouns=1, frames=1)
    masks = torch.zeros_like(targets.masks_BNTHW)
    masks[..., 17, 21] = True
    targets = Targets.of_masks(masks, targets.known_BNT, torch.tensor([[32, 48]]))
    assert targets.boxes_BNT4[0, 0, 0, 2:].tolist() == [0, 0]
    predictions = random_predictions(batch=1, nouns=1, frames=1)
    found = gradients(predictions, targets)
    assert all(gradient.isfinite().all() for gradient in found)
    query = int(match_queries(predictions, targets))
    pull = found.masks_BNTQHW[0, 0, 0, query]
    assert pull[17 // 4, 21 // 4] < 0
    assert int((pull < 0).sum()) == 1


def test_sizes_that_are_no_multiples_of_four() -> None:
    targets = random_targets(batch=1, nouns=1, frames=1)
    predictions = random_predictions(batch=1, nouns=1, frames=1)
    cut = targets._replace(masks_BNTHW=targets.masks_BNTHW[..., :30, :45])
    assert layer_losses(predictions, cut, torch.zeros(1, 1).long(), 1)["mask"].isfinite()


def test_focal_cross_entropy() -> None:
    logits, target = torch.tensor([0.0, 0.0, 3.0]), torch.tensor([1.0, 0.0, 1.0])
    sure = 1 / (1 + math.exp(-3))
    expected = [
        0.25 * 0.5**2 * math.log(2),
        0.75 * 0.5**2 * math.log(2),
        0.25 * (1 - sure) ** 2 * -math.log(sure),
    ]
    assert focal_cross_entropy(logits, target).tolist() == pytest.approx(expected, rel=1e-4)


def test_the_noun_map_is_compared_where_something_is_known() -> None:
    targets = random_targets(batch=1)
    known_BNT = torch.ones_like(targets.known_BNT)
    known_BNT[:, 1], known_BNT[:, 0, 1] = False, False
    targets = targets._replace(known_BNT=known_BNT)
    right = torch.where(targets.masks_BNTHW[..., 2::4, 2::4], 20.0, -20.0)
    assert map_loss(right, targets, 1.0) < 1e-4
    changed = right.clone()
    changed[:, 1], changed[:, 0, 1] = 5.0, 5.0  # of which nobody knows
    assert map_loss(changed, targets, 1.0) == map_loss(right, targets, 1.0)
    wrong = right.clone()
    wrong[:, 2] *= -1
    assert map_loss(wrong, targets, 1.0) > 10
    assert map_loss(wrong, targets, 2.0) == map_loss(wrong, targets, 1.0) / 2


def test_the_noun_map_of_an_absent_noun_is_driven_down() -> None:
    targets = random_targets(batch=1)
    targets = targets._replace(masks_BNTHW=torch.zeros_like(targets.masks_BNTHW))
    logits = torch.zeros(targets.masks_BNTHW[..., 2::4, 2::4].shape, requires_grad=True)
    map_loss(logits, targets, 1.0).backward()
    assert logits.grad is not None
    known = targets.known_BNT[..., None, None].expand_as(logits)
    assert (logits.grad[known] > 0).all()
    assert not logits.grad[~known].any()
