"""Pseudo-masks of the objects of one frame, with their quality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.core.frames import Frame
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.points import PointLabel, Points
from pointvos.pseudomask.annotated_videos import AnnotatedObject
from pointvos.pseudomask.backend import MaskBackend, MaskResult, Prompt
from pointvos.pseudomask.mask_rule import ALL_POINTS, MaskRule
from pointvos.pseudomask.overlaps import resolve_overlaps
from pointvos.pseudomask.quality import MaskQuality, held_out_split, points_on_their_side
from pointvos.simulation.seeded import generator


class ObjectOnFrame(NamedTuple):
    """An object and the points that were annotated for it on one frame."""

    about: AnnotatedObject
    points: Points


@dataclass
class FrameMasks:
    """What was made of one frame.

    Attributes:
        masks: setting -> the masks that are not empty.
        quality: a row for each mask, also for empty ones.
    """

    masks: dict[int, list[StoredMask]] = field(default_factory=dict)
    quality: list[MaskQuality] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class FrameMaker:
    """Makes the masks of one frame.

    Attributes:
        backend: makes masks from points.
        rule: of the run.
        video: name of the video.
        frame: its pixels.
        objects: each with a foreground point, all points inside the frame.
    """

    backend: MaskBackend
    rule: MaskRule
    video: str
    frame: Frame
    objects: Sequence[ObjectOnFrame]

    def make(self) -> FrameMasks:
        """All masks of the frame, for every setting of the rule.

        Raises:
            InputError: the backend refuses the points, as where a pixel is on and off an object.
        """
        made = FrameMasks()
        for setting in self.rule.settings:
            given = [given_points(one.points, setting) for one in self.objects]
            results, masks = self._predict(given)
            unseen = self._unseen(setting, given, masks)
            stored = []
            for (about, _), mask, result, points, judged in zip(
                self.objects, masks, results, given, unseen, strict=True
            ):
                made.quality.append(self._row(about, setting, mask, result, points, judged))
                if mask.any():
                    stored.append(
                        StoredMask.from_mask(about.key, self.frame.name, mask, score=result.score)
                    )
            made.masks[setting] = stored
        return made

    def _predict(self, given: Sequence[Points]) -> tuple[list[MaskResult], list[NDArray[np.bool_]]]:
        """What the backend gives, and the masks without overlaps unless these may stay."""
        prompts = [
            Prompt(points=points, name=f"object {one.about.key}")
            for one, points in zip(self.objects, given, strict=True)
        ]
        results = self.backend.masks(self.frame.rgb, prompts)
        masks = [result.mask for result in results]
        if self.rule.overlaps == "resolve":
            scores = [result.score for result in results]
            masks = resolve_overlaps(masks, scores, [points.foreground.xy for points in given])
        return results, masks

    def _unseen(
        self, setting: int, given: Sequence[Points], masks: Sequence[NDArray[np.bool_]]
    ) -> list[dict[str, int]]:
        """For each object, how points that a mask was made without agree with that mask."""
        if setting != ALL_POINTS:
            return [
                _counts(mask, _beyond(one.points, len(points)), "unseen_")
                for one, points, mask in zip(self.objects, given, masks, strict=True)
            ]
        if not self.rule.hold_out:
            return [{} for _ in self.objects]
        splits = []
        for one, points in zip(self.objects, given, strict=True):
            rng = generator(self.rule.seed, self.video, self.frame.name, one.about.key)
            splits.append(held_out_split(points, self.rule.hold_out, rng))
        _, without = self._predict([kept for kept, _ in splits])
        return [
            _counts(mask, held, "unseen_") for mask, (_, held) in zip(without, splits, strict=True)
        ]

    def _row(
        self,
        about: AnnotatedObject,
        setting: int,
        mask: NDArray[np.bool_],
        result: MaskResult,
        given: Points,
        unseen: dict[str, int],
    ) -> MaskQuality:
        area = int(mask.sum())
        return MaskQuality(
            video=self.video,
            object_id=about.key,
            number=about.number,
            frame=self.frame.name,
            setting=setting,
            score=result.score,
            area=area,
            area_share=area / mask.size,
            given_away=int(result.mask.sum()) - area,
            **_counts(mask, given, ""),
            **unseen,
        )


def given_points(points: Points, setting: int) -> Points:
    """The points that a mask is made from: the first so many foreground points, or all.

    Ambiguous points are never among them (paper, appendix C).
    """
    if setting == ALL_POINTS:
        return points.take(points.labels != PointLabel.AMBIGUOUS)
    return points.foreground.take(np.arange(min(setting, len(points.foreground))))


def _beyond(points: Points, count: int) -> Points:
    """All points but the first `count` foreground points and the ambiguous ones."""
    foreground = points.foreground
    later = foreground.take(np.arange(count, len(foreground)))
    return Points.concatenate([later, points.background])


def _counts(mask: NDArray[np.bool_], points: Points, prefix: str) -> dict[str, int]:
    inside, outside = points_on_their_side(mask, points)
    return {
        f"{prefix}foreground": len(points.foreground),
        f"{prefix}foreground_inside": inside,
        f"{prefix}background": len(points.background),
        f"{prefix}background_outside": outside,
    }
