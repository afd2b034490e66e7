"""Keeps the scores of unnamed proposals and assigns them to objects at the end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from pointvos.core.errors import InputError
from pointvos.metrics.annotated_frame import AnnotatedFrame
from pointvos.metrics.frame_scores import compare, describe
from pointvos.metrics.id_tally import introduced_ids, missing_prediction
from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.rules import MAX_PROPOSALS, ScoringRules


class AssignmentTally:
    """Scores of every proposal (predicted label) against every object of a sequence.

    The final assignment is one to one and makes the sum of mean (J + F) / 2 largest. Objects beyond
    the number of proposals are scored against empty masks. The official scorer lists the results
    in the order of the proposals; here each stands with the id of its object.
    """

    def __init__(self, rules: ScoringRules, sequence: str) -> None:
        self._rules = rules
        self._sequence = sequence
        self._ids: list[int] = []
        self._highest_proposal = 0
        self._frame_names: list[str] = []
        self._tables: list[NDArray[np.float64]] = []  # per frame [2 (J, F), proposal, object]

    def register(self, frame: AnnotatedFrame) -> None:
        """Take note of the objects of the first annotated frame."""
        if frame.position == 0:
            self._ids = introduced_ids(frame, self._rules, self._sequence)

    def score(self, frame: AnnotatedFrame) -> None:
        """Score every proposal against every object on this frame."""
        prediction = frame.prediction
        if prediction is None:
            raise missing_prediction(frame, self._sequence)
        highest = max(frame.prediction_labels, default=0)
        if highest > MAX_PROPOSALS:
            raise InputError(
                f"{self._sequence}/{frame.name}: expected at most {MAX_PROPOSALS} proposals, "
                f"labelled from 1, found label {highest}"
            )
        self._highest_proposal = max(self._highest_proposal, highest)
        truth = [describe(frame.ground_truth == object_id, frame.radius) for object_id in self._ids]
        empty = describe(np.zeros((0, 0), dtype=np.bool_), frame.radius)
        table = np.empty((2, max(MAX_PROPOSALS, len(self._ids)), len(self._ids)))
        table[:] = np.transpose([compare(empty, true) for true in truth])[:, None]
        for label in frame.prediction_labels:
            proposal = describe(prediction == label, frame.radius)
            table[:, label - 1] = np.transpose([compare(proposal, true) for true in truth])
        self._frame_names.append(frame.name)
        self._tables.append(table)

    def result(self) -> SequenceScores:
        """Assign proposals to objects by the scores so far; objects by ascending id."""
        if not self._tables:
            return SequenceScores(self._sequence, (), tuple(self._ids))
        proposals = max(self._highest_proposal, len(self._ids))
        j, f = np.stack(self._tables, axis=1)[:, :, :proposals]  # each [frame, proposal, object]
        rows, columns = linear_sum_assignment(-(j.mean(axis=0) + f.mean(axis=0)) / 2)
        assigned = sorted(zip(columns.tolist(), rows.tolist(), strict=True))
        return SequenceScores(
            name=self._sequence,
            objects=tuple(
                ObjectScores(
                    sequence=self._sequence,
                    object_id=self._ids[column],
                    frame_names=tuple(self._frame_names),
                    j=j[:, row, column].copy(),
                    f=f[:, row, column].copy(),
                    proposal=row + 1,
                )
                for column, row in assigned
            ),
            unscored_ids=(),
        )
