"""Score a sequence frame by frame; nothing but the scores is kept."""

from __future__ import annotations

from collections.abc import Iterable

from pointvos.core.errors import InputError
from pointvos.metrics.annotated_frame import AnnotatedFrame, Labels, annotated_frame
from pointvos.metrics.assignment import AssignmentTally
from pointvos.metrics.id_tally import IdTally
from pointvos.metrics.object_scores import SequenceScores
from pointvos.metrics.rules import Matching, ScoringRules, Skip


class SequenceScorer:
    """Takes the frames of a sequence in order and gives its J and F.

    Memory holds at most one frame: where the last annotated frame is not scored, a frame waits
    until the next one shows that it was not the last.

    Args:
        rules: the rules of the benchmark.
        name: of the sequence or expression, for results and messages.

    >>> import numpy as np
    >>> from pointvos.metrics.rules import VNG
    >>> scorer = SequenceScorer(VNG, "clip")
    >>> truth = np.zeros((4, 8), dtype=np.uint8)
    >>> truth[:, :4] = 1
    >>> scorer.add("00000", truth, truth)
    >>> scorer.add("00001", None, truth)  # no ground truth here: not scored
    >>> scorer.result().objects[0].j_mean
    1.0
    """

    def __init__(self, rules: ScoringRules, name: str = "") -> None:
        self._rules = rules
        self._name = name
        tally = IdTally if rules.matching is Matching.SAME_ID else AssignmentTally
        self._tally = tally(rules, name)
        self._names: set[str] = set()
        self._waiting: AnnotatedFrame | None = None

    def add(self, frame_name: str, ground_truth: Labels | None, prediction: Labels | None) -> None:
        """Score the next frame.

        Args:
            frame_name: unique in the sequence.
            ground_truth: object labels uint8 or bool [H, W], 0 is background; None when the frame
                is not annotated, which leaves it out.
            prediction: labels of the same size; None when there is none.

        Raises:
            InputError: the frame was added before; a mask is of the wrong type or size; a scored
                frame has no prediction or a label that belongs to no object, unless the rules
                allow it; the first annotated frame shows no object where it has to. For a frame
                that waited, the error comes with the next call.
        """
        if ground_truth is None:
            return
        where = f"{self._name}/{frame_name}" if self._name else frame_name
        if frame_name in self._names:
            raise InputError(f"{where}: expected every frame once, found it a second time")
        position = len(self._names)
        self._names.add(frame_name)
        frame = annotated_frame(frame_name, position, ground_truth, prediction, self._rules, where)
        self._tally.register(frame)
        if self._rules.skip is not Skip.NONE and position == 0:
            return
        if self._rules.skip is Skip.FIRST_AND_LAST:
            if self._waiting is not None:
                self._tally.score(self._waiting)
            self._waiting = frame
        else:
            self._tally.score(frame)

    def result(self) -> SequenceScores:
        """The scores of all frames added so far.

        Raises:
            InputError: no frame is left to be scored, or a prediction has a label that never
                became an object.
        """
        scores = self._tally.result()
        if not scores.objects:
            raise InputError(
                f"{self._name or 'sequence'}: expected a frame to score, found "
                f"{len(self._names)} annotated frames, none of which counts under skip "
                f"{self._rules.skip.value!r} and objects {self._rules.objects.value!r}"
            )
        return scores


def score_sequence(
    rules: ScoringRules,
    frames: Iterable[tuple[str, Labels | None, Labels | None]],
    name: str = "",
) -> SequenceScores:
    """Score (frame name, ground truth, prediction) in order; see `SequenceScorer`."""
    scorer = SequenceScorer(rules, name)
    for frame_name, ground_truth, prediction in frames:
        scorer.add(frame_name, ground_truth, prediction)
    return scorer.result()
