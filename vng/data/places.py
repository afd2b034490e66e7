"""Which words of place and size are true of one object among several of its kind."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vng.data.sentences import Place

ASIDE = 0.1  # of the width, by which a centre must lie beside the next for "left" and "right"
ABOVE = 0.15  # of the height, for "top" and "bottom", which perspective blurs
LARGER = 1.8  # times the area of the next for "larger" and "smaller"
THREE = 3  # of which one may be in the middle


class Extent(NamedTuple):
    """Where an object is, in shares of width and height.

    Attributes:
        centre: (x, y) of the mean of its pixels.
        low: (x, y) of its box.
        high: (x, y) of its box.
        area: pixels.
    """

    centre: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]
    area: int


def extent(mask: NDArray[np.bool_]) -> Extent:
    """Where the object of a mask [H, W] is.

    Raises:
        ValueError: the mask is empty.
    """
    height, width = mask.shape
    columns, rows = mask.sum(axis=0), mask.sum(axis=1)
    area = int(columns.sum())
    if not area:
        raise ValueError("expected a mask with an object, found an empty one")
    (left, right), (top, bottom) = _ends(columns), _ends(rows)
    x, y = columns @ np.arange(width) / area, rows @ np.arange(height) / area
    return Extent(
        centre=((float(x) + 0.5) / width, (float(y) + 0.5) / height),
        low=(left / width, top / height),
        high=(right / width, bottom / height),
        area=area,
    )


def _ends(counts: NDArray[np.int64]) -> tuple[int, int]:
    """The first place that is not 0, and the one behind the last."""
    places = np.flatnonzero(counts)
    return int(places[0]), int(places[-1]) + 1


def true_places(objects: list[Extent]) -> list[list[Place]]:
    """For each of several objects of a kind the places that tell it from all the others.

    An object is on the left if its centre is `ASIDE` farther left than that of any other, and both
    ends of its box are too. One of three is in the middle if the others are on the left and right.
    """
    found: list[list[Place]] = [[] for _ in objects]
    if len(objects) < 2:
        return found
    ends: tuple[tuple[int, float, Place, Place], ...] = (
        (0, ASIDE, "left", "right"),
        (1, ABOVE, "top", "bottom"),
    )
    for axis, gap, low, high in ends:
        order = sorted(range(len(objects)), key=lambda i: objects[i].centre[axis])
        if _before(objects, order[0], order[1:], axis, gap):
            found[order[0]].append(low)
        if all(_before(objects, i, order[-1:], axis, gap) for i in order[:-1]):
            found[order[-1]].append(high)
        if axis == 0 and len(order) == THREE and found[order[0]] and found[order[2]]:
            found[order[1]].append("middle")
    order = sorted(range(len(objects)), key=lambda i: objects[i].area)
    areas = [objects[i].area for i in order]
    if areas[-1] >= LARGER * areas[-2]:
        found[order[-1]].append("large")
    if areas[1] >= LARGER * areas[0]:
        found[order[0]].append("small")
    return found


def _before(objects: list[Extent], one: int, others: list[int], axis: int, gap: float) -> bool:
    """Whether an object lies clearly before all others along an axis."""
    mine = objects[one]
    return all(
        objects[other].centre[axis] - mine.centre[axis] >= gap
        and mine.low[axis] <= objects[other].low[axis]
        and mine.high[axis] <= objects[other].high[axis]
        for other in others
    )
