"""How deep inside a mask its pixels lie."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def depth_inside(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Euclidean distance of each pixel to what is outside, the area beyond the image included.

    Args:
        mask: bool [H, W].

    Returns:
        float32 [H, W] in pixels; 0 outside of the mask.
    """
    framed = np.pad(mask.astype(np.uint8), 1)
    depth = cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(depth[1:-1, 1:-1], dtype=np.float32)
