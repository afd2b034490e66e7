"""Simulated correction clicks: where a user would click next, given what is wrong.

As interactive segmentation is trained (DynaMITe: anywhere well inside the larger kind of error) and
measured (number of clicks: the pixel farthest from the border of the error).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.simulation.mask_depth import depth_inside

DEPTH = 0.5  # of the largest distance to the border: a click is drawn where it is deeper than that


class Click(NamedTuple):
    """A click on a pixel.

    Attributes:
        x: column.
        y: row.
        foreground: whether it says that the object is there, or that it is not.
    """

    x: int
    y: int
    foreground: bool


def next_click(
    predicted: NDArray[np.bool_],
    truth: NDArray[np.bool_],
    *,
    known: NDArray[np.bool_] | None = None,
    rng: np.random.Generator | None = None,
) -> Click | None:
    """A click on the larger error: on what was missed, or on what was taken wrongly.

    Args:
        predicted: bool [H, W].
        truth: bool [H, W].
        known: bool [H, W], where the truth holds; everywhere by default.
        rng: draws a pixel that is deep inside the error; None takes the deepest one.

    Returns:
        The click; None where nothing is wrong.
    """
    valid = np.ones_like(truth) if known is None else known
    missed, wrong = truth & ~predicted & valid, predicted & ~truth & valid
    depth_of_missed, depth_of_wrong = depth_inside(missed), depth_inside(wrong)
    foreground = bool(depth_of_missed.max() >= depth_of_wrong.max())
    depth = depth_of_missed if foreground else depth_of_wrong
    deepest = float(depth.max())
    if deepest == 0:
        return None
    if rng is None:
        pixel = int(depth.argmax())
    else:
        pixel = int(rng.choice(np.flatnonzero(depth > DEPTH * deepest)))
    y, x = divmod(pixel, depth.shape[1])
    return Click(x, y, foreground)
