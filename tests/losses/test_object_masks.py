"""Losses of masks that compete: against their definition, unknown pixels, gradients."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.losses.object_masks import dense_mask_loss, object_margins, sampled_mask_loss

B, OBJECTS, H, W = 2, 2, 16, 24
PRESENT = torch.tensor([[True, True], [True, False]])


def draw(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Logits at a quarter of the size, masks of blocks that touch, and what is known of them."""
    rng = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(B, 1 + OBJECTS, H // 4, W // 4, generator=rng)
    target = torch.zeros(B, OBJECTS, H, W, dtype=torch.bool)
    target[:, 0, 2:11, 3:13] = True
    target[0, 1, 5:14, 13:22] = True
    known = torch.ones(B, H, W, dtype=torch.bool)
    known[:, :5, 7:16] = False
    return logits, target, known


def test_margins_are_what_softmax_decides() -> None:
    logits, _, _ = draw()
    margins = object_margins(logits)
    torch.testing.assert_close(margins.sigmoid(), logits.softmax(dim=1)[:, 1:])
    one = logits[:, :2]
    torch.testing.assert_close(object_margins(one)[:, 0], one[:, 1] - one[:, 0])
    assert object_margins(100 * logits).isfinite().all()


def test_the_dense_loss_by_its_definition() -> None:
    logits, target, known = draw()
    margins = object_margins(logits)
    found = dense_mask_loss(margins, target, known, PRESENT)
    entropy, dice, objects = 0.0, 0.0, 0
    for b in range(B):
        for o in range(OBJECTS):
            if not PRESENT[b, o]:
                continue
            objects += 1
            sums = dict.fromkeys(("weight", "entropy", "both", "either"), 0.0)
            for y in range(H // 4):
                for x in range(W // 4):
                    cell = slice(4 * y, 4 * y + 4), slice(4 * x, 4 * x + 4)
                    seen = known[b][cell]
                    weight = seen.float().mean().item()
                    if not weight:
                        continue
                    share = target[b, o][cell][seen].float().mean().item()
                    p = margins[b, o, y, x].sigmoid().clamp(1e-7, 1 - 1e-7)
                    loss = -(share * p.log() + (1 - share) * (1 - p).log()).item()
                    sums["weight"] += weight
                    sums["entropy"] += weight * loss
                    sums["both"] += weight * p.item() * weight * share
                    sums["either"] += weight * p.item() + weight * share
            entropy += sums["entropy"] / sums["weight"]
            dice += 1 - (2 * sums["both"] + 1) / (sums["either"] + 1)
    assert found.cross_entropy.item() == pytest.approx(entropy / objects, rel=1e-4)
    assert found.dice.item() == pytest.approx(dice / objects, rel=1e-4)


def test_many_points_without_importance_give_the_dense_loss() -> None:
    _, target, known = draw()
    rng = torch.Generator().manual_seed(5)
    # Logits at full size that are equal in cells, so that interpolation matters at borders only.
    margins = F.interpolate(3 * torch.randn(B, OBJECTS, 2, 3, generator=rng), size=(H, W))
    dense = dense_mask_loss(margins, target, known, PRESENT)
    sampled = sampled_mask_loss(
        margins, target, known, PRESENT, points=40_000, importance=0.0, rng=rng
    )
    assert sampled.cross_entropy.item() == pytest.approx(dense.cross_entropy.item(), rel=0.06)
    assert sampled.dice.item() == pytest.approx(dense.dice.item(), rel=0.06)


@pytest.mark.parametrize("kind", [dense_mask_loss, sampled_mask_loss])
def test_where_there_is_a_gradient(kind: object) -> None:
    """Not at unknown pixels, not of absent objects; a perfect mask has next to no loss."""
    assert callable(kind)
    logits, target, known = draw()
    margins = F.interpolate(object_margins(logits), size=(H, W)).requires_grad_()
    changed = target ^ ~known[:, None]  # what nobody knows makes no difference
    losses = []
    for truth in (target, changed):
        options = {"rng": torch.Generator().manual_seed(3)} if kind is sampled_mask_loss else {}
        loss = sum(kind(margins, truth, known, PRESENT, **options))
        losses.append(loss.item())
        (gradient,) = torch.autograd.grad(loss, margins)
        assert gradient[1, 1].abs().max() == 0
        deep_unknown = gradient[:, :, :4, 8:15]  # one pixel in: interpolation reaches its border
        assert deep_unknown.abs().max() == 0
        assert (gradient[0].flatten(1).abs().amax(dim=1) > 0).all()
    assert losses[0] == losses[1]
    perfect = (target.float() * 2 - 1) * 20
    assert max(dense_mask_loss(perfect, target, known, PRESENT)) < 1e-2


def test_points_are_drawn_where_the_mask_is_uncertain() -> None:
    """With importance, an error on the uncertain line weighs far more than its area."""
    target = torch.zeros(1, 1, 32, 32, dtype=torch.bool)
    known = torch.ones(1, 32, 32, dtype=torch.bool)
    margins = torch.full((1, 1, 32, 32), -20.0)
    margins[..., 16] = 0.0
    rng = torch.Generator().manual_seed(0)
    present = torch.ones(1, 1, dtype=torch.bool)
    even = sampled_mask_loss(margins, target, known, present, points=300, importance=0.0, rng=rng)
    keen = sampled_mask_loss(margins, target, known, present, points=300, importance=0.75, rng=rng)
    assert keen.cross_entropy > 2 * even.cross_entropy


def test_no_object_no_loss() -> None:
    logits, target, known = draw()
    nobody = torch.zeros(B, OBJECTS, dtype=torch.bool)
    for kind in (dense_mask_loss, sampled_mask_loss):
        assert sum(kind(object_margins(logits), target, known, nobody)) == 0
