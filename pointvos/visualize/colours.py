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

# Weights of linear red, green and blue in relative luminance, and the luminance on which white and
# black have the same contrast, (1.05 / (L + 0.05) = (L + 0.05) / 0.05) (WCAG 2).
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722])
_EQUAL_CONTRAST = (1.05 * 0.05) ** 0.5 - 0.05


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


def legible_on(colour: Colour) -> Colour:
    """White or black, whichever reads better as text on a colour.

    The contrast by the rule of WCAG 2 is at least 4.5 on every colour.

    >>> legible_on((128, 0, 0)), legible_on((128, 128, 0))
    ((255, 255, 255), (0, 0, 0))
    """
    return WHITE if _luminance(colour) < _EQUAL_CONTRAST else BLACK


def _luminance(colour: Colour) -> float:
    """Relative luminance of a colour in sRGB, 0 .. 1 (WCAG 2)."""
    part = np.array(colour) / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    return float(_LUMINANCE @ linear)
