import math

import pytest
import torch
import torch.nn.functional as F

from pointvos.losses.bootstrapped_cross_entropy import (
    bootstrap_fraction,
    bootstrapped_cross_entropy,
)
from pointvos.losses.dice import dice_loss
from pointvos.losses.huberised_cross_entropy import huberised_cross_entropy


def draw_logits(*shape: int) -> torch.Tensor:
    return 3 * torch.randn(*shape, generator=torch.Generator().manual_seed(0))


def draw_target(classes: int, *shape: int) -> torch.Tensor:
    return torch.randint(classes, shape, generator=torch.Generator().manual_seed(1))


def test_bootstrap_schedule() -> None:
    assert [bootstrap_fraction(i) for i in (0, 19_999, 20_000, 70_000, 10**6)] == [
        1.0,
        1.0,
        1.0,
        0.15,
        0.15,
    ]
    assert bootstrap_fraction(15, start=10, end=20, final=0.5) == pytest.approx(0.75)


def test_bootstrapping_keeps_the_hardest_pixels_of_each_sample() -> None:
    logits, target = draw_logits(2, 3, 4, 5), draw_target(3, 2, 4, 5)
    pixels = F.cross_entropy(logits, target, reduction="none").flatten(1)
    hardest = pixels.sort(dim=1, descending=True).values[:, :5]
    found = bootstrapped_cross_entropy(logits, target, 0.25)
    torch.testing.assert_close(found, hardest.mean())
    torch.testing.assert_close(bootstrapped_cross_entropy(logits, target, 1.0), pixels.mean())


def test_bootstrapping_keeps_at_least_one_pixel() -> None:
    loss = bootstrapped_cross_entropy(draw_logits(1, 2, 2, 2), draw_target(2, 1, 2, 2), 0.01)
    assert math.isfinite(loss.item())


def test_huberised_is_cross_entropy_where_the_label_is_likely() -> None:
    logits = torch.tensor([2.0, 0.0]).view(1, 2, 1, 1)
    target = torch.zeros(1, 1, 1, dtype=torch.int64)
    assert huberised_cross_entropy(logits, target, 10.0).item() == pytest.approx(
        F.cross_entropy(logits, target).item()
    )


@pytest.mark.parametrize("tau", [2.0, 10.0])
def test_huberised_is_a_tangent_with_bounded_slope_where_it_is_unlikely(tau: float) -> None:
    prob = torch.tensor([1e-6, 0.5 / tau, 1 / tau], dtype=torch.float64, requires_grad=True)
    logits = torch.stack([prob.log(), (1 - prob).log()]).view(1, 2, 1, 3)
    target = torch.zeros(1, 1, 3, dtype=torch.int64)
    loss = huberised_cross_entropy(logits, target, tau, reduction="none")
    (slope,) = torch.autograd.grad(loss.sum(), prob)
    expected = 1 + math.log(tau) - tau * prob.detach()
    torch.testing.assert_close(loss.flatten().double(), expected, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(slope, torch.full_like(slope, -tau), rtol=1e-4, atol=0)


@pytest.mark.parametrize(
    ("tau", "reduction", "message"),
    [(1.0, "mean", "tau must be above 1, got 1.0"), (2.0, "sum", "'mean' or 'none', got 'sum'")],
)
def test_huberised_rejects_bad_arguments(tau: float, reduction: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        huberised_cross_entropy(
            draw_logits(1, 2, 2, 2), draw_target(2, 1, 2, 2), tau, reduction=reduction
        )


@pytest.mark.parametrize("fraction", [1.0, 0.5])
def test_unknown_pixels_have_no_loss_and_no_gradient(fraction: float) -> None:
    logits, target = draw_logits(1, 3, 4, 4).requires_grad_(), draw_target(3, 1, 4, 4)
    target[:, :2] = 255
    for loss in (
        bootstrapped_cross_entropy(logits, target, fraction),
        huberised_cross_entropy(logits, target),
    ):
        (gradient,) = torch.autograd.grad(loss, logits)
        assert gradient[:, :, :2].abs().max() == 0
        assert gradient[:, :, 2:].abs().max() > 0


def test_dice_of_perfect_and_of_disjoint_masks() -> None:
    target = torch.zeros(1, 1, 10, 10)
    target[..., :5] = 1
    assert dice_loss(target, target.bool()).item() == pytest.approx(0, abs=1e-6)
    assert dice_loss(1 - target, target).item() == pytest.approx(1 - 1 / 101)


def test_dice_counts_present_objects_only() -> None:
    target = torch.zeros(2, 2, 8, 8)
    target[:, 0, :4] = 1
    prob = torch.full_like(target, 0.3)
    present = torch.tensor([[True, False], [True, False]])
    expected = dice_loss(prob[:, :1], target[:, :1])
    torch.testing.assert_close(dice_loss(prob, target, present), expected)
    assert dice_loss(prob, target, torch.zeros_like(present)).item() == 0


def test_dice_of_an_absent_object_is_zero_when_nothing_is_predicted() -> None:
    empty = torch.zeros(1, 1, 4, 4)
    assert dice_loss(empty, empty).item() == 0
