"""Masks held for later, at one bit a pixel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class PackedMasks(NamedTuple):
    """Masks of one width, eight pixels of a row in a byte.

    Attributes:
        rows: uint8 [..., H, W / 8 rounded up].
        width: W, in pixels.
    """

    rows: NDArray[np.uint8]
    width: int

    @classmethod
    def of(cls, masks: NDArray[np.bool_]) -> PackedMasks:
        """Pack masks, bool [..., H, W].

        >>> PackedMasks.of(np.ones((2, 4, 9), bool)).rows.shape
        (2, 4, 2)
        """
        return cls(np.packbits(masks, axis=-1), masks.shape[-1])

    def unpacked(self) -> NDArray[np.bool_]:
        """The masks, bool [..., H, W]."""
        return np.unpackbits(self.rows, axis=-1, count=self.width).astype(bool)
