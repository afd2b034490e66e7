"""J&F of a network that is being trained, on a few frames of a few videos."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from vng.data.expressions import NarratedVideo
from vng.evaluation.expression_scores import ExpressionScores, VngScores, score_expression
from vng.evaluation.open_set import EvaluationSet, FrameReader, open_set
from vng.inference.rf_vng import RFVNGGrounding
from vng.text.features import TextFeatures
from vng.training.network import NarrativeGrounder
from vng.training.settings import ValidationSettings

Item = TypeVar("Item")


class Validation:
    """Scores a network; asked again and again in the course of a training.

    The frames of a video that are scored, spread over those that are annotated, are also all that
    the network sees of it: it is a look at how training goes, not an evaluation.

    Args:
        settings: of which set, and how much of it.

    Raises:
        FileNotFoundError: something of the set is missing.
        InputError: it is damaged, or has no expression with masks.
    """

    def __init__(self, settings: ValidationSettings) -> None:
        self.settings = settings
        self.evaluated: EvaluationSet = open_set(
            settings.set,
            frames=settings.frames,
            masks=settings.masks,
            original_masks=settings.original_masks,
        )
        if self.evaluated.frames is None:
            raise InputError(f"validation.frames: expected a folder for {settings.set}, found none")
        self.frames: FrameReader = self.evaluated.frames
        asked = [video for video in self.evaluated.narrated.videos.values() if video.expressions]
        if not asked:
            raise InputError(f"{settings.set}: expected expressions, found none")
        self.videos = _spread(asked, settings.videos)
        for video in self.videos:
            self.frames.check(video)

    def __call__(self, network: NarrativeGrounder, iteration: int) -> dict[str, float]:
        """J, F and their mean over the expressions, fractions; the network is in eval mode."""
        del iteration  # every time the same is asked
        text = network.frozen_text
        if text is None:  # still in training: a copy is frozen in its place
            assert network.text_encoder is not None
            text = TextFeatures(copy.deepcopy(network.text_encoder), cache_mb=0)
        method = RFVNGGrounding(
            name="in training",
            network=network.rf_vng,
            text=text,
            query=network.query,
            short_side=self.settings.short_side,
            window=self.settings.frames_per_video,
        )
        scored = [one for video in self.videos for one in self._score(video, method)]
        scores = VngScores(tuple(scored))
        return {"j_mean": scores.j_mean, "f_mean": scores.f_mean, "j_and_f": scores.j_and_f}

    def _score(self, video: NarratedVideo, method: RFVNGGrounding) -> Iterable[ExpressionScores]:
        narrated = self.evaluated.narrated
        for narrative in sorted({one.narrative for one in video.expressions}):
            asked = [
                (number, one, narrated.masks(video, one.obj_id))
                for number, one in enumerate(video.expressions)
                if one.narrative == narrative
            ]
            known = [
                i for i in range(len(video.frames)) if any(m[i] is not None for *_, m in asked)
            ]
            chosen = _spread(known, self.settings.frames_per_video)
            if not chosen:
                continue
            frames = (self.frames.read(video, index) for index in chosen)
            spans = [(one.start, one.end) for _, one, _ in asked]
            found = method.ground(frames, video.narratives[narrative].description, spans)
            masks = dict(zip(chosen, (one.masks for one in found), strict=True))
            for n, (number, expression, truth) in enumerate(asked):
                shown = _only(truth, chosen)
                if any(mask is not None for mask in shown):
                    yield score_expression(video, number, expression, shown, _Found(masks, n))


class _Found:
    """The masks of a noun, by the index of their frame."""

    def __init__(self, masks: dict[int, NDArray[np.bool_]], noun: int) -> None:
        self.masks = masks
        self.noun = noun

    def __call__(self, frame: int) -> NDArray[np.bool_]:
        mask: NDArray[np.bool_] = self.masks[frame][self.noun]
        return mask


def _only(truth: Sequence[StoredMask | None], frames: Sequence[int]) -> list[StoredMask | None]:
    return [mask if index in frames else None for index, mask in enumerate(truth)]


def _spread(items: Sequence[Item], count: int) -> list[Item]:
    """At most so many of them, from the first to the last."""
    if len(items) <= count:
        return list(items)
    places = np.linspace(0, len(items) - 1, count).round().astype(int)
    return [items[place] for place in places]
