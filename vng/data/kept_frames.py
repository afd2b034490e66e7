"""Decoded frames at the size at which training keeps them, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import numpy as np
from numpy.typing import NDArray

from pointvos.datasets.readers import FrameCache, shrink, shrink_index
from pointvos.datasets.samples import AnnotatedFrame


class KeptFrames:
    """Frames by key, decoded once while the memory lasts, decoded again after that.

    Args:
        short_side: most pixels on the shorter side; None keeps frames as they are.
        cache_mb: memory for decoded frames, in MB (10^6 bytes).
    """

    def __init__(self, short_side: int | None, cache_mb: float) -> None:
        self.short_side = short_side
        self._cache = FrameCache(cache_mb)

    def rgb(self, key: Hashable, read: Callable[[], NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """The frame of `key`, uint8 RGB [H, W, 3]; `read` gives it at its own size."""

        def decode() -> AnnotatedFrame:
            return shrink(AnnotatedFrame(read(), None, {}), self.short_side)

        return self._cache.get(key, decode).rgb

    def indexed(self, key: Hashable, read: Callable[[], AnnotatedFrame]) -> AnnotatedFrame:
        """The frame of `key` with its index mask; `read` gives both at their own size."""
        return self._cache.get(key, lambda: shrink(read(), self.short_side))

    def mask(self, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """A mask of a frame, bool [H, W], at the size at which the frame is kept."""
        return shrink_index(mask.astype(np.uint8), self.short_side).astype(bool)
