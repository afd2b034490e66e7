"""Boxes: their two notations, what two of them share, those of masks.

Boxes are in parts of the image's width and height. "cxcywh" is (centre x, centre y, width, height),
which networks predict; "xyxy" is (left, top, right, bottom).
"""

import torch
from torch import Tensor

EPS = 1e-6  # of the published implementation; keeps boxes without area from dividing 0 by 0


def to_xyxy(boxes_cxcywh: Tensor) -> Tensor:
    """[..., 4] -> [..., 4].

    >>> to_xyxy(torch.tensor([0.5, 0.25, 0.5, 0.5])).tolist()
    [0.25, 0.0, 0.75, 0.5]
    """
    centre, size = boxes_cxcywh.split(2, dim=-1)
    return torch.cat([centre - size / 2, centre + size / 2], dim=-1)


def to_cxcywh(boxes_xyxy: Tensor) -> Tensor:
    """[..., 4] -> [..., 4].

    >>> to_cxcywh(torch.tensor([0.25, 0.0, 0.75, 0.5])).tolist()
    [0.5, 0.25, 0.5, 0.5]
    """
    first, second = boxes_xyxy.split(2, dim=-1)
    return torch.cat([(first + second) / 2, second - first], dim=-1)


def generalized_iou(one_xyxy: Tensor, other_xyxy: Tensor) -> Tensor:
    """Generalised intersection over union (Rezatofighi et al., CVPR 2019), box by box.

    Args:
        one_xyxy: float [..., 4], right of left and below top.
        other_xyxy: the same; shapes broadcast.

    Returns:
        float [...] in (-1, 1]: the IoU, less the share of the smallest box around both that
        belongs to neither.
    """
    common = torch.minimum(one_xyxy[..., 2:], other_xyxy[..., 2:]) - torch.maximum(
        one_xyxy[..., :2], other_xyxy[..., :2]
    )
    around = torch.maximum(one_xyxy[..., 2:], other_xyxy[..., 2:]) - torch.minimum(
        one_xyxy[..., :2], other_xyxy[..., :2]
    )
    shared, enclosing = common.clamp_min(0).prod(dim=-1), around.clamp_min(0).prod(dim=-1)
    union = _area(one_xyxy) + _area(other_xyxy) - shared
    iou = (shared + EPS) / (union + EPS)
    return iou - (enclosing - union + EPS) / (enclosing + EPS)


def mask_boxes(masks: Tensor, height: int | None = None, width: int | None = None) -> Tensor:
    """Boxes of masks, from the first to the last pixel with anything in it, as ReferFormer's are.

    They reach from pixel index to pixel index, so that a single pixel has a box without size.

    Args:
        masks: bool [..., H, W].
        height: of the image in pixels, where the masks are padded below; None: theirs.
        width: of the image in pixels, where the masks are padded on the right; None: theirs.

    Returns:
        cxcywh, float32 [..., 4]; zeros for empty masks.

    >>> mask = torch.zeros(4, 8, dtype=torch.bool)
    >>> mask[1:4, 2:7] = True
    >>> mask_boxes(mask).tolist()
    [0.5, 0.5, 0.5, 0.5]
    """
    width, height = width or masks.shape[-1], height or masks.shape[-2]
    left, right = _first_and_last(masks.any(dim=-2))
    top, bottom = _first_and_last(masks.any(dim=-1))
    corners = torch.stack([left / width, top / height, right / width, bottom / height], dim=-1)
    return to_cxcywh(corners) * masks.flatten(-2).any(dim=-1)[..., None]


def _first_and_last(any_along: Tensor) -> tuple[Tensor, Tensor]:
    """Indices of the first and the last true element of the last axis, float32 [...]."""
    marks = any_along.to(torch.uint8)
    first = marks.argmax(dim=-1)
    last = any_along.shape[-1] - 1 - marks.flip(-1).argmax(dim=-1)
    return first.float(), last.float()


def _area(boxes_xyxy: Tensor) -> Tensor:
    return (boxes_xyxy[..., 2:] - boxes_xyxy[..., :2]).prod(dim=-1)
