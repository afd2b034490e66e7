"""How sure a network is of a mask, from its own probabilities."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def expected_iou(mask: NDArray[np.bool_], prob: NDArray[np.float32]) -> float:
    """The IoU of a mask with the object, as far as the probabilities of its pixels are right.

    The expected overlap over the expected union: the probability inside the mask, over the size of
    the mask and the probability outside. It falls both with doubt inside and with what may have
    been missed.

    Args:
        mask: bool [H, W].
        prob: float [H, W] in [0, 1], that a pixel belongs to the object.

    Returns:
        In [0, 1]; 0 for an empty mask.

    >>> expected_iou(np.array([[True, True, False]]), np.array([[1.0, 0.5, 0.5]], np.float32))
    0.6
    """
    inside = float(prob[mask].sum(dtype=np.float64))
    outside = float(prob.sum(dtype=np.float64)) - inside
    area = int(mask.sum())
    return min(1.0, inside / (area + max(0.0, outside))) if area else 0.0
