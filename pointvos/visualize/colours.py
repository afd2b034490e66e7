"""One colour per object: the DAVIS palette, so that pictures and mask files look alike."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointvos.core.masks import davis_palette

Colour = tuple[int, int, int]
"""Red, green, blue, 0 .. 255."""

WHITE: Colour = (255, 255, 255)
BLACK: Colour = (0, 0, 0)

PALETTE: NDArray[np.uint8] = davis_palette()

# Weights of red, green and blue in brightness (ITU-R BT.601).
_LUMA = np.array([0.299, 0.587, 0.114])


def object_colour(object_id: int) -> Colour:
    """The colour of an object, the same as in a mask file."""
    red, green, blue = PALETTE[object_id].tolist()
    return red, green, blue


def contrasting(colour: Colour) -> Colour:
    """White beside a dark colour, black beside a light one.

    >>> contrasting((128, 0, 0)), contrasting((224, 224, 192))
    ((255, 255, 255), (0, 0, 0))
    """
    return WHITE if float(_LUMA @ np.array(colour)) < 140 else BLACK
