"""Random points in a mask that keep a distance from each other (paper, section 3.1)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MIN_DISTANCE_PX = 20.0  # paper, section 3.1: "at least d = 20 pixels apart"
POINTS_PER_OBJECT = 10  # paper, section 3.1: more gives only minor gains
RESTARTS = 16  # further tries, random and swept, where a mask seems too small for all points
QUICK_DRAWS = 64


def sample_points(
    mask: NDArray[np.bool_],
    count: int = POINTS_PER_OBJECT,
    *,
    min_distance: float = MIN_DISTANCE_PX,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Draw up to `count` pixels of a mask, uniformly among those far enough from the earlier ones.

    The order is random, so that the first k are a draw of k points: the 1-, 2-, 5- and 10-point
    settings are nested.

    Where `count` pixels do not fit, the paper keeps "the maximum possible number of points under
    the constraint". Finding it is a packing problem; here the largest of these packings is kept:
    the first draw, `RESTARTS` / 2 further random ones, and `RESTARTS` / 2 that sweep over the mask
    in a random direction and take every pixel that still fits, which packs thin shapes densely.
    None of them leaves room for one more pixel.

    Args:
        mask: bool [H, W].
        count: how many points.
        min_distance: between any two, in pixels (at least; 0 for distinct pixels only).
        rng: source of the draw.

    Returns:
        Integer pixels (x, y), int64 [P, 2] with P <= count; P >= 1 for a mask that is not empty.
    """
    flat = np.flatnonzero(mask)
    if count <= 0 or not len(flat):
        return np.zeros((0, 2), dtype=np.int64)
    width = mask.shape[1]
    best = _quick_draw(flat, width, count, min_distance, rng)
    if len(best) == count:
        return best
    pixels = _unravel(flat, width)
    left = pixels[_fits(pixels, best, min_distance)]
    more = _take_in_order(rng.permutation(left), count - len(best), min_distance)
    best = np.concatenate([best, more])
    for attempt in range(RESTARTS):
        if len(best) == count:
            break
        order = rng.permutation(len(pixels)) if attempt % 2 else _sweep(pixels, rng)
        found = _take_in_order(pixels[order], count, min_distance)
        if len(found) > len(best):
            best = rng.permutation(found)
    return best


def _quick_draw(
    flat: NDArray[np.intp], width: int, count: int, min_distance: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw pixels and reject those too close to earlier ones, for a bounded number of draws.

    A large mask needs no more, and its hundreds of thousands of pixels are never listed.
    """
    chosen = np.zeros((0, 2), dtype=np.int64)
    for candidate in _unravel(flat[rng.integers(len(flat), size=QUICK_DRAWS)], width):
        if _fits(candidate[None], chosen, min_distance).all():
            chosen = np.concatenate([chosen, candidate[None]])
            if len(chosen) == count:
                break
    return chosen


def _unravel(flat: NDArray[np.intp], width: int) -> NDArray[np.int64]:
    """Flat indices as pixels (x, y), int64 [N, 2]."""
    return np.stack([flat % width, flat // width], axis=1).astype(np.int64)


def _take_in_order(pixels: NDArray[np.int64], count: int, min_distance: float) -> NDArray[np.int64]:
    """The first pixel, the next that is far enough from it, and so on, up to `count`."""
    chosen = np.zeros((0, 2), dtype=np.int64)
    while len(pixels) and len(chosen) < count:
        chosen = np.concatenate([chosen, pixels[:1]])
        pixels = pixels[_fits(pixels, pixels[:1], min_distance)]
    return chosen


def _sweep(pixels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.intp]:
    """The order in which a line that moves in a random direction meets the pixels."""
    angle = rng.uniform(0.0, 2.0 * np.pi)
    return np.argsort(pixels @ np.array([np.cos(angle), np.sin(angle)]), kind="stable")


def _fits(
    pixels: NDArray[np.int64], chosen: NDArray[np.int64], min_distance: float
) -> NDArray[np.bool_]:
    """Which `pixels` are at least `min_distance` from, and not equal to, every chosen one."""
    fits = np.ones(len(pixels), dtype=bool)
    limit = max(min_distance**2, 1.0)
    for point in chosen:
        x, y = (pixels - point).T
        fits &= x * x + y * y >= limit
    return fits
