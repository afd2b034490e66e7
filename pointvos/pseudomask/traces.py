"""Mouse traces as points, for backends that know only points."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def points_along(trace: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """`count` positions along a trace, float32 [count, 2].

    The path is cut into `count` pieces of equal length and the middle of each is taken: a mouse
    that rests somewhere adds no weight there, and the two ends, where a hand enters and leaves the
    object, are left out. A path without length gives its one position `count` times.

    >>> points_along(np.array([[0, 0], [8, 0]], np.float32), 2)
    array([[2., 0.],
           [6., 0.]], dtype=float32)
    """
    path = np.asarray(trace, dtype=np.float64)
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    middles = (np.arange(count) + 0.5) / count * travelled[-1]
    x, y = (np.interp(middles, travelled, path[:, axis]) for axis in (0, 1))
    return np.stack([x, y], axis=1).astype(np.float32)
