"""The expressions that scored worst, with what was predicted for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.mask_store.stored_mask import StoredMask
from vng.evaluation.evaluate import MethodResults
from vng.evaluation.expression_scores import ExpressionScores, VngScores
from vng.evaluation.grounded_video import pictured_frames
from vng.evaluation.open_set import EvaluationSet
from vng.evaluation.report_page import STRIPS, HardExpression, strip_of
from vng.evaluation.reports import worst_first
from vng.evaluation.result_folder import read_result, result_files

Predicted = Callable[[ExpressionScores, Sequence[int]], Mapping[int, StoredMask]]
"""An expression and frame indices -> the masks predicted there."""


def hardest(
    evaluated: EvaluationSet, scores: VngScores, predicted: Predicted
) -> list[tuple[HardExpression, NDArray[np.uint8]]]:
    """The worst expressions and their picture strips; none where there are no frames.

    Args:
        evaluated: the set.
        scores: of a method on it.
        predicted: gives its masks.

    Raises:
        FileNotFoundError: a frame is missing.
        InputError: a frame is damaged.
    """
    if evaluated.frames is None:
        return []
    found = []
    for one in worst_first(scores)[:STRIPS]:
        video = evaluated.narrated.videos[one.video]
        expression = video.expressions[one.expression]
        truth = evaluated.narrated.masks(video, expression.obj_id)
        hard = HardExpression(video, expression, one, truth, predicted(one, pictured_frames(truth)))
        found.append((hard, strip_of(hard, evaluated.frames)))
    return found


def of_method(results: MethodResults) -> Predicted:
    """The masks that a method made."""
    kept = {
        (one.scores.video, one.scores.expression): one.pictures
        for video in results.videos
        for one in video.expressions
    }
    return lambda one, frames: kept[one.video, one.expression]  # noqa: ARG005


def of_folder(evaluated: EvaluationSet, root: Path) -> Predicted:
    """The masks in a folder of results."""

    def read(one: ExpressionScores, frames: Sequence[int]) -> Mapping[int, StoredMask]:
        video = evaluated.narrated.videos[one.video]
        files = result_files(root, video, one.expression)
        return {
            t: StoredMask.from_mask(one.object_id, video.frames[t], read_result(files[t]))
            for t in frames
        }

    return read
