"""What came out of grounding the nouns of a narrative in a video, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pointvos.core.aligned_rows import aligned_rows
from vng.grounding.grounded import NounLabel, NounQuestion


@dataclass
class NounTrack:
    """One noun through a video.

    Attributes:
        label: the noun.
        scores: of each frame, in [0, 1].
        area: pixels of its mask in each frame.
    """

    label: NounLabel
    scores: list[float] = field(default_factory=list)
    area: list[int] = field(default_factory=list)

    @property
    def frames_visible(self) -> int:
        """In how many frames it has a mask."""
        return sum(area > 0 for area in self.area)

    def as_dict(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {
            "number": self.label.number,
            "noun": self.label.text,
            "span": [self.label.start, self.label.end],
            "masks": f"masks/{self.label.folder}",
            "colour": "#{:02x}{:02x}{:02x}".format(*self.label.colour),
            "frames_visible": self.frames_visible,
            "scores": self.scores,
            "area": self.area,
        }


@dataclass(frozen=True, kw_only=True)
class GroundingReport:
    """One narrative in one video.

    Attributes:
        video: name of the video.
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        rate: frames per second.
        frames: the name of every frame that was looked at, in order.
        question: what was asked.
        tracks: what was found, one a noun.
        method: as it was asked for.
        identity: of the run: equal runs give equal results.
        continued_from: frames that an earlier run had grounded already.
        grounding_seconds: decoding and network, of the frames of this run.
        drawing_seconds: mask files, overlay video, strip and page.
    """

    video: str
    height: int
    width: int
    rate: float
    frames: Sequence[str]
    question: NounQuestion
    tracks: Sequence[NounTrack]
    method: str
    identity: dict[str, Any]
    continued_from: int
    grounding_seconds: float
    drawing_seconds: float

    @property
    def seconds_per_frame(self) -> float | None:
        """Of grounding, pictures not counted; None where an earlier run had grounded them all."""
        done = len(self.frames) - self.continued_from
        return self.grounding_seconds / done if done else None

    def as_dict(self) -> dict[str, Any]:
        """The content of results.json but for the facts of the run."""
        per_frame = self.seconds_per_frame
        return {
            "video": {
                "name": self.video,
                "height": self.height,
                "width": self.width,
                "rate": self.rate,
                "frames": len(self.frames),
            },
            "narrative": {"name": self.question.name, "text": self.question.text},
            "method": self.method,
            "identity": self.identity,
            "continued_from": self.continued_from,
            "seconds_per_frame": None if per_frame is None else round(per_frame, 4),
            "grounding_seconds": round(self.grounding_seconds, 3),
            "drawing_seconds": round(self.drawing_seconds, 3),
            "frames": list(self.frames),
            "nouns": [track.as_dict() for track in self.tracks],
        }

    def table(self) -> str:
        """A few lines for the terminal: the video, then one line a noun.

        Areas are shares of the frame, over the frames in which the noun has a mask.
        """
        header = ("", "noun", "score", "best at", "visible", "area", "largest")
        lines = aligned_rows(header, list(map(self._row, self.tracks)), left=(1, 3))
        per_frame = self.seconds_per_frame
        speed = "grounded before" if per_frame is None else f"{per_frame:.3f} s a frame to ground"
        summary = (
            f"{self.video}: {len(self.frames)} frames of {self.width}x{self.height}, {speed}, "
            f"{self.drawing_seconds / len(self.frames):.3f} s a frame to draw"
        )
        return "\n".join([summary, *lines])

    def _row(self, track: NounTrack) -> tuple[str, ...]:
        pixels = self.height * self.width
        visible = [area for area in track.area if area]
        noun = " ".join(track.label.text.split())
        return (
            str(track.label.number),
            noun if len(noun) <= 40 else f"{noun[:38]}..",
            f"{sum(track.scores) / len(track.scores):.2f}",
            self.frames[max(range(len(track.scores)), key=track.scores.__getitem__)],
            f"{len(visible)} frames",
            f"{sum(visible) / len(visible) / pixels:.1%}" if visible else "-",
            f"{max(track.area) / pixels:.1%}",
        )
