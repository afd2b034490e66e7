"""Which frames of a video are annotated (paper, section 3.1 and appendix A)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FRAMES_PER_VIDEO = 10  # paper, section 3.1: results saturate there


def even_frames(available: int, count: int) -> NDArray[np.int64]:
    """Evenly spaced indices from the first to the last of `available` frames.

    >>> even_frames(90, 10)
    array([ 0, 10, 20, 30, 40, 49, 59, 69, 79, 89])

    Returns:
        int64 [min(available, count)], ascending, without repetition.
    """
    if count >= available:
        return np.arange(available)
    if count == 1:
        return np.zeros(1, dtype=np.int64)
    return np.linspace(0, available - 1, count).round().astype(np.int64)


def random_frames(available: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Random indices of `available` frames: int64 [min(available, count)], ascending, distinct."""
    return np.sort(rng.choice(available, size=min(available, count), replace=False))
