"""Masks by colour alone: GrabCut, seeded by points or a trace. Needs no weights.

A baseline, and what works offline: it finds one connected-looking thing whose colours differ from
what lies further away, and knows nothing of objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.pseudomask.backend import CheckedPrompt, MaskResult, Prompt, checked_prompts

# Lengths are shares of the short side. Values chosen on the first frames of DAVIS-2016 train.
SEED_RADIUS = 0.01  # around a point, this much surely has its label
LONE_REACH = 0.2  # how far an object probably reaches around its only point
LEAST_REACH = 0.03  # and at least, around each of several
SURELY_OUTSIDE = 2.0  # beyond this many reaches, nothing belongs to the object
SECOND_OPINION = 0.6  # share of the reach that the second run gets; their overlap is the score


@dataclass(frozen=True, kw_only=True)
class GrabCut:
    """Segments each object for itself by `cv2.grabCut`; the same prompts give the same masks.

    The foreground points always lie inside the mask and the background points outside it. A trace
    only suggests: mice stray from objects. Parts of the result that touch neither a foreground
    point, nor the trace, nor the previous mask are dropped.

    Attributes:
        side: longest side of the image inside, in pixels; larger ones are scaled down.
        iterations: rounds of colour model and cut.
    """

    side: int = 480
    iterations: int = 4

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name, lowest in {"side": 32, "iterations": 1}.items():
            if getattr(self, name) < lowest:
                raise InputError(f"{name}: expected at least {lowest}, found {getattr(self, name)}")

    def masks(
        self,
        image: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        background: Points | None = None,
    ) -> list[MaskResult]:
        """One mask for each prompt; see `MaskBackend`."""
        checked = checked_prompts(image, prompts, background)
        height, width = image.shape[:2]
        factor = min(1.0, self.side / max(height, width))
        small = np.asarray(
            cv2.resize(
                image,
                (max(1, round(width * factor)), max(1, round(height * factor))),
                interpolation=cv2.INTER_AREA,
            ),
            dtype=np.uint8,
        )
        return [self._segment(small, prompt, height, width) for prompt in checked]

    def _segment(
        self, small: NDArray[np.uint8], prompt: CheckedPrompt, height: int, width: int
    ) -> MaskResult:
        seeds = _Seeds.of(prompt, height, width, *small.shape[:2])
        mask = self._cut(small, seeds, 1.0)
        other = self._cut(small, seeds, SECOND_OPINION)
        full = np.asarray(
            cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
            > 0.5
        )
        full |= geometry.rasterise(prompt.positive, height, width)
        full &= ~geometry.rasterise(prompt.negative, height, width)
        return MaskResult(full, _overlap(mask, other))

    def _cut(self, small: NDArray[np.uint8], seeds: _Seeds, share: float) -> NDArray[np.bool_]:
        labels = seeds.labels(share)
        if not np.isin(labels, (cv2.GC_BGD, cv2.GC_PR_BGD)).any():
            return seeds.evidence  # no pixel is left that could say what the background looks like
        # The colour models start from k-means, whose draws come from OpenCV's generator: without a
        # seed the same prompt gave other masks. It offers no other way to pass randomness in.
        cv2.setRNGSeed(0)
        empty = np.zeros((1, 65))
        cv2.grabCut(
            small, labels, (0, 0, 0, 0), empty, empty.copy(), self.iterations, cv2.GC_INIT_WITH_MASK
        )
        found = np.isin(labels, (cv2.GC_FGD, cv2.GC_PR_FGD))
        return _touching(found, seeds.evidence)


@dataclass(frozen=True, eq=False)
class _Seeds:
    """What a prompt says of the pixels of the image inside, all bool [h, w] but the distance.

    Attributes:
        evidence: on the object: points, trace and previous mask.
        on: disks around foreground points.
        off: disks around background points.
        previous: the previous mask or None.
        distance: float [h, w], to the nearest foreground point or trace pixel; None without any.
        reach: how far from those the object probably extends, in pixels.
    """

    evidence: NDArray[np.bool_]
    on: NDArray[np.bool_]
    off: NDArray[np.bool_]
    previous: NDArray[np.bool_] | None
    distance: NDArray[np.float32] | None
    reach: float

    @classmethod
    def of(cls, prompt: CheckedPrompt, height: int, width: int, h: int, w: int) -> _Seeds:
        """The prompt on an image of h x w instead of height x width."""
        inward = geometry.scaling(w / width, h / height)
        short = min(h, w)
        positive = geometry.transform(prompt.positive, inward)
        negative = geometry.transform(prompt.negative, inward)
        points = geometry.rasterise(positive, h, w)
        drawn = points.copy()
        if prompt.trace is not None:
            drawn |= _line(geometry.transform(prompt.trace, inward), h, w)
        previous = None
        if prompt.previous is not None:
            previous = np.asarray(
                cv2.resize(prompt.previous.astype(np.float32), (w, h), interpolation=cv2.INTER_AREA)
                > 0.5
            )
        radius = max(1, round(SEED_RADIUS * short))
        barred = geometry.rasterise(negative, h, w)
        # Two disks of different labels may meet; the points themselves keep their label.
        on = geometry.rasterise(positive, h, w, radius) & ~geometry.rasterise(
            negative, h, w, radius
        )
        off = geometry.rasterise(negative, h, w, radius) & ~geometry.rasterise(
            positive, h, w, radius
        )
        on, off = (on | points) & ~(barred & ~points), (off | barred) & ~points
        evidence = drawn if previous is None else drawn | previous
        distance = None
        if drawn.any():
            distance = np.asarray(
                cv2.distanceTransform((~drawn).astype(np.uint8), cv2.DIST_L2, 5), dtype=np.float32
            )
        return cls(evidence & ~off, on, off, previous, distance, _reach(positive, short))

    def labels(self, share: float) -> NDArray[np.uint8]:
        """GrabCut's label of each pixel, with `share` of the reach."""
        labels = np.full(self.on.shape, cv2.GC_PR_BGD, dtype=np.uint8)
        if self.previous is not None:
            labels[self.previous] = cv2.GC_PR_FGD
        elif self.distance is not None:
            labels[self.distance > SURELY_OUTSIDE * self.reach] = cv2.GC_BGD
            labels[self.distance <= share * self.reach] = cv2.GC_PR_FGD
        labels[self.on] = cv2.GC_FGD
        labels[self.off] = cv2.GC_BGD
        return labels


def _reach(positive: NDArray[np.float32], short: int) -> float:
    """How far an object probably extends around its points: their usual spacing."""
    if len(positive) < 2:
        return LONE_REACH * short
    between = np.hypot(*(positive[:, None] - positive[None]).transpose(2, 0, 1))
    np.fill_diagonal(between, np.inf)
    return float(max(np.median(between.min(axis=1)), LEAST_REACH * short))


def _line(trace: NDArray[np.float32], h: int, w: int) -> NDArray[np.bool_]:
    canvas = np.zeros((h, w), np.uint8)
    pixels = geometry.pixels_at(trace).astype(np.int32)
    cv2.polylines(canvas, [pixels.reshape(-1, 1, 2)], isClosed=False, color=1)
    return canvas.astype(bool)


def _touching(found: NDArray[np.bool_], evidence: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The connected parts of `found` that meet the evidence; the evidence itself if none does."""
    _, parts = cv2.connectedComponents(found.astype(np.uint8), connectivity=8)
    kept = np.unique(parts[evidence & found])
    return np.isin(parts, kept) if kept.size else evidence


def _overlap(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    union = int((mask | other).sum())
    return int((mask & other).sum()) / union if union else 0.0
