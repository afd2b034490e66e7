"""The coordinate convention, and everything that depends on it.

A position is (x, y) in *continuous* pixels: the image spans [0, W] x [0, H] and the pixel in
column i, row j covers [i, i + 1) x [j, j + 1), so that its centre is (i + 0.5, j + 0.5). This is
what ``align_corners=False`` means in torch and what a change of resolution leaves intact: a
position on an image of width W lies at x * W' / W on the same image at width W'. The integer pairs
of a Point-VOS file name pixels; they enter through `pixel_centres` and leave through `pixels_at`.

All affine maps here are 2x3 float matrices that act on continuous (x, y).
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

PIXEL_CENTRE = 0.5


def pixel_centres(pixels: NDArray[np.integer]) -> NDArray[np.float32]:
    """Continuous positions of the centres of integer (x, y) pixels.

    >>> pixel_centres(np.array([[0, 3]]))
    array([[0.5, 3.5]], dtype=float32)
    """
    return np.asarray(pixels, dtype=np.float32) + np.float32(PIXEL_CENTRE)


def pixels_at(xy: NDArray[np.floating]) -> NDArray[np.int64]:
    """The integer (x, y) pixels that continuous positions fall into."""
    return np.floor(np.asarray(xy)).astype(np.int64)


def inside(xy: NDArray[np.floating], height: int, width: int) -> NDArray[np.bool_]:
    """Which of the positions [P, 2] lie on an image of the given size; bool [P]."""
    x, y = xy[:, 0], xy[:, 1]
    return (x >= 0) & (x < width) & (y >= 0) & (y < height)


def transform(xy: NDArray[np.floating], matrix: NDArray[np.floating]) -> NDArray[np.float32]:
    """Apply a 2x3 affine `matrix` to positions [P, 2]."""
    moved = np.asarray(xy, dtype=np.float64) @ matrix[:, :2].T + matrix[:, 2]
    return np.asarray(moved, dtype=np.float32)


def compose(*matrices: NDArray[np.floating]) -> NDArray[np.float64]:
    """One affine map that applies the given ones in order, first to last."""
    total = np.eye(3)
    for matrix in matrices:
        total = np.vstack([matrix, [0.0, 0.0, 1.0]]) @ total
    return total[:2]


def scaling(x_factor: float, y_factor: float) -> NDArray[np.float64]:
    """The map of a change of resolution."""
    return np.array([[x_factor, 0.0, 0.0], [0.0, y_factor, 0.0]])


def translation(x: float, y: float) -> NDArray[np.float64]:
    """The map that moves everything by (x, y)."""
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y]])


def horizontal_flip(width: float) -> NDArray[np.float64]:
    """The mirror image of an image of the given width."""
    return np.array([[-1.0, 0.0, width], [0.0, 1.0, 0.0]])


def warp(
    image: NDArray[np.uint8],
    matrix: NDArray[np.floating],
    height: int,
    width: int,
    *,
    nearest: bool = False,
    fill: tuple[int, int, int] | int = 0,
) -> NDArray[np.uint8]:
    """Resample `image` ([H, W] or [H, W, 3]) so that a position p moves to ``matrix @ p``.

    OpenCV puts pixel centres at integers; the shift by half a pixel on both sides makes its warp
    follow the convention of this module (without it every scaled image is off by a fraction of a
    pixel and nothing crashes).
    """
    to_cv = compose(
        translation(PIXEL_CENTRE, PIXEL_CENTRE), matrix, translation(-PIXEL_CENTRE, -PIXEL_CENTRE)
    )
    flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    warped = cv2.warpAffine(
        image, to_cv, (width, height), flags=flags, borderMode=cv2.BORDER_CONSTANT, borderValue=fill
    )
    return np.asarray(warped, dtype=np.uint8)


def rasterise(
    xy: NDArray[np.floating], height: int, width: int, radius: int = 0
) -> NDArray[np.bool_]:
    """Positions [P, 2] as a bool mask [H, W]; those outside the image leave no trace.

    With ``radius=0`` each point is the one pixel it falls into, as in the paper (appendix D);
    otherwise a filled disk of that many pixels around it.
    """
    mask = np.zeros((height, width), dtype=np.uint8)
    pixels = pixels_at(xy[inside(xy, height, width)])
    if radius == 0:
        mask[pixels[:, 1], pixels[:, 0]] = 1
    else:
        for x, y in pixels.tolist():
            cv2.circle(mask, (x, y), radius, 1, thickness=-1)
    return mask.astype(bool)
