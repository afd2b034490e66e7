"""What came out of propagating one video, as JSON and as a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pointvos.core.aligned_rows import aligned_rows


@dataclass(frozen=True, kw_only=True)
class ObjectReport:
    """One object.

    Attributes:
        object_id: as in the mask files.
        name: as in the pictures.
        reference_frames: names of the frames it was given on.
        points: foreground points it was given by; None where it was given by a mask.
        area: its pixels in each frame of the video, in order.
    """

    object_id: int
    name: str
    reference_frames: list[str]
    points: int | None
    area: list[int]

    def as_dict(self) -> dict[str, Any]:
        """The entry in results.json."""
        return {
            "id": self.object_id,
            "name": self.name,
            "given": "mask" if self.points is None else "points",
            "points": self.points,
            "reference_frames": self.reference_frames,
            "frames_visible": sum(area > 0 for area in self.area),
            "area": self.area,
        }


@dataclass(frozen=True, kw_only=True)
class VideoReport:
    """One video.

    Attributes:
        video: its name.
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        rate: frames per second of the video.
        frames: the name of every frame, in order.
        objects: what was followed.
        model: as it was asked for.
        propagation: the settings that came to be used.
        segmenting_seconds: decoding, network and mask files, all frames.
        drawing_seconds: overlay video and strip.
    """

    video: str
    height: int
    width: int
    rate: float
    frames: list[str]
    objects: list[ObjectReport]
    model: str
    propagation: dict[str, int | float | list[float] | None]
    segmenting_seconds: float
    drawing_seconds: float

    @property
    def seconds_per_frame(self) -> float:
        """Of segmenting, pictures not counted."""
        return self.segmenting_seconds / len(self.frames)

    def as_dict(self) -> dict[str, Any]:
        """The content of results.json but for the facts of the run."""
        return {
            "video": {
                "name": self.video,
                "height": self.height,
                "width": self.width,
                "rate": self.rate,
                "frames": len(self.frames),
            },
            "model": self.model,
            "propagation": self.propagation,
            "seconds_per_frame": round(self.seconds_per_frame, 4),
            "segmenting_seconds": round(self.segmenting_seconds, 3),
            "drawing_seconds": round(self.drawing_seconds, 3),
            "frames": self.frames,
            "objects": [entry.as_dict() for entry in self.objects],
        }

    def table(self) -> str:
        """A few lines for the terminal: the video, then one line per object.

        Areas are shares of the frame.
        """
        header = ("id", "object", "given on", "first", "last", "largest", "visible")
        lines = aligned_rows(header, list(map(self._row, self.objects)), left=range(3))
        summary = (
            f"{self.video}: {len(self.frames)} frames of {self.width}x{self.height}, "
            f"{self.seconds_per_frame:.3f} s a frame to segment, "
            f"{self.drawing_seconds / len(self.frames):.3f} s to draw"
        )
        return "\n".join([summary, *lines])

    def _row(self, entry: ObjectReport) -> tuple[str, ...]:
        pixels = self.height * self.width
        shown = ", ".join(entry.reference_frames[:3])
        if len(entry.reference_frames) > 3:
            shown += f" and {len(entry.reference_frames) - 3} more"
        if entry.points is None:
            shown += " (mask)"
        else:
            shown += f" ({entry.points} point{'s' if entry.points > 1 else ''})"
        return (
            str(entry.object_id),
            entry.name if len(entry.name) <= 40 else f"{entry.name[:38]}..",
            shown,
            f"{entry.area[0] / pixels:.1%}",
            f"{entry.area[-1] / pixels:.1%}",
            f"{max(entry.area) / pixels:.1%}",
            f"{sum(area > 0 for area in entry.area)} frames",
        )
