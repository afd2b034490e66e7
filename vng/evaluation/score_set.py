"""Scoring a folder of predicted masks on a whole set."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.progress import progress
from vng.data.statistics import NarratedSet
from vng.evaluation.expression_scores import VngScores, score_expression
from vng.evaluation.result_folder import read_result, result_files


@dataclass(frozen=True)
class _Masks:
    """The predicted masks of an expression, by the index of their frame."""

    files: Sequence[Path]

    def __call__(self, frame: int) -> NDArray[np.bool_]:
        return read_result(self.files[frame])


def score_results(narrated: NarratedSet, predictions: str | Path) -> VngScores:
    """Score the masks of every expression of a set.

    Args:
        narrated: with the true masks.
        predictions: in the official layout, see `vng.evaluation.result_folder`.

    Raises:
        FileNotFoundError: the folder or the masks of an expression are missing.
        InputError: a mask is damaged, missing or of another size than the true one, the masks of an
            object are in no file, or the set has no expressions.
    """
    root = Path(predictions)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a folder of predicted masks, found none")
    scored = []
    for video, number, expression in progress(
        list(narrated), description="scoring", unit="expression"
    ):
        files = result_files(root, video, number)
        truth = narrated.masks(video, expression.obj_id)
        scored.append(score_expression(video, number, expression, truth, _Masks(files)))
    if not scored:
        raise InputError("expected expressions in the set, found none")
    return VngScores(tuple(scored))
