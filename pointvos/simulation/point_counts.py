"""Counting a point set the way Tab. 11 of the paper does."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pointvos.formats.point_vos import PointStatus, PointVosRecord


@dataclass
class PointCounts:
    """Counts of a point set.

    Attributes:
        videos: with at least one object.
        objects: records.
        frames: of a video that carry a foreground point of at least one object; the paper's
            "annotations".
        object_frames: (object, frame) pairs with a foreground point.
        positive: foreground points.
        negative: background points; those that several objects share count once.
        ambiguous: points on which the annotators could not decide.
    """

    videos: int = 0
    objects: int = 0
    frames: int = 0
    object_frames: int = 0
    positive: int = 0
    negative: int = 0
    ambiguous: int = 0

    def add_video(self, records: Iterable[PointVosRecord]) -> None:
        """Count the records of one video."""
        positive_frames: set[str | None] = set()
        negative: set[tuple[str | None, int, int]] = set()
        objects = 0
        for record in records:
            objects += 1
            on_frames = set()
            for point in record.annotated_points:
                if point.status is PointStatus.ACCEPTED:
                    self.positive += 1
                    on_frames.add(point.frame_id)
                elif point.status is PointStatus.REJECTED:
                    negative.add((point.frame_id, point.x, point.y))
                else:
                    self.ambiguous += 1
            self.object_frames += len(on_frames)
            positive_frames |= on_frames
        self.videos += objects > 0
        self.objects += objects
        self.frames += len(positive_frames)
        self.negative += len(negative)

    def table(self) -> str:
        """The counts as lines of text."""
        rows: dict[str, int | float] = {
            "videos": self.videos,
            "objects": self.objects,
            "frames with an object": self.frames,
            "object-frames": self.object_frames,
            "positive points": self.positive,
            "negative points": self.negative,
        }
        if self.object_frames:
            rows["positive per object-frame"] = self.positive / self.object_frames
        return "\n".join(
            f"{name:<26}{value:>12,}" if isinstance(value, int) else f"{name:<26}{value:>12.1f}"
            for name, value in rows.items()
        )
