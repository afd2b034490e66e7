"""Region similarity J and boundary accuracy F of one predicted mask on one frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.metrics.boundary import (
    BOUND_TH,
    boundary_map,
    boundary_radius,
    pack_bits,
    spread_bits,
)


class FrameScore(NamedTuple):
    """J and F of one object on one frame, each in [0, 1]."""

    j: float
    f: float


def region_similarity(
    prediction: NDArray[np.bool_],
    ground_truth: NDArray[np.bool_],
    void: NDArray[np.bool_] | None = None,
) -> float:
    """J: the intersection of two masks over their union; 1 when both are empty.

    Args:
        prediction: bool [H, W].
        ground_truth: bool [H, W].
        void: bool [H, W], pixels that count for neither mask; None for none.

    Returns:
        A fraction in [0, 1]. The value does not change when the two masks change places.

    Raises:
        InputError: the masks differ in shape or are not bool.
    """
    prediction, ground_truth = _without_void(prediction, ground_truth, void)
    union = np.count_nonzero(prediction | ground_truth)
    return np.count_nonzero(prediction & ground_truth) / union if union else 1.0


def boundary_accuracy(
    prediction: NDArray[np.bool_],
    ground_truth: NDArray[np.bool_],
    void: NDArray[np.bool_] | None = None,
    *,
    bound_th: float = BOUND_TH,
) -> float:
    """F: harmonic mean of the precision and recall of boundary pixels, with a tolerance.

    A boundary pixel is matched when a boundary pixel of the other mask lies within the tolerance.
    Precision is the matched part of the predicted boundary, recall that of the true one. Without
    any boundary on either side F is 1, with one on a single side it is 0. A mask that covers the
    whole image has no boundary. Definition: DAVIS 2017 evaluation.

    Args:
        prediction: bool [H, W].
        ground_truth: bool [H, W].
        void: bool [H, W], pixels taken out of both masks first; None for none. (The edge of a void
            region that cuts a mask becomes a boundary, as in the official scorer.)
        bound_th: see `boundary_radius`.

    Returns:
        A fraction in [0, 1]. The value does not change when the two masks change places.

    Raises:
        InputError: the masks differ in shape or are not bool.
    """
    return score_frame(prediction, ground_truth, void, bound_th=bound_th).f


def score_frame(
    prediction: NDArray[np.bool_],
    ground_truth: NDArray[np.bool_],
    void: NDArray[np.bool_] | None = None,
    *,
    bound_th: float = BOUND_TH,
) -> FrameScore:
    """J and F together, cheaper than apart; arguments as in `boundary_accuracy`."""
    prediction, ground_truth = _without_void(prediction, ground_truth, void)
    height, width = ground_truth.shape
    return score_within(prediction, ground_truth, boundary_radius(height, width, bound_th))


def score_within(
    prediction: NDArray[np.bool_], ground_truth: NDArray[np.bool_], radius: int
) -> FrameScore:
    """`score_frame` with the tolerance in pixels, for masks that are crops of larger ones."""
    box = shared_box(prediction, ground_truth)
    return compare(describe(prediction[box], radius), describe(ground_truth[box], radius))


def shared_box(*masks: NDArray[np.bool_] | NDArray[np.uint8]) -> tuple[slice, slice]:
    """The smallest (rows, columns) that hold what is not 0 in any mask, and their boundaries.

    One more row and column than the pixels themselves need, where the image has them: boundary
    pixels lie one to the left of and above a mask, and with a background margin a crop has the
    same boundary as the whole. The box is empty when all masks are.
    """
    height, width = masks[0].shape
    boxes = [cv2.boundingRect(mask.view(np.uint8)) for mask in masks]
    filled = [(x, y, x + w, y + h) for x, y, w, h in boxes if w]
    if not filled:
        return slice(0, 0), slice(0, 0)
    left, top, right, bottom = zip(*filled, strict=True)
    return (
        slice(max(min(top) - 1, 0), min(max(bottom) + 1, height)),
        slice(max(min(left) - 1, 0), min(max(right) + 1, width)),
    )


@dataclass(frozen=True)
class MaskDescription:
    """What comparing a mask needs, worked out once: pixel sets as bits (see `boundary`)."""

    pixels: int
    boundary: int
    near_boundary: int


def describe(mask: NDArray[np.bool_], radius: int) -> MaskDescription:
    """Describe a bool mask [H, W] for `compare`, with boundaries matching up to `radius` pixels."""
    if not mask.any():
        return MaskDescription(0, 0, 0)
    stride = mask.shape[1] + radius
    boundary = pack_bits(boundary_map(mask), stride)
    return MaskDescription(
        pixels=pack_bits(mask, stride),
        boundary=boundary,
        near_boundary=spread_bits(boundary, stride, radius),
    )


def compare(prediction: MaskDescription, ground_truth: MaskDescription) -> FrameScore:
    """J and F of two masks that were described with the same shape and radius."""
    union = (prediction.pixels | ground_truth.pixels).bit_count()
    common = (prediction.pixels & ground_truth.pixels).bit_count()
    return FrameScore(j=common / union if union else 1.0, f=_boundary_f(prediction, ground_truth))


def _boundary_f(prediction: MaskDescription, ground_truth: MaskDescription) -> float:
    predicted = prediction.boundary.bit_count()
    true = ground_truth.boundary.bit_count()
    if not predicted or not true:
        return 1.0 if predicted == true else 0.0
    precision = (prediction.boundary & ground_truth.near_boundary).bit_count() / predicted
    recall = (ground_truth.boundary & prediction.near_boundary).bit_count() / true
    if precision + recall == 0:
        return 0.0
    return 2 * precision * recall / (precision + recall)


def _without_void(
    prediction: NDArray[np.bool_],
    ground_truth: NDArray[np.bool_],
    void: NDArray[np.bool_] | None,
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both masks with the void pixels set to background, after checking that they fit together."""
    masks = {"prediction": prediction, "ground truth": ground_truth, "void mask": void}
    for what, mask in masks.items():
        if mask is not None and (
            mask.dtype != np.bool_ or mask.ndim != 2 or mask.shape != ground_truth.shape
        ):
            raise InputError(
                f"{what}: expected bool [H, W] of shape {ground_truth.shape}, found {mask.dtype} "
                f"of shape {mask.shape}"
            )
    if void is None:
        return prediction, ground_truth
    return prediction & ~void, ground_truth & ~void
