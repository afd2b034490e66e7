"""Videos that training does without: named, counted and bounded, never silent."""

from __future__ import annotations

from dataclasses import dataclass, field

from pointvos.core.errors import InputError


@dataclass
class LeftOutVideos:
    """Videos of a source that cannot be used.

    Attributes:
        source: whose videos, for messages.
        max_left_out: how many there may be.
        reasons: video -> what it lacks.
    """

    source: str
    max_left_out: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the bound."""
        if self.max_left_out < 0:
            raise InputError(f"expected max_left_out >= 0, found {self.max_left_out}")

    def add(self, video: str, expected: str, found: str) -> None:
        """Leave out one more video.

        Raises:
            InputError: that is more than there may be; names the video.
        """
        self.reasons[video] = f"{found}, not {expected}"
        if len(self.reasons) > self.max_left_out:
            raise InputError(
                f"{self.source}: {video}: expected {expected}, found {found}; "
                f"{len(self.reasons)} videos cannot be used, {self.max_left_out} may be left out "
                "(max_left_out)"
            )
