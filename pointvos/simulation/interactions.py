"""Simulated interactions with the objects of a frame: first prompts, then corrections in rounds.

First prompts are what Point-VOS has: random points that keep a distance from each other (paper,
section 3.1), or one mouse trace (appendix D). Corrections are those of interactive segmentation:
clicks inside the larger error of what was predicted (DynaMITe).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.masks import VOID
from pointvos.simulation.clicks import next_click
from pointvos.simulation.sample_points import sample_points
from pointvos.simulation.traces import sample_trace

BACKGROUND = -1  # slot of interactions that lie on no object
GOOD_ENOUGH = 0.9  # IoU from which nobody corrects an object (DynaMITe)
SECOND_CLICK = 0.2  # probability of two clicks on an object in a round instead of one (DynaMITe)
TRACE_STEP = 1.0  # pixels between two positions along a trace


@dataclass(frozen=True, eq=False)
class Interaction:
    """A click, or a mouse trace.

    Attributes:
        xy: continuous positions (x, y), float32 [P, 2]; one of a click, all pixels of a trace.
        slot: of the object, from 0, or `BACKGROUND`.
        is_trace: whether it is a trace.
    """

    xy: NDArray[np.float32]
    slot: int
    is_trace: bool = False


@dataclass(frozen=True, kw_only=True)
class PromptSettings:
    """What every object is first given."""

    point_counts: tuple[int, ...] = (1, 2, 3, 5, 7, 10)
    """Numbers of points an object, to draw from; one that stands twice is drawn twice as often."""
    point_distance: float = 20.0
    """Least distance between the points of an object, in pixels of the crop; the paper has 20 in
    those of the frame (section 3.1)."""
    trace: float = 0.25
    """Probability that an object is given a mouse trace instead of points."""
    background: float = 0.25
    """Probability that a frame is given points on its background too, for all objects."""
    background_counts: tuple[int, ...] = (1, 2, 5, 10)
    """Numbers of those, to draw from."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name in ("point_counts", "background_counts"):
            counts = getattr(self, name)
            if not counts or min(counts) < 1:
                raise InputError(f"prompts.{name}: expected numbers >= 1, found {counts}")
        for name in ("trace", "background"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"prompts.{name}: expected a probability, found {getattr(self, name)}"
                )
        if self.point_distance < 0:
            raise InputError(
                f"prompts.point_distance: expected pixels >= 0, found {self.point_distance}"
            )


def first_interactions(
    index: NDArray[np.uint8], slots: int, settings: PromptSettings, rng: np.random.Generator
) -> list[Interaction]:
    """The prompts of all objects of a frame, then its background points.

    Args:
        index: uint8 [H, W], 0 background, o + 1 the object in slot o, 255 unknown.
        slots: number of object slots; one without a pixel is given nothing.
        settings: what is given.
        rng: source of the draw.

    Returns:
        In the order of time.
    """
    found: list[Interaction] = []
    for slot in range(slots):
        mask = index == slot + 1
        if not mask.any():
            continue
        if rng.random() < settings.trace:
            found.append(Interaction(pixels_of_trace(sample_trace(mask, rng=rng)), slot, True))
        else:
            count = int(rng.choice(settings.point_counts))
            found += _points(mask, count, slot, settings.point_distance, rng)
    if rng.random() < settings.background and (index == 0).any():
        count = int(rng.choice(settings.background_counts))
        found += _points(index == 0, count, BACKGROUND, settings.point_distance, rng)
    return found


def _points(
    mask: NDArray[np.bool_], count: int, slot: int, distance: float, rng: np.random.Generator
) -> list[Interaction]:
    pixels = sample_points(mask, count, min_distance=distance, rng=rng)
    return [Interaction(xy[None], slot) for xy in geometry.pixel_centres(pixels)]


def pixels_of_trace(trace: NDArray[np.float32]) -> NDArray[np.float32]:
    """The centres of the pixels that a trace passes, in its order, each once.

    Args:
        trace: float32 [N, 2], continuous positions (x, y).

    Returns:
        float32 [P, 2], at least one.

    >>> pixels_of_trace(np.array([[0.2, 0.5], [2.1, 0.5]], np.float32))
    array([[0.5, 0.5],
           [1.5, 0.5],
           [2.5, 0.5]], dtype=float32)
    """
    path = np.asarray(trace, dtype=np.float64)
    travelled = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(path, axis=0).T))])
    steps = np.linspace(0, travelled[-1], int(np.ceil(2 * travelled[-1] / TRACE_STEP)) + 1)
    x, y = (np.interp(steps, travelled, path[:, axis]) for axis in (0, 1))
    pixels = geometry.pixels_at(np.stack([x, y], axis=1))
    _, first = np.unique(pixels, axis=0, return_index=True)
    return geometry.pixel_centres(pixels[np.sort(first)])


def correct(
    predicted: NDArray[np.integer],
    index: NDArray[np.uint8],
    slots: int,
    rng: np.random.Generator,
) -> list[Interaction]:
    """One round of corrections: one or two clicks for every object that is not right yet.

    A click on pixels that an object took wrongly says what they are: it is a click of the object
    that they belong to, or of the background.

    Args:
        predicted: integer [H, W], slots as in `index`.
        index: uint8 [H, W], 0 background, o + 1 the object in slot o, 255 unknown.
        slots: number of object slots; one without a pixel is not corrected.
        rng: source of the draw.

    Returns:
        Clicks, in the order of time.
    """
    known = index != VOID
    found: list[Interaction] = []
    for slot in range(slots):
        truth, mask = index == slot + 1, (predicted == slot + 1) & known
        if not truth.any() or (truth & mask).sum() >= GOOD_ENOUGH * (truth | mask).sum():
            continue
        for _ in range(1 + (rng.random() < SECOND_CLICK)):
            click = next_click(mask, truth, known=known, rng=rng)
            assert click is not None, "an object that is not right has an error"
            xy = geometry.pixel_centres(np.array([[click.x, click.y]]))
            found.append(Interaction(xy, int(index[click.y, click.x]) - 1))
    return found
