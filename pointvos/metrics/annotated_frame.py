"""One frame with ground truth, cropped to what matters and brought to plain labels."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.masks import VOID
from pointvos.metrics.boundary import boundary_radius
from pointvos.metrics.frame_scores import shared_box
from pointvos.metrics.rules import Missing, Objects, ScoringRules, Void

Labels = NDArray[np.uint8] | NDArray[np.bool_]


@dataclass(frozen=True)
class AnnotatedFrame:
    """Truth and prediction of a frame as label maps, void already dealt with.

    Attributes:
        name: of the frame, for messages and results.
        position: counts the annotated frames of a sequence from 0.
        ground_truth: uint8 [h, w], a copy of the part of the frame that is not background.
        prediction: uint8 [h, w], the same part; None when there is no prediction.
        ground_truth_labels: what occurs in it, without 0.
        prediction_labels: what was predicted, void pixels included, without 0.
        radius: boundary tolerance in pixels, from the size of the whole frame.
    """

    name: str
    position: int
    ground_truth: NDArray[np.uint8]
    prediction: NDArray[np.uint8] | None
    ground_truth_labels: frozenset[int]
    prediction_labels: frozenset[int]
    radius: int


def annotated_frame(
    name: str,
    position: int,
    ground_truth: Labels,
    prediction: Labels | None,
    rules: ScoringRules,
    where: str,
) -> AnnotatedFrame:
    """Check a frame and apply the rules about void, foreground and missing predictions.

    Raises:
        InputError: a mask is not uint8 or bool [H, W], or the sizes differ; the message begins
            with `where`.
    """
    _check(ground_truth, f"{where}: ground truth")
    true = ground_truth.view(np.uint8)
    predicted = None
    if prediction is not None:
        _check(prediction, f"{where}: prediction")
        if prediction.shape != ground_truth.shape:
            raise InputError(
                f"{where}: expected a prediction of the size of the ground truth, "
                f"{_size(ground_truth)}, found {_size(prediction)}; resize the prediction with "
                f"nearest neighbour"
            )
        predicted = prediction.view(np.uint8)
    elif rules.missing is Missing.EMPTY:
        predicted = np.zeros_like(true)

    height, width = ground_truth.shape
    box = shared_box(true) if predicted is None else shared_box(true, predicted)
    # Copies: the frame may wait until the next one arrives, in a buffer that the caller reuses.
    true = true[box].copy()
    predicted = None if predicted is None else predicted[box].copy()
    if predicted is not None and rules.objects is Objects.FOREGROUND:
        predicted = (predicted != 0).view(np.uint8)
    predicted_labels = frozenset[int]() if predicted is None else _labels(predicted)
    if rules.void is not Void.OBJECT:
        void = true == VOID
        true[void] = 0
        if rules.void is Void.EXCLUDE and predicted is not None:
            predicted[void] = 0
    if rules.objects is Objects.FOREGROUND:
        true = (true != 0).view(np.uint8)
    return AnnotatedFrame(
        name=name,
        position=position,
        ground_truth=true,
        prediction=predicted,
        ground_truth_labels=_labels(true),
        prediction_labels=predicted_labels,
        radius=boundary_radius(height, width, rules.bound_th),
    )


def _labels(mask: NDArray[np.uint8]) -> frozenset[int]:
    """The labels that occur in uint8 [h, w], without 0."""
    highest = int(mask.max(initial=0))
    if highest <= 1:  # one object or none: nearly every frame, and cheaper than a histogram
        return frozenset(range(1, highest + 1))
    counts = cv2.calcHist([mask], [0], None, [256], [0, 256]).ravel()
    return frozenset(int(label) for label in np.flatnonzero(counts) if label)


def _check(mask: Labels, what: str) -> None:
    if mask.ndim != 2 or mask.dtype not in (np.uint8, np.bool_):
        raise InputError(
            f"{what}: expected object labels as uint8 or bool [H, W], found {mask.dtype} of shape "
            f"{mask.shape}"
        )


def _size(mask: Labels) -> str:
    height, width = mask.shape
    return f"{width}x{height}"
