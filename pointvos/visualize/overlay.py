"""A segmentation drawn over its frame."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.masks import MAX_OBJECT_ID, object_ids
from pointvos.core.points import Points
from pointvos.visualize.colours import PALETTE, contrasting, object_colour
from pointvos.visualize.legend import draw_legend
from pointvos.visualize.marks import draw_points


def overlay(
    rgb: NDArray[np.uint8],
    index_mask: NDArray[np.uint8],
    *,
    points: Mapping[int, Points] | None = None,
    names: Mapping[int, str] | None = None,
    opacity: float = 0.45,
) -> NDArray[np.uint8]:
    """Draw objects over a frame: a soft fill and a crisp contour in the colour of each.

    Args:
        rgb: the frame, uint8 RGB [H, W, 3]; it is not changed.
        index_mask: object ids, uint8 [H, W]; 0 (background) and 255 (void) are not drawn.
        points: object id to annotated points in pixels of the frame, drawn on top.
        names: object id to name, for a legend; None or empty for no legend.
        opacity: of the fill, 0 (contours alone) to 1.

    Returns:
        The picture, uint8 RGB [H, W, 3].

    Raises:
        ValueError: frame and mask differ in size, or the opacity is not in 0 .. 1.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or index_mask.shape != rgb.shape[:2]:
        raise ValueError(
            f"overlay: expected a frame [H, W, 3] and a mask [H, W], found {rgb.shape} and "
            f"{index_mask.shape}"
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f"overlay: expected an opacity in 0 .. 1, found {opacity}")
    picture = rgb.copy()
    colours = cv2.LUT(cv2.merge([index_mask] * 3), PALETTE[None])
    mixed = cv2.addWeighted(rgb, 1 - opacity, colours, opacity, 0)
    drawn = ((index_mask > 0) & (index_mask <= MAX_OBJECT_ID)).astype(np.uint8)
    cv2.copyTo(mixed, drawn, picture)
    for object_id in object_ids(index_mask):
        _draw_contour(picture, index_mask == object_id, object_id)
    if names:
        draw_legend(picture, names)
    for object_id, of_object in (points or {}).items():
        draw_points(picture, of_object, object_colour(object_id))
    return picture


def _draw_contour(picture: NDArray[np.uint8], mask: NDArray[np.bool_], object_id: int) -> None:
    """The outline of one mask, in place, with a contrasting line around it."""
    contours, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    colour = object_colour(object_id)
    thickness = contour_thickness(*mask.shape)
    cv2.drawContours(picture, contours, -1, contrasting(colour), thickness + 2, cv2.LINE_AA)
    cv2.drawContours(picture, contours, -1, colour, thickness, cv2.LINE_AA)


def contour_thickness(height: int, width: int) -> int:
    """The width in pixels of the coloured contour on a picture of this size."""
    return max(2, round(min(height, width) / 240))
