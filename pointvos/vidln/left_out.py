"""Lines of a narrative file that are done without: named, counted and bounded."""

from __future__ import annotations

from dataclasses import dataclass, field

from pointvos.core.errors import InputError


@dataclass
class LeftOutLines:
    """Lines that cannot be used.

    Attributes:
        max_left_out: how many there may be.
        reasons: line -> what is wrong with it.
    """

    max_left_out: int = 0
    reasons: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the bound."""
        if self.max_left_out < 0:
            raise InputError(f"expected max_left_out >= 0, found {self.max_left_out}")

    def add(self, line: int, error: InputError) -> None:
        """Leave out one more line.

        Raises:
            InputError: that is more than there may be.
        """
        self.reasons[line] = str(error)
        if len(self.reasons) > self.max_left_out:
            raise InputError(
                f"{error}; {len(self.reasons)} lines cannot be used, {self.max_left_out} may be "
                "left out (max_left_out)"
            ) from error
