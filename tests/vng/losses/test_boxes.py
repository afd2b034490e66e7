"""Boxes: notations, generalised IoU, boxes of masks."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vng.losses.boxes import generalized_iou, mask_boxes, to_cxcywh, to_xyxy

# one, other, generalised IoU: xyxy
CASES = [
    ((0.0, 0.0, 0.5, 0.5), (0.0, 0.0, 0.5, 0.5), 1.0),
    ((0.0, 0.0, 0.5, 1.0), (0.25, 0.0, 0.75, 1.0), 1 / 3),  # overlap by half, nothing else around
    ((0.0, 0.0, 0.25, 1.0), (0.75, 0.0, 1.0, 1.0), -0.5),  # apart: half of the box around is empty
    ((0.0, 0.0, 0.5, 0.5), (0.5, 0.5, 1.0, 1.0), -0.5),  # touching corners
    ((0.0, 0.0, 1.0, 1.0), (0.5, 0.5, 0.5, 0.5), 0.0),  # one without size inside the other
    ((0.3, 0.3, 0.3, 0.3), (0.3, 0.3, 0.3, 0.3), 1 - 1e-6 / 1e-6),  # both without size: no 0 / 0
]


@pytest.mark.parametrize(("one", "other", "expected"), CASES)
def test_generalized_iou(one: tuple[float, ...], other: tuple[float, ...], expected: float) -> None:
    found = generalized_iou(torch.tensor(one), torch.tensor(other))
    assert found.item() == pytest.approx(expected, abs=1e-4)
    assert generalized_iou(torch.tensor(other), torch.tensor(one)).item() == found.item()


def test_generalized_iou_has_gradients_where_boxes_do_not_touch() -> None:
    box = torch.tensor([0.1, 0.1, 0.2, 0.2], requires_grad=True)
    generalized_iou(box, torch.tensor([0.7, 0.7, 0.9, 0.9])).backward()
    assert box.grad is not None
    assert box.grad.isfinite().all()
    assert (box.grad[2:] > 0).all()  # growing towards it helps


@settings(deadline=None)
@given(st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4))
def test_notations_are_inverse(values: list[float]) -> None:
    box = torch.tensor(values)
    torch.testing.assert_close(to_cxcywh(to_xyxy(box)), box, atol=1e-6, rtol=0)


def test_boxes_of_masks() -> None:
    masks = torch.zeros(2, 2, 10, 20, dtype=torch.bool)
    masks[0, 0, 2:7, 4:9] = True  # rows 2 .. 6, columns 4 .. 8
    masks[1, 0, 3, 5] = True
    masks[1, 1, 0, 0] = masks[1, 1, 9, 19] = True
    boxes = mask_boxes(masks)
    assert boxes[0, 0].tolist() == pytest.approx([6 / 20, 4 / 10, 4 / 20, 4 / 10])
    assert boxes[0, 1].tolist() == [0, 0, 0, 0]
    assert boxes[1, 0].tolist() == pytest.approx([5 / 20, 3 / 10, 0, 0])
    assert boxes[1, 1].tolist() == pytest.approx([9.5 / 20, 4.5 / 10, 19 / 20, 9 / 10])


def test_boxes_are_parts_of_the_image_not_of_its_padding() -> None:
    mask = torch.zeros(16, 32, dtype=torch.bool)
    mask[2:5, 4:9] = True
    padded = torch.nn.functional.pad(mask, (0, 16, 0, 16))
    assert mask_boxes(padded, 16, 32).equal(mask_boxes(mask))
