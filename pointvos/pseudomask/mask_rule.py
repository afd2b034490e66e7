"""From which points pseudo-masks are made, and what becomes of them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pointvos.core.errors import InputError

ALL_POINTS = 0  # the setting in which a mask is made from all points
POINT_COUNTS = (1, 2, 5, 10)  # paper, section 4.1


@dataclass(frozen=True, kw_only=True)
class MaskRule:
    """How the masks of a PV set are made.

    Attributes:
        use: for training, masks come from all foreground and background points; for validation,
            from the first k foreground points, once for each of `point_counts` (paper, section
            4.1).
        point_counts: the values of k, ascending; of no effect in training.
        overlaps: whether a pixel may belong to several objects of a frame.
        hold_out: share of the points of an object that a second mask is made without and judged
            by (training only); the mask that is kept comes from all points.
        seed: of the points held out.

    Raises:
        InputError: a value cannot be meant.
    """

    use: Literal["training", "validation"] = "training"
    point_counts: tuple[int, ...] = POINT_COUNTS
    overlaps: Literal["resolve", "keep"] = "resolve"
    hold_out: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every value."""
        counts = self.point_counts
        if not counts or min(counts) < 1 or any(b <= a for a, b in pairwise(counts)):
            raise InputError(f"point_counts: expected ascending numbers >= 1, found {list(counts)}")
        if not 0 <= self.hold_out < 1:
            raise InputError(
                f"hold_out: expected a share of at least 0 and below 1, found {self.hold_out}"
            )
        if self.hold_out and self.use == "validation":
            raise InputError(
                "hold_out: expected 0 for validation, whose masks are judged by the points that "
                f"they are not made from anyway, found {self.hold_out}"
            )
        if self.seed < 0:
            raise InputError(f"seed: expected an integer >= 0, found {self.seed}")

    @property
    def settings(self) -> tuple[int, ...]:
        """One entry for each mask of an object on a frame: its k, `ALL_POINTS` in training."""
        return (ALL_POINTS,) if self.use == "training" else self.point_counts
