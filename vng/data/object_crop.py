"""The object of a mask as a classifier sees it: in a square around it, alone or as it stands."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry

MARGIN = 1.15  # side of the square as a multiple of the longer side of the object's box
GRAY = 127  # what the classifier's normalisation makes 0


def object_crop(
    rgb: NDArray[np.uint8], mask: NDArray[np.bool_], side: int, *, alone: bool
) -> NDArray[np.uint8]:
    """The square around an object; what lies outside the image is gray.

    Args:
        rgb: the image, uint8 [H, W, 3].
        mask: the object, bool [H, W].
        side: of the picture, in pixels.
        alone: whether all but the object is gray.

    Returns:
        uint8 RGB [side, side, 3].

    Raises:
        ValueError: the mask is empty or of another size.
    """
    if mask.shape != rgb.shape[:2] or not mask.any():
        raise ValueError(
            f"expected a mask {rgb.shape[:2]} with an object, found {mask.shape} with "
            f"{int(mask.sum())} pixels"
        )
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    shown = np.where(mask[..., None], rgb, np.uint8(GRAY)) if alone else rgb
    scale = side / (MARGIN * max(bottom - top, right - left))
    centre = (left + right) / 2, (top + bottom) / 2
    factors = 1.0, 1.0
    if scale < 1:  # average, or the warp would skip pixels
        height, width = mask.shape
        size = max(1, round(width * scale)), max(1, round(height * scale))
        shown = np.asarray(cv2.resize(shown, size, interpolation=cv2.INTER_AREA), np.uint8)
        factors = width / size[0], height / size[1]
    matrix = geometry.compose(
        geometry.scaling(*factors),
        geometry.translation(-centre[0], -centre[1]),
        geometry.scaling(scale, scale),
        geometry.translation(side / 2, side / 2),
    )
    return geometry.warp(shown, matrix, side, side, fill=(GRAY,) * 3)
