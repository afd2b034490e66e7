"""Simulated mouse traces: what a person draws over an object while speaking of it.

The published traces (Video Localized Narratives) are smooth strokes of a few dozen positions, from
nearly straight lines to zigzags about three times as long as they are wide, that stay on the object
but for short stretches across its border.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from pointvos.simulation.mask_depth import depth_inside

# Of the 353 traces in the sample of VidLN: 7, 22 and 58 positions, and 1.02, 1.32 and 3.05 times as
# long as wide, at the 10th, 50th and 90th percentile.
POSITIONS = (8, 60)
TURNS = (2, 6)  # places that a stroke goes through
ZIGZAG = 0.3  # probability that they are visited in random order, not along a direction
CORE = 0.7  # probability that they are of the inner half of the object
OVERSHOOT = 0.05  # standard deviation of a place around its pixel, in object sizes


def sample_trace(mask: NDArray[np.bool_], *, rng: np.random.Generator) -> NDArray[np.float32]:
    """A smooth stroke over an object.

    Args:
        mask: bool [H, W], not empty.
        rng: source of the draw.

    Returns:
        Continuous positions (x, y) inside the frame, in the order of time, float32 [N, 2] with N
        at least 2.

    Raises:
        ValueError: the mask is empty.
    """
    flat = np.flatnonzero(mask)
    if not len(flat):
        raise ValueError("expected a mask with foreground, got an empty one")
    height, width = mask.shape
    size = np.sqrt(len(flat))
    core = _deep_pixels(mask)
    turns = int(rng.integers(TURNS[0], TURNS[1] + 1))
    pixels = rng.choice(core if rng.random() < CORE else flat, turns)
    places = np.stack([pixels % width, pixels // width], axis=1) + 0.5
    places = places + rng.normal(0, OVERSHOOT * size, places.shape)
    if rng.random() >= ZIGZAG:
        places = places[np.argsort(places @ _long_axis(places))]  # people draw along an object
    chords = np.linalg.norm(np.diff(places, axis=0), axis=1) + 1e-3
    along = np.concatenate([[0], np.cumsum(chords)])
    count = int(rng.integers(POSITIONS[0], POSITIONS[1] + 1))
    stroke = PchipInterpolator(along, places)(np.linspace(0, along[-1], count))
    return np.clip(stroke, 0.5, np.array([width, height]) - 0.5).astype(np.float32)


def _long_axis(places: NDArray[np.float64]) -> NDArray[np.float64]:
    _, _, axes = np.linalg.svd(places - places.mean(axis=0), full_matrices=False)
    return np.asarray(axes[0], dtype=np.float64)


def _deep_pixels(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Flat indices of the half of the object that is farthest from its border."""
    depth = depth_inside(mask)
    return np.flatnonzero(depth >= np.median(depth[mask]))
