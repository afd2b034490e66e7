"""Masks at the size of a smaller picture."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

_HALF = 0.5 - 1e-3  # exact halves come out of the resizing a little above or below


def smaller_mask(mask: NDArray[np.bool_], height: int, width: int) -> NDArray[np.bool_]:
    """A mask in another size; never empty where the mask is not.

    A pixel is of the mask where at least half of it is covered, or, of a mask that covers no pixel
    by half, where it is covered most.

    Args:
        mask: bool [H, W].
        height: of the result, in pixels; not above H.
        width: of the result, in pixels; not above W.

    Returns:
        bool [height, width].
    """
    if mask.shape == (height, width):
        return mask.copy()
    covered = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
    least = min(_HALF, float(covered.max()))
    return np.asarray((covered >= least) & (covered > 0), np.bool_)
