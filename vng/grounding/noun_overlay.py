"""The masks of several nouns drawn over a frame; unlike objects, nouns may overlap.

Shape legend: N nouns, H W height and width of the frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from statistics import NormalDist
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.masks import MAX_OBJECT_ID
from pointvos.visualize.colours import PALETTE, contrasting, object_colour
from pointvos.visualize.overlay import contour_thickness

_STRIPES = 30  # across the shorter side, where nouns share pixels
_HALO_PX = 1.0  # the contrasting line on each side of a contour
_BLUR = 0.7  # of the width of a contour; it smooths the stairs of an outline
_ROUNDING = 0.05  # pixels that a distance is off by, as blurred masks have 256 values


class _Shape(NamedTuple):
    """A noun that is on the frame: its colour, where it is, and its pixels there."""

    palette_index: int
    box: tuple[slice, slice]
    mask: NDArray[np.bool_]


def noun_overlay(
    rgb: NDArray[np.uint8],
    masks_NHW: NDArray[np.bool_],
    palette_indices: Sequence[int],
    *,
    opacity: float = 0.45,
) -> NDArray[np.uint8]:
    """Draw nouns over a frame: a soft fill and a smooth contour in the colour of each.

    Where nouns share pixels, they take turns in diagonal stripes: a mixed colour would be that of
    neither, and may be that of a third noun. All contours lie on top of all fills, and where
    contours coincide they take turns as well, so two nouns with one mask are both seen.

    Args:
        rgb: the frame, uint8 RGB [H, W, 3]; it is not changed.
        masks_NHW: bool [N, H, W]; they may overlap.
        palette_indices: of each noun, 1 .. 254.
        opacity: of the fill, 0 (contours alone) to 1.

    Returns:
        The picture, uint8 RGB [H, W, 3].

    Raises:
        ValueError: sizes or numbers do not agree, or a value is out of its range.
    """
    _check(rgb, masks_NHW, palette_indices, opacity)
    shapes = _shapes(masks_NHW, palette_indices, margin=2 * contour_thickness(*rgb.shape[:2]) + 2)
    picture = rgb.copy()
    _fill(picture, shapes, opacity)
    _draw_contours(picture, shapes)
    return picture


def _check(
    rgb: NDArray[np.uint8],
    masks_NHW: NDArray[np.bool_],
    palette_indices: Sequence[int],
    opacity: float,
) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or masks_NHW.shape[1:] != rgb.shape[:2]:
        raise ValueError(
            f"overlay: expected a frame [H, W, 3] and masks [N, H, W], found {rgb.shape} and "
            f"{masks_NHW.shape}"
        )
    if len(palette_indices) != len(masks_NHW):
        raise ValueError(
            f"overlay: expected a palette index for each of {len(masks_NHW)} masks, found "
            f"{len(palette_indices)}"
        )
    if not all(1 <= index <= MAX_OBJECT_ID for index in palette_indices):
        raise ValueError(
            f"overlay: expected palette indices in 1 .. {MAX_OBJECT_ID}, found "
            f"{min(palette_indices)} .. {max(palette_indices)}"
        )
    if not 0 <= opacity <= 1:
        raise ValueError(f"overlay: expected an opacity in 0 .. 1, found {opacity}")


def _shapes(
    masks_NHW: NDArray[np.bool_], palette_indices: Sequence[int], *, margin: int
) -> list[_Shape]:
    """Of the nouns that have pixels; boxes leave a margin where the frame has one."""
    shapes = []
    for mask, index in zip(masks_NHW, palette_indices, strict=True):
        x, y, columns, rows = cv2.boundingRect(mask.view(np.uint8))
        if not columns:
            continue
        box = (
            slice(max(0, y - margin), y + rows + margin),
            slice(max(0, x - margin), x + columns + margin),
        )
        shapes.append(_Shape(index, box, mask[box]))
    return shapes


def _fill(picture: NDArray[np.uint8], shapes: Sequence[_Shape], opacity: float) -> None:
    owner = np.zeros(picture.shape[:2], np.uint8)  # palette index
    taken = np.zeros(picture.shape[:2], np.uint8)
    for shape in shapes:
        np.copyto(
            owner[shape.box],
            np.uint8(shape.palette_index),
            where=_turn(shape.mask, taken, shape.box),
        )
    colours = cv2.LUT(cv2.merge([owner] * 3), PALETTE[None])
    mixed = cv2.addWeighted(picture, 1 - opacity, colours, opacity, 0)
    cv2.copyTo(mixed, owner, picture)


def _draw_contours(picture: NDArray[np.uint8], shapes: Sequence[_Shape]) -> None:
    """A line of its colour around each noun, and a contrasting one, thinner, on both sides."""
    height, width = picture.shape[:2]
    thickness = contour_thickness(height, width)
    line_opacities = _opacities(thickness, thickness / 2)
    halo_opacities = _opacities(thickness, thickness / 2 + _HALO_PX)
    owner, taken, line, bright, halo = np.zeros((5, height, width), np.uint8)
    for shape in shapes:
        step = _blurred(shape.mask, thickness)
        of_line, of_halo = cv2.LUT(step, line_opacities), cv2.LUT(step, halo_opacities)
        turn = _turn(of_line > 0, taken, shape.box)
        np.copyto(owner[shape.box], np.uint8(shape.palette_index), where=turn)
        np.copyto(line[shape.box], of_line, where=turn)
        stronger = of_halo > halo[shape.box]
        np.copyto(halo[shape.box], of_halo, where=stronger)
        white = contrasting(object_colour(shape.palette_index))[0]
        np.copyto(bright[shape.box], np.uint8(white), where=stronger)
    touched = np.flatnonzero(halo)  # few pixels: their values are mixed as numbers
    flat = picture.reshape(-1, 3)
    pixels = flat[touched].astype(np.float32)
    for opacity, colour in (
        (halo, bright.ravel()[touched, None]),
        (line, PALETTE[owner.ravel()[touched]]),
    ):
        weight = opacity.ravel()[touched, None].astype(np.float32) / 255
        pixels += (colour - pixels) * weight
    flat[touched] = np.round(pixels).astype(np.uint8)


def _turn(
    mask: NDArray[np.bool_], taken: NDArray[np.uint8], box: tuple[slice, slice]
) -> NDArray[np.bool_]:
    """The pixels of a mask that are the noun's; `taken` counts the nouns before, in place.

    Of n that share a pixel, the last takes every n-th stripe and leaves the others as they are.
    """
    before = taken[box]
    turn = mask.copy()
    for count in range(1, int(before.max(initial=0)) + 1):
        others = (before == count) & ~_stripes(*taken.shape, count + 1)[box]
        turn &= ~others
    taken[box] = cv2.add(before, mask.view(np.uint8))  # stays at 255 where more share a pixel
    return turn


@lru_cache(maxsize=16)
def _stripes(height: int, width: int, every: int) -> NDArray[np.bool_]:
    """Every n-th diagonal stripe, bool [H, W]."""
    period = max(2, round(min(height, width) / _STRIPES))
    stripe = np.arange(height + width) // period % every == every - 1
    return np.stack([stripe[row : row + width] for row in range(height)])


def _blurred(mask: NDArray[np.bool_], thickness: int) -> NDArray[np.uint8]:
    """A mask whose step at the outline is a ramp; at the border of the frame there is no step."""
    sigma = _BLUR * thickness
    size = 2 * round(2.5 * sigma) + 1
    full = mask.view(np.uint8) * np.uint8(255)
    blurred = cv2.GaussianBlur(full, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(blurred, np.uint8)


@lru_cache(maxsize=16)
def _opacities(thickness: int, half: float) -> NDArray[np.uint8]:
    """By the value of a blurred mask: the opacity of a line around its outline, uint8 [256].

    Args:
        thickness: that the mask was blurred for.
        half: the width of the line on each side, in pixels; its edges are soft.
    """
    normal = NormalDist(sigma=_BLUR * thickness)
    distance = np.array([abs(normal.inv_cdf((value + 0.5) / 256)) for value in range(256)])
    edge = half + 0.5 + _ROUNDING - distance
    return np.round(255 * np.clip(edge, 0, 1)).astype(np.uint8)
