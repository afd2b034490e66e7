"""How many clicks a mask takes: each one where the last mask is most wrong.

The protocol of interactive segmentation: the first click is the pixel deepest inside the object,
every further one the deepest pixel of the larger kind of error.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pointvos.benchmark.prompt_images import LabelledImage
from pointvos.core.masks import VOID
from pointvos.core.points import PointLabel, Points
from pointvos.pseudomask.backend import MaskBackend, Prompt
from pointvos.simulation.clicks import Click, next_click

CLICK_LIMIT = 20  # of an object, as in the literature on interactive segmentation
TARGETS = (0.85, 0.9)  # IoU


@dataclass(frozen=True, kw_only=True)
class ClickRules:
    """How clicks are given.

    Attributes:
        limit: most clicks of an object.
        previous: whether the backend is given its last mask with the next click.
    """

    limit: int = CLICK_LIMIT
    previous: bool = True


@dataclass
class _Clicked:
    """What was clicked so far: pixels (x, y)."""

    on: list[tuple[int, int]] = field(default_factory=list)
    off: list[tuple[int, int]] = field(default_factory=list)

    def points(self) -> Points:
        labels = [PointLabel.FOREGROUND] * len(self.on) + [PointLabel.BACKGROUND] * len(self.off)
        return Points.from_pixels([*self.on, *self.off], labels)


def click_alone(
    backend: MaskBackend, image: LabelledImage, object_id: int, rules: ClickRules
) -> list[float]:
    """Click on one object until its mask has the highest target.

    Returns:
        IoU after each click; at least one, at most `rules.limit`.
    """
    truth = image.mask(object_id)
    mask = np.zeros_like(truth)
    clicked, ious = _Clicked(), list[float]()
    while len(ious) < rules.limit and (not ious or ious[-1] < TARGETS[-1]):
        click = _next(image, object_id, mask)
        (clicked.on if click.foreground else clicked.off).append((click.x, click.y))
        earlier = mask if rules.previous and ious else None
        (result,) = backend.masks(image.rgb, [Prompt(points=clicked.points(), previous=earlier)])
        mask = result.mask
        ious.append(image.iou(object_id, mask))
    return ious


def click_together(
    backend: MaskBackend, image: LabelledImage, rules: ClickRules
) -> list[list[float]]:
    """Click on all objects of an image at once until each mask has the highest target.

    After one click on each object the clicks go to the object whose mask is worst. One on what it
    took wrongly says what that is: it is a click on the object there, or on the background.

    Returns:
        After each click the IoU of every object, in the order of the ids; the first entry is after
        one click on each. At most `rules.limit` clicks an object.
    """
    ids = image.object_ids
    empty = np.zeros(image.index.shape, bool)
    clicked = {object_id: _Clicked() for object_id in ids}
    background = _Clicked()
    for object_id in ids:
        click = _next(image, object_id, empty)
        clicked[object_id].on.append((click.x, click.y))
    masks: Sequence[NDArray[np.bool_]] | None = None
    rounds: list[list[float]] = []
    while True:
        prompts = [
            Prompt(
                points=clicked[object_id].points(),
                previous=masks[slot] if masks is not None and rules.previous else None,
            )
            for slot, object_id in enumerate(ids)
        ]
        found = backend.masks(image.rgb, prompts, background=background.points())
        masks = [result.mask for result in found]
        ious = [image.iou(i, mask) for i, mask in zip(ids, masks, strict=True)]
        rounds.append(ious)
        spent = len(ids) + len(rounds) - 1
        if min(ious) >= TARGETS[-1] or spent >= rules.limit * len(ids):
            return rounds
        worst = int(np.argmin(ious))
        click = _next(image, ids[worst], masks[worst])
        on = int(image.index[click.y, click.x])
        (clicked[on].on if on in clicked else background.off).append((click.x, click.y))


def clicks_until(ious: Sequence[float], target: float, limit: int) -> int | None:
    """The number of the first click with which an IoU is reached; None if it is not.

    >>> clicks_until([0.5, 0.86, 0.91], 0.85, 20)
    2
    """
    return next((n for n, iou in enumerate(ious[:limit], start=1) if iou >= target), None)


def _next(image: LabelledImage, object_id: int, mask: NDArray[np.bool_]) -> Click:
    click = next_click(mask, image.mask(object_id), known=image.index != VOID)
    assert click is not None, "an object below the target has an error"
    return click
