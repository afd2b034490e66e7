"""The points that initialise the objects of one video, from any of three kinds of file."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import FrameNames
from pointvos.core.frames import FrameSource
from pointvos.core.jsonfile import read_json
from pointvos.core.masks import MAX_OBJECT_ID
from pointvos.core.points import PointLabel, Points
from pointvos.formats.point_png import read_point_png
from pointvos.formats.point_vos import PointVosRecord, check_points_inside
from pointvos.formats.point_vos_files import read_records


@dataclass(frozen=True)
class InitialPoints:
    """What a propagation starts from.

    Attributes:
        by_frame: frame name -> object id -> points, frames in the order of the video. Every object
            has a foreground point on each of its frames.
        names: object id -> name, where the file tells.
    """

    by_frame: dict[str, dict[int, Points]]
    names: dict[int, str]

    def first(self, count: int) -> InitialPoints:
        """The setting with `count` points: the first that many foreground points of each object.

        Only these initialise an object (paper, appendix D); as the order stays, the points of a
        smaller setting are among those of a larger one.
        """
        return InitialPoints(
            {
                frame: {
                    object_id: points.foreground.take(np.arange(min(count, len(points.foreground))))
                    for object_id, points in objects.items()
                }
                for frame, objects in self.by_frame.items()
            },
            self.names,
        )


def read_initial_points(
    path: str | Path, frames: FrameSource, *, video: str | None = None
) -> InitialPoints:
    """Read the initial points of one video.

    Args:
        path: Point-VOS records (.json, .jsonl), the form for a single video
            (``{"objects": [{"id": 1, "name": "bike", "frame": "00000", "points": [[x, y, 1]]}]}``,
            1 foreground and 0 background), or a point image (.png) of one object, which belongs to
            the frame of the same name or else to the first.
        frames: the video, whose names and size the points must fit.
        video: its name in the records. By default the name of `frames`, which need not match where
            the file speaks of one video only.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the file is damaged or of none of these kinds, knows nothing of the video, or
            has a point outside the frame, a point twice, an unknown frame, or an object without
            foreground.
    """
    file = Path(path)
    suffix = file.suffix.lower()
    if suffix == ".png":
        return _from_png(file, frames)
    if suffix == ".json":
        value = read_json(file, unique_keys=True)
        if isinstance(value, dict) and isinstance(value.get("objects"), list):
            return _from_objects(value["objects"], frames, source=str(file))
    elif suffix != ".jsonl":
        raise InputError(f"{file}: expected points in a .json, .jsonl or .png file")
    records = [record for record in read_records(file).values() if record.video_name is not None]
    only_one = len({record.video_name for record in records}) == 1
    if video is None and only_one:
        return initial_points_of(records, frames, source=str(file))
    chosen = records_of_video(records, video or frames.name, source=str(file))
    return initial_points_of(chosen, frames, source=str(file))


def records_of_video(
    records: Iterable[PointVosRecord], video: str, *, source: str
) -> list[PointVosRecord]:
    """The records of one video, by its name or by the last part of its name.

    Raises:
        InputError: no video, or more than one, has that name.
    """
    by_video: dict[str, list[PointVosRecord]] = {}
    for record in records:
        if record.video_name is not None:
            by_video.setdefault(record.video_name, []).append(record)
    if video in by_video:
        return by_video[video]
    ending = [name for name in by_video if PurePosixPath(name).name == video]
    if len(ending) == 1:
        return by_video[ending[0]]
    near = difflib.get_close_matches(video, by_video, n=3, cutoff=0.4)
    raise InputError(
        f"{source}: expected points of video {video!r}, found {len(by_video)} other videos"
        + (f", nearest: {', '.join(near)}" if near else "")
    )


def initial_points_of(
    records: Sequence[PointVosRecord], frames: FrameSource, *, source: str
) -> InitialPoints:
    """The initial points in the records of one video.

    The reference frame of an object is its first with a foreground point, so that the records of a
    training set do as well as those of a benchmark. Records without an object id, as in the
    release, are numbered from 1 in their order.

    Raises:
        InputError: as `read_initial_points`.
    """
    numbered = [record for record in records if record.object_id is not None]
    if numbered and len(numbered) < len(records):
        raise InputError(
            f"{source}: expected object_id in all records of {records[0].video_name} or in none"
        )
    collector = _Collector(frames, source)
    for number, record in enumerate(records, start=1):
        check_points_inside(record, frames.height, frames.width, source=source)
        object_id = number if record.object_id is None else record.object_id
        by_frame = {
            collector.frame(frame, record.key): points
            for frame, points in record.by_frame().items()
        }
        with_foreground = [
            frame for frame in frames.names if len(by_frame.get(frame, Points.empty()).foreground)
        ]
        reference = with_foreground[0] if with_foreground else next(iter(by_frame), "")
        collector.add(
            object_id, record.object_name, reference, by_frame.get(reference, Points.empty())
        )
    return collector.finish()


class _Collector:
    """Gathers checked points of one video."""

    def __init__(self, frames: FrameSource, source: str) -> None:
        self._frames = frames
        self._source = source
        self._lookup = FrameNames(frames.names)
        self._by_frame: dict[str, dict[int, Points]] = {}
        self._names: dict[int, str] = {}

    def frame(self, name: str, where: str) -> str:
        """The frame that is meant; "000009" is "00009" where names are plain numbers."""
        index, names = self._lookup.index(name), self._frames.names
        if index is not None:
            return names[index]
        raise InputError(
            f"{self._source}: {where}: expected a frame of {self._frames.name} ({names[0]} .. "
            f"{names[-1]}), found {name!r}"
        )

    def add(self, object_id: int, name: str | None, frame: str, points: Points) -> None:
        """Take the points of one object on one frame."""
        where = f"{self._source}: {self._frames.name}, object {object_id}, frame {frame}"
        height, width = self._frames.height, self._frames.width
        if not 0 < object_id <= MAX_OBJECT_ID:
            raise InputError(f"{where}: expected an object id 1 .. {MAX_OBJECT_ID}")
        if object_id in self._by_frame.get(frame, {}):
            raise InputError(f"{where}: expected the object once a frame, found it twice")
        inside = points.inside(height, width)
        if not inside.all():
            x, y = points.pixels()[~inside][0].tolist()
            raise InputError(f"{where}: expected points inside {width}x{height}, found ({x}, {y})")
        pixels = points.pixels()
        unique, counts = np.unique(pixels, axis=0, return_counts=True)
        if (counts > 1).any():
            x, y = unique[counts > 1][0].tolist()
            raise InputError(f"{where}: expected every point once, found ({x}, {y}) twice")
        if not len(points.foreground):
            raise InputError(f"{where}: expected at least one foreground point, found none")
        self._by_frame.setdefault(frame, {})[object_id] = points
        if name:
            self._names[object_id] = name

    def finish(self) -> InitialPoints:
        """What was gathered, in the order of the video."""
        if not self._by_frame:
            raise InputError(f"{self._source}: expected points of an object, found none")
        position = {name: index for index, name in enumerate(self._frames.names)}
        ordered = sorted(self._by_frame, key=position.__getitem__)
        return InitialPoints({frame: self._by_frame[frame] for frame in ordered}, self._names)


def _from_png(path: Path, frames: FrameSource) -> InitialPoints:
    points, size = read_point_png(path)
    if size != (frames.height, frames.width):
        raise InputError(
            f"{path}: expected an image of {frames.width}x{frames.height} like the frames of "
            f"{frames.name}, found {size[1]}x{size[0]}"
        )
    collector = _Collector(frames, str(path))
    frame = path.stem if path.stem in frames.names else frames.names[0]
    collector.add(1, None, frame, points)
    return collector.finish()


def _from_objects(objects: list[Any], frames: FrameSource, *, source: str) -> InitialPoints:
    collector = _Collector(frames, source)
    for index, value in enumerate(objects):
        where = f"objects[{index}]"
        if not isinstance(value, dict):
            raise InputError(f"{source}: {where}: expected an object with id, frame and points")
        for key, kind in (("id", int), ("frame", str), ("points", list)):
            if not isinstance(value.get(key), kind) or isinstance(value.get(key), bool):
                raise InputError(
                    f"{source}: {where}.{key}: expected {_KIND[key]}, found {value.get(key)!r:.60}"
                )
        name = value.get("name")
        if not isinstance(name, str | None):
            raise InputError(f"{source}: {where}.name: expected text, found {name!r:.60}")
        for position, point in enumerate(value["points"]):
            if not _is_point(point):
                raise InputError(
                    f"{source}: {where}.points[{position}]: expected [x, y, label] with whole "
                    f"pixels and the label 1 (foreground) or 0 (background), found {point!r:.60}"
                )
        pixels = [point[:2] for point in value["points"]]
        labels = [PointLabel(point[2]) for point in value["points"]]
        frame = collector.frame(value["frame"], f"{where}.frame")
        collector.add(value["id"], name, frame, Points.from_pixels(pixels, labels))
    return collector.finish()


_KIND = {"id": "an integer", "frame": "the name of a frame", "points": "a list of points"}


def _is_point(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) == 3
        and all(isinstance(number, int) and not isinstance(number, bool) for number in value)
        and all(abs(number) < 1 << 31 for number in value[:2])
        and value[2] in (PointLabel.BACKGROUND, PointLabel.FOREGROUND)
    )
