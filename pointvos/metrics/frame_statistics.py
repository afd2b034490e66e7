"""Mean, recall and decay of the scores of one object over the frames of a sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError

RECALL_THRESHOLD = 0.5  # DAVIS: a frame is recalled when its score is above
DECAY_BINS = 4  # DAVIS: decay is the first quarter's mean minus the last quarter's


class FrameStatistics(NamedTuple):
    """DAVIS statistics of per-frame scores, as fractions."""

    mean: float
    recall: float
    decay: float


def frame_statistics(values: NDArray[np.float64] | Sequence[float]) -> FrameStatistics:
    """Mean, recall and decay of per-frame scores in the order of the frames.

    Recall is the fraction of frames that score above 0.5. Decay is the mean of the first of four
    bins minus the mean of the last; neighbouring bins share their border frame and quarters are
    rounded half up, as in DAVIS. The official scorer keeps the borders in 8 bits and so loses the
    decay of 256 frames and more; here it is right for any length.

    Args:
        values: float [T], T >= 1. A NaN is left out of mean and decay and counts as a frame that
            was not recalled, as in the official scorer.

    Raises:
        InputError: there are no values.

    >>> frame_statistics([0.9, 0.7, 0.4, 0.2])
    FrameStatistics(mean=0.55, recall=0.5, decay=0.5)
    """
    scores = np.asarray(values, dtype=np.float64)
    if scores.ndim != 1 or not len(scores):
        raise InputError(f"scores of a sequence: expected at least one, found shape {scores.shape}")
    # The small addend turns numpy's half-to-even rounding into half up.
    borders = np.round(np.linspace(1, len(scores), DECAY_BINS + 1) + 1e-10).astype(np.int64) - 1
    first = scores[borders[0] : borders[1] + 1]
    last = scores[borders[-2] : borders[-1] + 1]
    return FrameStatistics(
        mean=_nanmean(scores),
        recall=float(np.mean(scores > RECALL_THRESHOLD)),
        decay=_nanmean(first) - _nanmean(last),
    )


def _nanmean(values: NDArray[np.float64]) -> float:
    """Mean of what is not NaN; NaN, without numpy's warning, when nothing else is there."""
    known = values[~np.isnan(values)]
    return float(np.mean(known)) if len(known) else float("nan")
