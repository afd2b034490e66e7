"""Points -> masks -> propagation: objects given by points start from masks made of them.

The paper's second baseline at test time (section 4.1), for a propagator and for any other tracker.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic

import numpy as np
from numpy.typing import NDArray

from pointvos.core.points import Points
from pointvos.inference.propagate import Follower, Segmented
from pointvos.inference.propagator import GivenObject
from pointvos.pseudomask.backend import MaskBackend, Prompt
from pointvos.pseudomask.frame_masks import given_points
from pointvos.pseudomask.mask_rule import ALL_POINTS
from pointvos.pseudomask.overlaps import resolve_overlaps


class StartFromMasks(Generic[Segmented]):
    """Gives a follower masks where it is given points.

    Every point of a frame counts but the ambiguous ones. The masks of one frame do not overlap, see
    `pointvos.pseudomask.overlaps`. An object for which the backend finds nothing starts from its
    points. An object that is given again on a later frame starts again, from what is given there.
    """

    def __init__(self, backend: MaskBackend, follower: Follower[Segmented]) -> None:
        self._backend = backend
        self._follower = follower

    def step(
        self, frame: NDArray[np.uint8], new_objects: Mapping[int, GivenObject] | None = None
    ) -> Segmented:
        """Segment the next frame.

        Args:
            frame: RGB uint8 [H, W, 3].
            new_objects: object id to points, or a bool mask [H, W], on this frame.

        Raises:
            InputError: the backend or the follower cannot use an object.
        """
        given = dict(new_objects or {})
        points_of = {
            i: given_points(what, ALL_POINTS)
            for i, what in given.items()
            if isinstance(what, Points)
        }
        if points_of:
            given.update(self._masks(frame, points_of))
        return self._follower.step(frame, given)

    def _masks(
        self, frame: NDArray[np.uint8], points_of: Mapping[int, Points]
    ) -> dict[int, NDArray[np.bool_]]:
        """Masks of the objects that the backend finds."""
        prompts = [Prompt(points=points, name=f"object {i}") for i, points in points_of.items()]
        found = self._backend.masks(frame, prompts)
        masks = resolve_overlaps(
            [result.mask for result in found],
            [result.score for result in found],
            [points.foreground.xy for points in points_of.values()],
        )
        return {i: mask for i, mask in zip(points_of, masks, strict=True) if mask.any()}
