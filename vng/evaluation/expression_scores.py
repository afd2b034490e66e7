"""J and F of expressions, by the rules of the official VNG evaluator.

Scored is every frame on which the object is annotated, an empty mask included; no frame is left out
at the start or the end. The mean over its frames is the score of an expression, the mean over all
expressions of all videos that of the set: an expression of a long video counts as one of a short
one (google/video-localized-narratives, eval_vng.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.metrics.frame_scores import FrameScore, score_frame
from vng.data.expressions import Expression, NarratedVideo

ReadMask = Callable[[int], NDArray[np.bool_]]  # index of a frame -> predicted mask, bool [H, W]


@dataclass(frozen=True)
class ExpressionScores:
    """How well one noun was grounded in one video.

    Attributes:
        video: its name.
        expression: the id in its video.
        noun: the words.
        object_id: that they mean.
        frames: names of the frames that are scored.
        j: region similarity of each, in [0, 1].
        f: boundary accuracy of each, in [0, 1].
    """

    video: str
    expression: int
    noun: str
    object_id: int
    frames: tuple[str, ...]
    j: tuple[float, ...]
    f: tuple[float, ...]

    @property
    def j_mean(self) -> float:
        """Mean J over the frames, a fraction."""
        return float(np.mean(self.j))

    @property
    def f_mean(self) -> float:
        """Mean F over the frames, a fraction."""
        return float(np.mean(self.f))

    @property
    def j_and_f(self) -> float:
        """Mean of both."""
        return (self.j_mean + self.f_mean) / 2


@dataclass(frozen=True)
class VngScores:
    """Scores of a set.

    Attributes:
        expressions: at least one.
    """

    expressions: tuple[ExpressionScores, ...]

    @property
    def j_mean(self) -> float:
        """Mean J over the expressions, a fraction."""
        return float(np.mean([one.j_mean for one in self.expressions]))

    @property
    def f_mean(self) -> float:
        """Mean F over the expressions, a fraction."""
        return float(np.mean([one.f_mean for one in self.expressions]))

    @property
    def j_and_f(self) -> float:
        """Mean of both."""
        return (self.j_mean + self.f_mean) / 2


class ExpressionScorer:
    """Scores the masks of one expression, frame by frame.

    Args:
        video: that it is of.
        number: its id there.
        expression: what was to be grounded.
    """

    def __init__(self, video: NarratedVideo, number: int, expression: Expression) -> None:
        self._video, self._number, self._expression = video, number, expression
        self._where = f"{video.name}, expression {number} ({video.noun(expression)})"
        self._frames: list[str] = []
        self._scores: list[FrameScore] = []

    def add(self, index: int, found: NDArray[np.bool_], truth: NDArray[np.bool_]) -> None:
        """Score an annotated frame.

        Args:
            index: of the frame.
            found: bool [H, W], the predicted mask.
            truth: bool [H, W], the true one.

        Raises:
            InputError: they differ in size.
        """
        name = self._video.frames[index]
        if found.shape != truth.shape:
            raise InputError(
                f"{self._where}, frame {name}: expected a mask of {truth.shape[1]}x"
                f"{truth.shape[0]}, found {found.shape[1]}x{found.shape[0]}"
            )
        self._frames.append(name)
        self._scores.append(score_frame(found, truth))

    def result(self) -> ExpressionScores:
        """The scores of all frames.

        Raises:
            InputError: none was annotated.
        """
        if not self._frames:
            raise InputError(
                f"{self._where}: expected a frame with a mask, found none: nothing to score"
            )
        return ExpressionScores(
            video=self._video.name,
            expression=self._number,
            noun=self._video.noun(self._expression),
            object_id=self._expression.obj_id,
            frames=tuple(self._frames),
            j=tuple(score.j for score in self._scores),
            f=tuple(score.f for score in self._scores),
        )


def score_expression(
    video: NarratedVideo,
    number: int,
    expression: Expression,
    truth: Sequence[StoredMask | None],
    predicted: ReadMask,
) -> ExpressionScores:
    """Score the masks of one expression.

    Args:
        video: that it is of.
        number: its id there.
        expression: what was to be grounded.
        truth: the masks of its object, one a frame of the video, as `VngSet.masks` gives them.
        predicted: asked for the annotated frames only, in order.

    Raises:
        InputError: no frame is annotated, or a predicted mask has another size than the true one.
    """
    scorer = ExpressionScorer(video, number, expression)
    for index, mask in enumerate(truth):
        if mask is not None:
            scorer.add(index, predicted(index), mask.decode())
    return scorer.result()
