"""A PV set by video: which objects have points on which frames, and where the frames are.

Held compactly (6 bytes a point), because the records of a release do not fit into memory as such.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import find_video
from pointvos.core.points import Points
from pointvos.formats.point_vos import PointVosRecord
from pointvos.formats.point_vos_files import iterate_records

NO_FRAMES = "expected its frames, a folder or a video file of its name, found none"


@dataclass(frozen=True, eq=False)
class AnnotatedObject:
    """One object of a video.

    Attributes:
        key: of its record.
        number: what it is in a palette PNG: its object_id, or else its place among the records of
            the video, from 1.
        frame_ids: the frames that carry points, in the order of the file.
        frame_of: of the smallest unsigned type, [P], the place in `frame_ids` of each point.
        pixels: uint16 [P, 2], (x, y) of each point, frame after frame in the order of the file.
        labels: int8 [P], values of `PointLabel`.
    """

    key: str
    number: int
    frame_ids: tuple[str, ...]
    frame_of: NDArray[np.unsignedinteger]
    pixels: NDArray[np.uint16]
    labels: NDArray[np.int8]

    @classmethod
    def from_record(cls, record: PointVosRecord, number: int) -> AnnotatedObject:
        """The points of a record; those without a frame are left out (as the authors do)."""
        frame_ids = record.frame_ids
        frame_of, pixels, labels = record.columns()
        return cls(
            key=record.key,
            number=number,
            frame_ids=tuple(map(sys.intern, frame_ids)),  # videos have frames of the same names
            frame_of=frame_of.astype(np.min_scalar_type(len(frame_ids))),
            pixels=pixels.astype(np.uint16),
            labels=labels,
        )

    def points(self, frame_id: str) -> Points:
        """The points on one frame, in the order of the file; none if the frame carries none."""
        if frame_id not in self.frame_ids:
            return Points.empty()
        here = self.frame_of == self.frame_ids.index(frame_id)
        return Points.from_pixels(self.pixels[here], self.labels[here])


@dataclass(frozen=True, eq=False)
class AnnotatedVideo:
    """The objects of one video.

    Attributes:
        name: video_name of the records; the key of the record where the frames of every object are
            in a folder of their own, as in the release.
        objects: in the order of the file.
        path: folder of frames or video file; None where there is neither.
    """

    name: str
    objects: tuple[AnnotatedObject, ...]
    path: Path | None

    @property
    def frame_ids(self) -> list[str]:
        """All frames that carry points, in the order of the file."""
        return list(dict.fromkeys(frame for one in self.objects for frame in one.frame_ids))


@dataclass(frozen=True, eq=False)
class AnnotatedVideos:
    """The videos of a PV set.

    Attributes:
        videos: by name, sorted.
        unnamed: keys of the records without a video_name.
    """

    videos: dict[str, AnnotatedVideo]
    unnamed: tuple[str, ...]


def read_annotated_videos(path: str | Path, frames: str | Path) -> AnnotatedVideos:
    """Read a PV set and look for the frames of its videos.

    Args:
        path: of the set, .json or .jsonl.
        frames: holds one folder or video file a video, named by video_name; or, as in the release,
            one folder an object, named by the key of its record.

    Raises:
        FileNotFoundError: there is no such file or folder.
        InputError: the file is damaged (see `iterate_records`) or empty, or the objects of a video
            do not have numbers of their own.
    """
    root = Path(frames)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a folder with the frames of videos, found none")
    places: dict[str, Path | None] = {}
    grouped: dict[str, list[AnnotatedObject]] = {}
    with_id: dict[str, bool] = {}
    unnamed = []
    empty = True
    for record in iterate_records(path):
        empty = False
        if record.video_name is None:
            unnamed.append(record.key)
            continue
        name = _place(record, root, places, source=path)
        objects = grouped.setdefault(name, [])
        if with_id.setdefault(name, record.object_id is not None) != (record.object_id is not None):
            raise InputError(
                f"{path}: expected object_id in all records of {name} or in none of them"
            )
        number = len(objects) + 1 if record.object_id is None else record.object_id
        if any(other.number == number for other in objects):
            raise InputError(
                f"{path}: expected every object of {name} once, found {number} twice (second: "
                f"{record.key})"
            )
        objects.append(AnnotatedObject.from_record(record, number))
    if empty:
        raise InputError(f"{path}: expected records, found none")
    videos = {
        name: AnnotatedVideo(name, tuple(grouped[name]), places[name]) for name in sorted(grouped)
    }
    return AnnotatedVideos(videos, tuple(unnamed))


def _place(
    record: PointVosRecord, root: Path, places: dict[str, Path | None], *, source: str | Path
) -> str:
    """The name under which a record is worked on; notes in `places` where its frames are."""
    name = str(record.video_name)
    if name not in places:
        places[name] = find_video(root, name, source=f"{source}: {record.key}.video_name")
    if places[name] is not None:
        return name
    own = find_video(root, record.key, source=f"{source}: {record.key}")
    if own is None or not own.is_dir():
        return name
    places[record.key] = own
    return record.key
