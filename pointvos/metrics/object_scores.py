"""What scoring a sequence gives: the J and F of each object on each scored frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointvos.metrics.frame_statistics import FrameStatistics, frame_statistics


@dataclass(frozen=True, eq=False)
class ObjectScores:
    """The scores of one object of one sequence.

    Attributes:
        sequence: name of the sequence (or expression).
        object_id: the id in the ground truth; 1 for a whole foreground.
        frame_names: the scored frames in order, T >= 1 of them.
        j: float64 [T], region similarity in [0, 1].
        f: float64 [T], boundary accuracy in [0, 1].
        proposal: the predicted label that was assigned to the object.
    """

    sequence: str
    object_id: int
    frame_names: tuple[str, ...]
    j: NDArray[np.float64]
    f: NDArray[np.float64]
    proposal: int

    @property
    def j_statistics(self) -> FrameStatistics:
        """Mean, recall and decay of J."""
        return frame_statistics(self.j)

    @property
    def f_statistics(self) -> FrameStatistics:
        """Mean, recall and decay of F."""
        return frame_statistics(self.f)

    @property
    def j_mean(self) -> float:
        """Mean J over the scored frames, in [0, 1]."""
        return self.j_statistics.mean

    @property
    def f_mean(self) -> float:
        """Mean F over the scored frames, in [0, 1]."""
        return self.f_statistics.mean

    @property
    def j_and_f(self) -> float:
        """Mean of `j_mean` and `f_mean`."""
        return (self.j_mean + self.f_mean) / 2


@dataclass(frozen=True, eq=False)
class SequenceScores:
    """The scores of one sequence.

    Attributes:
        name: of the sequence (or expression).
        objects: by ascending object id.
        unscored_ids: objects of the sequence without a single scored frame, such as one that
            appears on the last annotated frame. They count in no average.
    """

    name: str
    objects: tuple[ObjectScores, ...]
    unscored_ids: tuple[int, ...]
