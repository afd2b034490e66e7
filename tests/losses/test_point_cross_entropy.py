import math

import pytest
import torch
from torch import Tensor

from pointvos.core.sampling import sample_at_points
from pointvos.losses.point_cross_entropy import point_cross_entropy


def ramp(height: int, width: int) -> Tensor:
    """Object probability that grows linearly with x, [1, 2, H, W], background first."""
    prob = ((torch.arange(width) + 0.5) / width).expand(height, width)
    return torch.stack([1 - prob, prob])[None]


def test_sampling_at_pixel_centres_gives_the_pixels() -> None:
    values = torch.arange(12.0).reshape(1, 1, 3, 4)
    xy = torch.tensor([[[0.5, 0.5], [3.5, 0.5], [2.5, 2.5]]])
    torch.testing.assert_close(sample_at_points(values, xy)[0, 0], torch.tensor([0.0, 3.0, 10.0]))


def test_sampling_between_centres_interpolates_and_the_border_holds() -> None:
    values = torch.arange(12.0).reshape(1, 1, 3, 4)
    xy = torch.tensor([[[1.0, 0.5], [0.5, 1.25], [0.0, 0.0], [4.0, 3.0]]])
    expected = torch.tensor([0.5, 3.0, 0.0, 11.0])
    torch.testing.assert_close(sample_at_points(values, xy)[0, 0], expected)


def test_interpolates_probabilities_at_exact_positions() -> None:
    xy = torch.tensor([[[2.0, 1.5], [7.25, 0.5]]])
    loss = point_cross_entropy(
        ramp(4, 10), xy, torch.tensor([[1, 0]]), torch.ones(1, 2, dtype=torch.bool)
    )
    assert loss.item() == pytest.approx((-math.log(0.2) - math.log(1 - 0.725)) / 2, rel=1e-5)


def test_mean_over_points_of_a_sample_then_over_samples() -> None:
    prob = ramp(4, 10).expand(3, -1, -1, -1)
    xy = torch.full((3, 4, 2), 2.0)
    classes = torch.tensor([[1, 1, 1, 1], [0, -1, -1, -1], [-1, -1, -1, -1]])
    loss = point_cross_entropy(prob, xy, classes, classes >= 0)
    # Four points weigh as much as one; the sample without points does not count.
    assert loss.item() == pytest.approx((-math.log(0.2) - math.log(0.8)) / 2, rel=1e-5)


@pytest.mark.parametrize("points", [0, 3])
def test_no_valid_point_gives_zero_loss_and_zero_gradient(points: int) -> None:
    prob = ramp(4, 10).requires_grad_()
    xy = torch.full((1, points, 2), float("nan"))
    classes = torch.full((1, points), -1)
    loss = point_cross_entropy(prob, xy, classes, torch.zeros(1, points, dtype=torch.bool))
    (gradient,) = torch.autograd.grad(loss, prob)
    assert loss.item() == 0
    assert torch.equal(gradient, torch.zeros_like(prob))


def test_padding_changes_neither_loss_nor_gradient() -> None:
    prob = ramp(4, 10).requires_grad_()
    xy, classes = torch.tensor([[[2.0, 1.5]]]), torch.tensor([[1]])
    padded_xy = torch.cat([xy, torch.full((1, 2, 2), float("inf"))], dim=1)
    padded_classes = torch.tensor([[1, -1, 99]])
    valid = torch.tensor([[True, False, False]])
    plain = point_cross_entropy(prob, xy, classes, valid[:, :1])
    padded = point_cross_entropy(prob, padded_xy, padded_classes, valid)
    assert padded.item() == pytest.approx(plain.item())
    gradients = [torch.autograd.grad(loss, prob)[0] for loss in (plain, padded)]
    torch.testing.assert_close(gradients[0], gradients[1])


def test_background_point_pushes_every_object_away() -> None:
    logits = torch.zeros(1, 3, 4, 4, requires_grad=True)
    xy, background = torch.tensor([[[1.5, 1.5]]]), torch.tensor([[0]])
    valid = torch.ones(1, 1, dtype=torch.bool)
    loss = point_cross_entropy(logits.softmax(dim=1), xy, background, valid)
    (gradient,) = torch.autograd.grad(loss, logits)
    assert loss.item() == pytest.approx(math.log(3), rel=1e-5)
    torch.testing.assert_close(gradient[0, :, 1, 1], torch.tensor([-2 / 3, 1 / 3, 1 / 3]))
    assert gradient.abs().sum().item() == pytest.approx(4 / 3, rel=1e-5)


def test_impossible_class_stays_finite() -> None:
    prob = torch.tensor([1.0, 0.0])[None, :, None, None].expand(1, 2, 4, 4)
    one = torch.ones(1, 1, dtype=torch.int64)
    loss = point_cross_entropy(prob, torch.full((1, 1, 2), 2.0), one, one.bool())
    assert math.isfinite(loss.item())
