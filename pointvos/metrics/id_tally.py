"""Keeps the scores of objects whose predictions carry the same id."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pointvos.core.errors import InputError
from pointvos.metrics.annotated_frame import AnnotatedFrame
from pointvos.metrics.frame_scores import FrameScore, score_within
from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.rules import EmptyFrames, Objects, ScoringRules, UnknownLabels

PERFECT = FrameScore(j=1.0, f=1.0)


@dataclass
class _Row:
    """The scores of one object so far."""

    first_position: int
    frame_names: list[str] = field(default_factory=list)
    scores: list[FrameScore] = field(default_factory=list)


class IdTally:
    """Scores of a sequence, predicted label n against true label n."""

    def __init__(self, rules: ScoringRules, sequence: str) -> None:
        self._rules = rules
        self._sequence = sequence
        self._rows: dict[int, _Row] = {}
        # Labels that were predicted before they were objects, with the frame that did it.
        self._early: dict[int, str] = {}

    def register(self, frame: AnnotatedFrame) -> None:
        """Take note of the objects that a frame introduces, scored or not."""
        if self._rules.objects is Objects.FIRST_APPEARANCE or frame.position == 0:
            for object_id in introduced_ids(frame, self._rules, self._sequence):
                self._rows.setdefault(object_id, _Row(first_position=frame.position))

    def score(self, frame: AnnotatedFrame) -> None:
        """Score every object that counts on this frame."""
        prediction = frame.prediction
        if prediction is None:
            raise missing_prediction(frame, self._sequence)
        self._check_labels(frame)
        after_first = self._rules.objects is Objects.FIRST_APPEARANCE
        for object_id, row in self._rows.items():
            if after_first and frame.position <= row.first_position:
                continue
            predicted, true = prediction == object_id, frame.ground_truth == object_id
            if predicted.any() or true.any():
                score = score_within(predicted, true, frame.radius)
            elif self._rules.empty_frames is EmptyFrames.PERFECT:
                score = PERFECT
            else:
                continue
            row.frame_names.append(frame.name)
            row.scores.append(score)

    def result(self) -> SequenceScores:
        """The scores so far, objects by ascending id."""
        unknown = sorted(set(self._early) - set(self._rows))
        if unknown:
            raise _unknown_label(unknown[0], self._early[unknown[0]], self._sequence, self._rows)
        scored = {key: row for key, row in sorted(self._rows.items()) if row.scores}
        return SequenceScores(
            name=self._sequence,
            objects=tuple(
                ObjectScores(
                    sequence=self._sequence,
                    object_id=object_id,
                    frame_names=tuple(row.frame_names),
                    j=np.array([score.j for score in row.scores]),
                    f=np.array([score.f for score in row.scores]),
                    proposal=object_id,
                )
                for object_id, row in scored.items()
            ),
            unscored_ids=tuple(sorted(set(self._rows) - set(scored))),
        )

    def _check_labels(self, frame: AnnotatedFrame) -> None:
        unknown = sorted(frame.prediction_labels - self._rows.keys())
        if not unknown or self._rules.unknown_labels is UnknownLabels.IGNORE:
            return
        if self._rules.objects is not Objects.FIRST_APPEARANCE:
            raise _unknown_label(unknown[0], frame.name, self._sequence, self._rows)
        for label in unknown:
            self._early.setdefault(label, frame.name)


def introduced_ids(frame: AnnotatedFrame, rules: ScoringRules, sequence: str) -> list[int]:
    """The ids that a frame makes into objects under the rules.

    Raises:
        InputError: the frame has to show an object, being the first, and shows none.
    """
    if rules.objects is Objects.FOREGROUND:
        return [1]
    ids = sorted(frame.ground_truth_labels)
    if rules.objects is Objects.FIRST_APPEARANCE:
        return ids
    if not ids:
        raise InputError(
            f"{sequence}/{frame.name}: expected the first annotated frame to show the objects of "
            f"the sequence, found none; score it by 'first_appearance' or 'foreground'"
        )
    return list(range(1, ids[-1] + 1)) if rules.objects is Objects.FIRST_FRAME_RANGE else ids


def missing_prediction(frame: AnnotatedFrame, sequence: str) -> InputError:
    """The error about a scored frame without a prediction."""
    return InputError(
        f"{sequence}/{frame.name}: expected a predicted mask for this annotated frame, found none"
    )


def _unknown_label(label: int, frame: str, sequence: str, known: dict[int, _Row]) -> InputError:
    return InputError(
        f"{sequence}/{frame}: expected predicted labels among the objects {sorted(known)}, found "
        f"{label}"
    )
