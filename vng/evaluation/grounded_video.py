"""A method on one video: every noun scored on every annotated frame, and asked wrongly as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.metrics.frame_scores import region_similarity
from pointvos.visualize.strip import strip_frames
from vng.data.expressions import NarratedVideo
from vng.evaluation.expression_scores import ExpressionScorer, ExpressionScores
from vng.evaluation.open_set import EvaluationSet
from vng.evaluation.probes import Probe, Question, head
from vng.evaluation.result_folder import write_result
from vng.inference.grounding import FrameGrounding, GroundingMethod

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class GroundedExpression:
    """What a method did with one noun.

    Attributes:
        scores: J and F.
        presence: mean over the frames of its score that the object is there.
        probes: mean J of the masks of wrong nouns against the true masks of this one, by probe.
        pictures: frame index -> predicted mask, of a few annotated frames.
    """

    scores: ExpressionScores
    presence: float
    probes: Mapping[str, float]
    pictures: Mapping[int, StoredMask]


@dataclass(frozen=True)
class ToldApart:
    """Two nouns of a narrative that mean different objects: whether the masks of one fit its own.

    Attributes:
        same_word: whether both are called the same.
        right: 1 if they fit their own object better, 0 if the other's, 0.5 if both alike.
    """

    same_word: bool
    right: float


@dataclass(frozen=True)
class GroundedVideo:
    """What a method did on a video.

    Attributes:
        expressions: in their order.
        absent: mean scores of nouns that are not there, where they were asked for.
        pairs: of the nouns of each narrative, ordered.
    """

    expressions: tuple[GroundedExpression, ...]
    absent: tuple[float, ...]
    pairs: tuple[ToldApart, ...]


class VideoTruth:
    """The true masks of a video, of each object once, of one frame at a time.

    Args:
        evaluated: the set.
        video: of it.
    """

    def __init__(self, evaluated: EvaluationSet, video: NarratedVideo) -> None:
        ids = dict.fromkeys(one.obj_id for one in video.expressions)
        self.masks = {one: evaluated.narrated.masks(video, one) for one in ids}
        for number, expression in enumerate(video.expressions):
            if not any(mask is not None for mask in self.masks[expression.obj_id]):
                raise InputError(
                    f"{video.name}, expression {number} ({video.noun(expression)}): expected a "
                    "frame with a mask, found none: nothing to score"
                )
        self._latest: tuple[int, dict[int, Mask]] = (-1, {})

    def on(self, index: int) -> dict[int, Mask]:
        """Object id -> mask, of the objects that are annotated on a frame."""
        if self._latest[0] != index:
            decoded = {
                object_id: mask.decode()
                for object_id, of_one in self.masks.items()
                if (mask := of_one[index]) is not None
            }
            self._latest = index, decoded
        return self._latest[1]


def pictured_frames(masks: Sequence[StoredMask | None]) -> list[int]:
    """A few annotated frames, evenly spaced among those that show the object, if any do.

    Args:
        masks: of an object, one a frame.
    """
    annotated = [(t, mask) for t, mask in enumerate(masks) if mask is not None]
    shown = [t for t, mask in annotated if mask.area] or [t for t, _ in annotated]
    return [shown[place] for place in strip_frames(len(shown))]


@dataclass(frozen=True, eq=False)
class VideoRun:
    """One method on one video.

    Attributes:
        evaluated: the set.
        video: of it.
        method: that is run.
        truth: of the video.
        on_frame: called after each frame that was grounded.
        masks_folder: where predicted masks are written, in the official layout; None for nowhere.
    """

    evaluated: EvaluationSet
    video: NarratedVideo
    method: GroundingMethod
    truth: VideoTruth
    on_frame: Callable[[], object]
    masks_folder: Path | None

    def ground(self, questions: Mapping[Probe, Question], probes: Sequence[Probe]) -> GroundedVideo:
        """Ask for all nouns, one narrative after the other, then what the probes ask for.

        Args:
            questions: of the probes that ask for something else.
            probes: all of them.

        Raises:
            InputError: a question cannot be asked, or a frame is damaged or of another size than
                its masks.
        """
        wrong: dict[int, dict[str, float]] = {n: {} for n in range(len(self.video.expressions))}
        found: dict[int, _Tally] = {}
        pairs: list[ToldApart] = []
        for narrative in dict.fromkeys(one.narrative for one in self.video.expressions):
            tallies, crossed = self._narrative(narrative)
            found |= tallies
            pairs += crossed.told_apart()
            if "other_noun" in probes:
                for number, j in crossed.other_noun().items():
                    wrong[number]["other_noun"] = j
        absent: tuple[float, ...] = ()
        for probe, question in questions.items():
            j_by_number, scores = self._probe(question)
            for number, j in j_by_number.items():
                wrong[number][probe] = j
            if probe == "swapped":
                absent = scores
        expressions = tuple(found[n].result(wrong[n]) for n in range(len(self.video.expressions)))
        return GroundedVideo(expressions, absent, tuple(pairs))

    def _narrative(self, narrative: int) -> tuple[dict[int, _Tally], _Crossed]:
        listed = enumerate(self.video.expressions)
        members = {n: one for n, one in listed if one.narrative == narrative}
        tallies = {n: _Tally(self, n) for n in members}
        crossed = _Crossed(self.video, list(members))
        spans = tuple((one.start, one.end) for one in members.values())
        text = self.video.narratives[narrative].description
        for index, grounding in self._asked(Question(text, spans)):
            true = self.truth.on(index)
            for place, number in enumerate(members):
                tallies[number].add(index, grounding.masks[place], grounding.scores[place], true)
            crossed.add(grounding.masks, true)
        return tallies, crossed

    def _probe(self, question: Question) -> tuple[dict[int, float], tuple[float, ...]]:
        """J of each expression against a wrong noun, in turn; and the score of each wrong noun."""
        j: dict[int, list[float]] = {n: [] for n in range(len(self.video.expressions))}
        scores = []
        for index, grounding in self._asked(question):
            scores.append(grounding.scores)
            true = self.truth.on(index)
            for number, expression in enumerate(self.video.expressions):
                if expression.obj_id in true:
                    wrong = grounding.masks[number % len(question.spans)]
                    j[number].append(region_similarity(wrong, true[expression.obj_id]))
        means = {number: float(np.mean(values)) for number, values in j.items()}
        return means, tuple(float(one) for one in np.mean(scores, axis=0))

    def _asked(self, question: Question) -> Iterator[tuple[int, FrameGrounding]]:
        assert self.evaluated.frames is not None, "grounding looks at frames"
        frames = self.evaluated.frames.iterate(self.video)
        asked = self.method.ground(frames, question.text, question.spans)
        for index, grounding in zip(range(len(self.video.frames)), asked, strict=True):
            yield index, grounding
            self.on_frame()


class _Tally:
    """What one noun gets on each frame."""

    def __init__(self, run: VideoRun, number: int) -> None:
        self._run, self._number = run, number
        self._expression = run.video.expressions[number]
        self._scorer = ExpressionScorer(run.video, number, self._expression)
        self._pictured = set(pictured_frames(run.truth.masks[self._expression.obj_id]))
        self._pictures: dict[int, StoredMask] = {}
        self._presence: list[float] = []

    def add(self, index: int, mask: Mask, score: float, truth: Mapping[int, Mask]) -> None:
        run, object_id = self._run, self._expression.obj_id
        self._presence.append(float(score))
        if run.masks_folder is not None:
            write_result(run.masks_folder, run.video, self._number, index, mask)
        if object_id in truth:
            self._scorer.add(index, mask, truth[object_id])
        if index in self._pictured:
            name = run.video.frames[index]
            self._pictures[index] = StoredMask.from_mask(object_id, name, mask)

    def result(self, probes: Mapping[str, float]) -> GroundedExpression:
        presence = float(np.mean(self._presence))
        return GroundedExpression(self._scorer.result(), presence, probes, self._pictures)


class _Crossed:
    """J of the mask of each noun of a narrative against the object of each other, by frame."""

    def __init__(self, video: NarratedVideo, members: Sequence[int]) -> None:
        self._members = members
        self._objects = [video.expressions[n].obj_id for n in members]
        self._heads = [head(video.noun(video.expressions[n])) for n in members]
        places = range(len(members))
        self._j: dict[tuple[int, int], list[float]] = {
            (mine, other): [] for mine in places for other in places
        }

    def add(self, masks: NDArray[np.bool_], truth: Mapping[int, Mask]) -> None:
        if len(set(self._objects)) < 2:
            return
        for (mine, other), values in self._j.items():
            if self._objects[other] in truth:
                values.append(region_similarity(masks[mine], truth[self._objects[other]]))

    def other_noun(self) -> dict[int, float]:
        """Expression -> J of its object and the mask of the next noun that means another."""
        found = {}
        for mine, number in enumerate(self._members):
            behind = [*range(mine + 1, len(self._members)), *range(mine)]
            for other in behind:
                if self._objects[other] != self._objects[mine]:
                    found[number] = float(np.mean(self._j[other, mine]))
                    break
        return found

    def told_apart(self) -> list[ToldApart]:
        pairs = []
        for (mine, other), values in self._j.items():
            if self._objects[mine] == self._objects[other]:
                continue
            own, others = float(np.mean(self._j[mine, mine])), float(np.mean(values))
            right = 0.5 if own == others else float(own > others)
            pairs.append(ToldApart(self._heads[mine] == self._heads[other], right))
        return pairs
