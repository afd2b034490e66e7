"""One owner for every pixel that several objects of a frame claim.

A *region* is a connected set of pixels that the same objects claim. Who gets it is decided by

1. points: the only object with a foreground point in the region gets all of it; where several have
   one, each pixel goes to the object whose foreground point in the region is nearest, so that no
   object loses its points;
2. the score, where no point lies in the region: the higher one is in front;
3. the area, where scores are equal: the smaller mask is in front;
4. the order in which the objects are given, where areas are equal too.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry

Mask = NDArray[np.bool_]


def resolve_overlaps(
    masks: Sequence[Mask], scores: Sequence[float], foreground: Sequence[NDArray[np.float32]]
) -> list[Mask]:
    """The masks of one frame without the pixels that belong to another object.

    Args:
        masks: bool [H, W], one for each object; they are not changed.
        scores: how sure each mask is.
        foreground: float32 [P, 2] for each object, its foreground points in continuous (x, y).

    Returns:
        Disjoint masks, bool [H, W], in the same order; their union is that of the given ones.

    Raises:
        ValueError: the three are not of one length.
    """
    if not len(masks) == len(scores) == len(foreground):
        raise ValueError(
            f"overlaps: expected as many masks as scores and lists of points, found {len(masks)}, "
            f"{len(scores)} and {len(foreground)}"
        )
    if len(masks) < 2:
        return [mask.copy() for mask in masks]
    claims = np.stack(masks)  # bool [O, H, W]
    contested = claims.sum(axis=0) > 1
    if not contested.any():
        return [mask.copy() for mask in masks]
    front_first = sorted(range(len(masks)), key=lambda o: (-scores[o], int(claims[o].sum()), o))
    owner = _front(claims, front_first)
    pixels = _points_in(contested, foreground)
    for region, claimants in _regions_with_points(claims, contested, pixels):
        _give_by_points(owner, region, {o: pixels[o] for o in claimants})
    return [mask & (~contested | (owner == o)) for o, mask in enumerate(masks)]


def _front(claims: NDArray[np.bool_], front_first: Sequence[int]) -> NDArray[np.int16]:
    """The foremost object of each pixel, int16 [H, W]; -1 for none."""
    owner = np.full(claims.shape[1:], -1, np.int16)
    for o in reversed(front_first):
        owner[claims[o]] = o
    return owner


def _points_in(
    contested: Mask, foreground: Sequence[NDArray[np.float32]]
) -> list[NDArray[np.int64]]:
    """The pixels (x, y) of the points of each object that lie where masks overlap."""
    height, width = contested.shape
    found = []
    for xy in foreground:
        pixels = geometry.pixels_at(xy[geometry.inside(xy, height, width)])
        found.append(pixels[contested[pixels[:, 1], pixels[:, 0]]])
    return found


def _regions_with_points(
    claims: NDArray[np.bool_], contested: Mask, pixels: Sequence[NDArray[np.int64]]
) -> list[tuple[Mask, list[int]]]:
    """The regions that hold a point of an object that claims them, with those objects."""
    parts: dict[bytes, NDArray[np.int32]] = {}  # claimants -> connected parts, numbered
    seen: dict[tuple[bytes, int], set[int]] = {}
    for o, of_object in enumerate(pixels):
        for x, y in of_object.tolist():
            claimants = claims[:, y, x]
            if not claimants[o]:
                continue
            key = claimants.tobytes()
            if key not in parts:
                same = contested & (claims == claimants[:, None, None]).all(axis=0)
                parts[key] = cv2.connectedComponents(same.astype(np.uint8), connectivity=8)[1]
            seen.setdefault((key, int(parts[key][y, x])), set()).add(o)
    return [(parts[key] == number, sorted(of)) for (key, number), of in seen.items()]


def _give_by_points(
    owner: NDArray[np.int16], region: Mask, pixels: dict[int, NDArray[np.int64]]
) -> None:
    """Give a region to the objects with points in it, in place: each pixel to the nearest."""
    if len(pixels) == 1:
        owner[region] = next(iter(pixels))
        return
    rows, columns = np.nonzero(region)
    best = np.full(len(rows), np.inf)
    chosen = np.zeros(len(rows), np.int16)
    for o, of_object in pixels.items():
        for x, y in of_object.tolist():
            if region[y, x]:
                squared = (columns - x) ** 2 + (rows - y) ** 2
                nearer = squared < best
                best[nearer], chosen[nearer] = squared[nearer], o
    owner[rows, columns] = chosen
