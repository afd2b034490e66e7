"""Clips whose points lie on the background: whatever is there, it is not the salient object.

A network that has only ever seen points on annotated, mostly salient objects still segments the
salient object when a point lies beside it. Here the annotated objects become what must not be
found; of the rest of the frame, whose extent nobody annotated, nothing is said.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.datasets.augment import WarpedFrame
from pointvos.datasets.samples import UNKNOWN

CLEARANCE = 8.0  # pixels between the points and the nearest object: masks are not exact
PATCH_RADIUS = (6.0, 32.0)  # of the disk in which points are drawn, at random in this range


def on_background(frames: list[WarpedFrame], rng: np.random.Generator) -> list[WarpedFrame] | None:
    """The clip with a place in the background of its first frame as slot 1.

    With masks, slot 1 is a disk around a random place; with points alone, one background point.

    Args:
        frames: of the clip; with masks or with points, slots in any number.
        rng: source of randomness.

    Returns:
        Frames in which every annotated object is background, what was background is unknown, and
        slot 1 is on the first frame; None where that has no room.
    """
    first = frames[0]
    swapped = [_objects_as_background(frame) for frame in frames]
    if (first.index != UNKNOWN).any():
        patch = _patch(first.index == 0, rng)
        if patch is None:
            return None
        swapped[0].index[patch] = 1
        return swapped
    points = np.flatnonzero(first.classes == 0)
    if not len(points):
        return None
    point = first.xy[rng.choice(points)]
    swapped[0] = WarpedFrame(
        rgb=first.rgb,
        index=first.index,
        xy=np.concatenate([swapped[0].xy, point[None]]),
        classes=np.append(swapped[0].classes, 1),
    )
    return swapped


def _patch(room: NDArray[np.bool_], rng: np.random.Generator) -> NDArray[np.bool_] | None:
    """A disk around a random pixel that is clear of all else."""
    clear = cv2.distanceTransform(room.astype(np.uint8), cv2.DIST_L2, 5) > CLEARANCE
    places = np.flatnonzero(clear)
    if not len(places):
        return None
    y, x = np.divmod(int(rng.choice(places)), room.shape[1])
    rows, columns = np.mgrid[: room.shape[0], : room.shape[1]]
    near = np.hypot(columns - x, rows - y) <= rng.uniform(*PATCH_RADIUS)
    return np.asarray(near & clear, dtype=np.bool_)


def _objects_as_background(frame: WarpedFrame) -> WarpedFrame:
    objects = (frame.index > 0) & (frame.index != UNKNOWN)
    index = np.where(objects, 0, UNKNOWN).astype(np.uint8)
    on_objects = frame.classes > 0
    return WarpedFrame(
        frame.rgb, index, frame.xy[on_objects], np.zeros_like(frame.classes[on_objects])
    )
