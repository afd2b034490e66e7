"""Agreement of neighbours of one colour."""

import math

import pytest
import torch

from pointvos.losses.color_affinity import at_stride, color_affinity_loss


def two_halves(height: int = 12, width: int = 16) -> torch.Tensor:
    """An image that is black on the left half and white on the right."""
    frames = torch.zeros(1, 3, height, width)
    frames[..., width // 2 :] = 1
    return frames


def test_a_boundary_on_the_image_edge_costs_nothing() -> None:
    frames = two_halves()
    prob = frames[:, :1].clone()
    assert color_affinity_loss(prob, frames).item() == pytest.approx(0, abs=1e-5)


def test_a_boundary_off_the_image_edge_costs_more_the_farther_it_cuts() -> None:
    frames = two_halves()
    off = torch.zeros(1, 1, 12, 16)
    off[..., 4:] = 1
    soft = 0.9 * off + 0.05
    assert color_affinity_loss(off, frames) > color_affinity_loss(soft, frames) > 0.01


def test_undecided_everywhere_costs_log_two() -> None:
    prob = torch.full((2, 1, 12, 16), 0.5)
    frames = torch.full((2, 3, 12, 16), 0.3)
    assert color_affinity_loss(prob, frames).item() == pytest.approx(math.log(2), abs=1e-6)


def test_absent_slots_do_not_count_and_gradients_are_finite() -> None:
    prob = torch.rand(2, 2, 12, 16, generator=torch.Generator().manual_seed(0)).requires_grad_()
    frames = torch.full((2, 3, 12, 16), 0.3)
    present = torch.tensor([[True, False], [True, False]])
    loss = color_affinity_loss(prob, frames, present)
    alone = color_affinity_loss(prob[:, :1], frames)
    assert loss.item() == pytest.approx(alone.item())
    loss.backward()
    assert prob.grad is not None
    assert torch.isfinite(prob.grad).all()
    assert prob.grad[:, 1].abs().max() == 0


def test_both_diagonals_are_compared() -> None:
    frames = torch.zeros(1, 3, 5, 5)
    prob = torch.zeros(1, 1, 5, 5)
    prob[..., 2, 2] = 1
    # The middle disagrees with all eight neighbours two pixels away; each pair costs -log(1e-6).
    pairs = 2 * 5 * 3 + 2 * 3 * 3
    assert color_affinity_loss(prob, frames).item() == pytest.approx(
        8 * -math.log(1e-6) / pairs, rel=1e-4
    )


def test_strided_maps_are_cell_means() -> None:
    prob, frames = torch.rand(1, 2, 8, 8), torch.rand(1, 3, 8, 8)
    small_prob, small_frames = at_stride(prob, frames, 4)
    assert small_prob.shape == (1, 2, 2, 2)
    assert small_frames[0, 0, 0, 0].item() == pytest.approx(frames[0, 0, :4, :4].mean().item())
