"""Masks of queries to masks of objects, and label maps."""

import torch

from pointvos.nn.interactive.mask_head import ABSENT_LOGIT, MaskHead, label_map, largest_of_each


def test_an_object_is_the_largest_of_its_queries() -> None:
    logits = torch.tensor([1.0, 4.0, 9.0, -3.0, 50.0]).reshape(1, 5, 1, 1).expand(-1, -1, 2, 3)
    owner = torch.tensor([[0, 0, -1, 1, 1]])
    valid = torch.tensor([[True, True, True, True, False]])
    found = largest_of_each(logits, owner, valid, objects=3)
    assert found[0, :, 0, 0].tolist() == [9.0, 4.0, -3.0, ABSENT_LOGIT]


def test_the_label_is_the_largest_after_enlarging() -> None:
    logits = torch.zeros(1, 3, 2, 2)
    logits[0, 1, :, 0] = 1.0
    logits[0, 2, :, 1] = 2.0
    labels = label_map(logits, 4, 6)
    assert labels.shape == (1, 4, 6)
    assert labels[0, 0].tolist() == [1, 1, 2, 2, 2, 2]


def test_unit_length_ignores_norms() -> None:
    torch.manual_seed(0)
    query, mask = torch.randn(1, 4, 8), torch.randn(1, 8, 3, 5)
    unit, raw = MaskHead(channels=8, unit_length=True), MaskHead(channels=8)
    logits = unit(query, unit.pixels(mask))
    torch.testing.assert_close(logits, unit(query, unit.pixels(50 * mask)))
    assert logits.abs().max() <= unit.log_scale.exp()
    torch.testing.assert_close(50 * raw(query, mask), raw(query, 50 * mask))
