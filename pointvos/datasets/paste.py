"""Distractors: the objects of a second clip put into the first.

On clips with one salient object a network learns to segment what is salient and ignores the points
(the score is then the same for any points or none). A second object, as often the wanted one as
not, leaves the points as the only clue.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from pointvos.datasets.augment import WarpedFrame
from pointvos.datasets.samples import UNKNOWN


def object_region(over: WarpedFrame) -> NDArray[np.bool_]:
    """With masks, the pixels of the second clip's objects cover the first clip."""
    return np.asarray((over.index > 0) & (over.index != UNKNOWN), dtype=np.bool_)


def half_planes(count: int, size: int, rng: np.random.Generator) -> list[NDArray[np.bool_]]:
    """Without masks, the second clip covers one side of a line that moves a little in time."""
    angle, speed = rng.uniform(0, 2 * math.pi), rng.uniform(-0.1, 0.1) * size
    offset = rng.uniform(-0.15, 0.15) * size
    y, x = np.mgrid[:size, :size] - size / 2
    distance = x * math.cos(angle) + y * math.sin(angle)
    return [distance > offset + t * speed for t in range(count)]


def paste_clip(
    base: list[WarpedFrame],
    over: list[WarpedFrame],
    regions: list[NDArray[np.bool_]],
    first_slot: int,
) -> list[WarpedFrame]:
    """`base` with `over` inside the regions, whose slots are raised to start at `first_slot`.

    Points follow the pixels: those of `base` that are covered and those of `over` outside its
    region are gone.
    """
    pasted = []
    for below, above, region in zip(base, over, regions, strict=True):
        index = above.index.copy()
        objects = (index > 0) & (index != UNKNOWN)
        index[objects] += np.uint8(first_slot - 1)
        shown, covered = _at(region, above.xy), _at(region, below.xy)
        classes = above.classes + np.where(above.classes > 0, first_slot - 1, 0)
        pasted.append(
            WarpedFrame(
                rgb=np.where(region[..., None], above.rgb, below.rgb),
                index=np.where(region, index, below.index),
                xy=np.concatenate([below.xy[~covered], above.xy[shown]]),
                classes=np.concatenate([below.classes[~covered], classes[shown]]),
            )
        )
    return pasted


def keep_slots(frames: list[WarpedFrame], slots: list[int]) -> list[WarpedFrame]:
    """The clip with only the given slots as objects, renumbered 1, 2, …; others are background."""
    table = np.zeros(256, np.int64)
    table[UNKNOWN] = UNKNOWN
    for new, old in enumerate(slots, start=1):
        table[old] = new
    return [
        WarpedFrame(f.rgb, table[f.index].astype(np.uint8), f.xy, table[f.classes]) for f in frames
    ]


def _at(region: NDArray[np.bool_], xy: NDArray[np.float32]) -> NDArray[np.bool_]:
    pixels = np.floor(xy).astype(np.int64)
    return np.asarray(region[pixels[:, 1], pixels[:, 0]], dtype=np.bool_)
