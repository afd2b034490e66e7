"""What initialises the objects of a clip: points of the reference frame, or masks.

Points are drawn into a mask here, after all augmentation: a mask of single pixels would lose or
double them under a warp (REFERENCE, C).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.datasets.augment import WarpedFrame

ReferenceKind = Literal["points", "drawn_points", "mask"]

# (bool mask [H, W], how many, rng) -> positions [P, 2]; passed in, because simulation is a sibling
# layer.
DrawPoints = Callable[[NDArray[np.bool_], int, np.random.Generator], NDArray[np.float32]]


def reference_masks(
    frame: WarpedFrame,
    objects: int,
    kind: ReferenceKind,
    *,
    counts: tuple[int, ...],
    radius: int,
    draw_points: DrawPoints,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Masks [O, H, W] that initialise each object.

    Args:
        frame: the augmented reference frame.
        objects: how many slots.
        kind: ``points`` annotated in the data, ``drawn_points`` from the augmented mask
            (Hybrid-STCN, paper appendix D), or the ``mask`` itself.
        counts: a number of points is drawn from these for each object.
        radius: of the disks that points are drawn as, in pixels; 0 for single pixels.
        draw_points: draws positions from a mask.
        rng: source of randomness.

    Returns:
        bool [O, H, W]; an object that the crop has lost is all False.
    """
    height, width = frame.index.shape
    masks = np.zeros((objects, height, width), dtype=bool)
    for slot in range(1, objects + 1):
        mask = frame.index == slot
        if kind == "mask":
            masks[slot - 1] = mask
            continue
        count = int(rng.choice(counts))
        if kind == "points":
            xy = frame.xy[frame.classes == slot]
            xy = xy[rng.permutation(len(xy))[:count]]
        else:
            xy = draw_points(mask, count, rng) if mask.any() else np.zeros((0, 2), np.float32)
        masks[slot - 1] = geometry.rasterise(xy, height, width, radius)
    return masks
