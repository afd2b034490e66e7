"""Farthest-point sampling, the paper's alternative to random points (appendix A)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointvos.simulation.mask_depth import depth_inside


def farthest_points(
    mask: NDArray[np.bool_], count: int, *, min_distance: float = 0.0
) -> NDArray[np.int64]:
    """Choose up to `count` pixels, each the one farthest from those before it.

    The first is the centre of the mask: the pixel with the largest Euclidean distance to what is
    outside of it, the area beyond the image included. Of several equal ones the first in reading
    order is taken, so nothing is random.

    Args:
        mask: bool [H, W].
        count: how many points.
        min_distance: stop where no pixel is that far, in pixels, from all chosen ones.

    Returns:
        Integer pixels (x, y), int64 [P, 2] with P <= count; P >= 1 for a mask that is not empty.
    """
    rows, columns = np.nonzero(mask)
    if count <= 0 or not len(rows):
        return np.zeros((0, 2), dtype=np.int64)
    depth = depth_inside(mask)
    x, y = columns.astype(np.int64), rows.astype(np.int64)
    chosen = [int(np.argmax(depth[rows, columns]))]
    nearest = np.full(len(x), np.iinfo(np.int64).max)  # squared distance to the chosen ones
    while len(chosen) < count:
        last = chosen[-1]
        nearest = np.minimum(nearest, (x - x[last]) ** 2 + (y - y[last]) ** 2)
        farthest = int(np.argmax(nearest))
        if nearest[farthest] < max(min_distance**2, 1.0):
            break
        chosen.append(farthest)
    return np.stack([x[chosen], y[chosen]], axis=1)
