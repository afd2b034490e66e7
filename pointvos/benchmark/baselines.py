"""What needs no training on videos: the points carried on, and nearest neighbours of the points.

Baselines stand in the same table as trained models, with the same points and the same scoring.
As in the benchmark only foreground points are given; where a baseline needs examples of the
background, it takes what lies far from the points of the reference frame. Nothing is remembered of
the frames between.
"""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from pointvos.core.geometry import rasterise
from pointvos.core.points import Points
from pointvos.inference.propagator import GivenObject

POINT_RADIUS = 0.01  # of the short side: colours so near to a point are taken to be the object's
BACKGROUND_MARGIN = 0.2  # of the short side: farther from every hull counts as background
BACKGROUND_EXAMPLES = 4000  # more cost time and change little
COLOUR_LEVELS = 32  # per channel: similar colours share the answer, a frame costs milliseconds

Frame = NDArray[np.uint8]
Index = NDArray[np.uint8]
NewObjects = Mapping[int, GivenObject]


def hull_of(what: GivenObject, height: int, width: int) -> NDArray[np.bool_]:
    """The convex hull of foreground points as bool [H, W]; of a mask the mask itself.

    Points on a line give a line one pixel wide, and a single point gives a pixel.
    """
    if not isinstance(what, Points):
        return what.astype(bool)
    points = what.foreground
    pixels = points.take(points.inside(height, width)).pixels().astype(np.int32)
    drawn = np.zeros((height, width), dtype=np.uint8)
    if len(pixels):
        cv2.fillConvexPoly(drawn, cv2.convexHull(pixels), 1)
    return drawn.astype(bool)


def surroundings(new_objects: NewObjects, height: int, width: int) -> NDArray[np.bool_]:
    """Where the background is taken to be: farther than a margin from every object's hull."""
    hulls = [hull_of(what, height, width) for what in new_objects.values()]
    outside = (~np.logical_or.reduce(hulls)).astype(np.uint8)
    distance = np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 3))
    return distance > BACKGROUND_MARGIN * min(height, width)


class HullBaseline:
    """Every object stays where it was given: the convex hull of its points, unchanged."""

    def __init__(self) -> None:
        self._index: Index | None = None

    def step(self, frame: Frame, new_objects: NewObjects | None = None) -> Index:
        """Object ids, uint8 [H, W]; see `pointvos.benchmark.methods.Tracker`."""
        height, width = frame.shape[:2]
        index = np.zeros((height, width), np.uint8) if self._index is None else self._index.copy()
        for object_id, what in sorted((new_objects or {}).items(), reverse=True):
            index[index == object_id] = 0
            index[hull_of(what, height, width)] = object_id  # where two overlap, the lower id
        self._index = index
        return index.copy()


class NearestColourBaseline:
    """Every pixel takes the class of the most similar colour on the reference frames.

    Colours of an object are those within `POINT_RADIUS` of its points, or in its mask.
    """

    def __init__(self) -> None:
        self._colours: list[NDArray[np.uint8]] = []
        self._classes: list[Index] = []
        self._class_of_bin: Index | None = None

    def step(self, frame: Frame, new_objects: NewObjects | None = None) -> Index:
        """Object ids, uint8 [H, W]; see `pointvos.benchmark.methods.Tracker`."""
        if new_objects:
            self._learn(frame, new_objects)
        if self._class_of_bin is None:
            return np.zeros(frame.shape[:2], dtype=np.uint8)
        red, green, blue = np.moveaxis(frame // (256 // COLOUR_LEVELS), 2, 0).astype(np.int64)
        index: Index = self._class_of_bin[(red * COLOUR_LEVELS + green) * COLOUR_LEVELS + blue]
        return index

    def _learn(self, frame: Frame, new_objects: NewObjects) -> None:
        height, width = frame.shape[:2]
        if not self._colours:
            background = frame[surroundings(new_objects, height, width)]
            self._add(background[:: max(1, len(background) // BACKGROUND_EXAMPLES)], 0)
        for object_id, what in sorted(new_objects.items()):
            if isinstance(what, Points):
                radius = round(POINT_RADIUS * min(height, width))
                shown = rasterise(what.foreground.xy, height, width, radius)
            else:
                shown = what.astype(bool)
            self._add(frame[shown], object_id)
        centres = np.arange(COLOUR_LEVELS) * (256 // COLOUR_LEVELS) + 128 // COLOUR_LEVELS
        bins = np.stack(np.meshgrid(centres, centres, centres, indexing="ij"), axis=-1)
        nearest = KDTree(np.concatenate(self._colours)).query(bins.reshape(-1, 3))[1]
        self._class_of_bin = np.concatenate(self._classes)[nearest]

    def _add(self, colours: NDArray[np.uint8], class_id: int) -> None:
        self._colours.append(colours)
        self._classes.append(np.full(len(colours), class_id, dtype=np.uint8))
