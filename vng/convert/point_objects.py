"""A PV set by video, with what a VNG set needs of its objects: names, splits, numbers.

Held compactly, as in `pointvos.pseudomask.annotated_videos`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import find_video
from pointvos.formats.point_vos import PointVosRecord
from pointvos.formats.point_vos_files import iterate_records
from pointvos.formats.video_list import read_name_list
from pointvos.pseudomask.annotated_videos import AnnotatedObject, AnnotatedVideo

MAX_OBJ_ID = 10**18  # the published ids have up to 19 digits and go into 64 bits


@dataclass(frozen=True, eq=False)
class PointObject:
    """An object of a PV set.

    Attributes:
        about: its points; `about.key` is the key of its record.
        name: object_name of its record.
        obj_id: its number in the VNG set.
        same_as: key of an earlier record of the video with the same name and points, if any.
    """

    about: AnnotatedObject
    name: str | None
    obj_id: int
    same_as: str | None = None


@dataclass(frozen=True, eq=False)
class PointVideo:
    """The objects of one video.

    Attributes:
        name: video_name of the records.
        path: folder of frames or video file; None where there is neither.
        objects: in the order of the file.
        split: that the video belongs to; empty without splits.
    """

    name: str
    path: Path | None
    objects: tuple[PointObject, ...]
    split: str = ""

    def annotated(self) -> AnnotatedVideo:
        """What pseudo-masks are made of; a record that stands twice is taken once."""
        unique = tuple(one.about for one in self.objects if one.same_as is None)
        return AnnotatedVideo(self.name, unique, self.path)


@dataclass(frozen=True, eq=False)
class PointSet:
    """A PV set.

    Attributes:
        videos: by name, sorted.
        unnamed: keys of the records without a video_name.
        not_chosen: how many records are in none of the splits.
        not_found: how many lines of the splits name no record and no video.
    """

    videos: Mapping[str, PointVideo]
    unnamed: tuple[str, ...] = ()
    not_chosen: int = 0
    not_found: int = 0


def object_number(key: str) -> int:
    """The obj_id of a record: a positive integer below 10^18 that depends on its key alone.

    >>> object_number("69e69b3a8b29d92dd94be66c79f82d69")
    47573770731739726
    """
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:16], "big") % (MAX_OBJ_ID - 1) + 1


def read_point_set(
    path: str | Path, frames: str | Path, *, split_files: Sequence[Path] = ()
) -> PointSet:
    """Read a PV set and look for the frames of its videos.

    Args:
        path: of the set, .json or .jsonl.
        frames: holds one folder or video file a video, named by video_name; or, as in the release,
            one folder an object, named by the key of its record (any of a video's is taken, for
            each holds all frames).
        split_files: lists of keys of records or names of videos, one a line; a split is named as
            its file. With none, all records are taken.

    Raises:
        FileNotFoundError: a file or the folder is missing.
        InputError: the set is damaged (see `iterate_records`) or empty; a video is in two splits; a
            split chooses nothing; two records get one number.
    """
    root = Path(frames)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a folder with the frames of videos, found none")
    gathered = _Gathered(Path(path), root, _Splits.read(split_files))
    for record in iterate_records(path):
        gathered.add(record)
    return gathered.finish()


@dataclass
class _Splits:
    """Which split the lines of the files say a record is in."""

    files: tuple[Path, ...]
    by_line: dict[str, str]
    seen: set[str] = field(default_factory=set)

    @classmethod
    def read(cls, files: Sequence[Path]) -> _Splits:
        by_line: dict[str, str] = {}
        if len({file.stem for file in files}) < len(files):
            raise InputError(
                f"split_file: expected files of different names, which name the splits, found "
                f"{', '.join(map(str, files))}"
            )
        for file in files:
            for line in read_name_list(file):
                if by_line.setdefault(line, file.stem) != file.stem:
                    raise InputError(
                        f"{file}: expected every record and video in one split, found {line!r} in "
                        f"{by_line[line]} as well"
                    )
        return cls(tuple(files), by_line)

    def of(self, record: PointVosRecord) -> set[str]:
        lines = {record.key, str(record.video_name)} & self.by_line.keys()
        self.seen |= lines
        return {self.by_line[line] for line in lines}


class _Gathered:
    """Records as they come, by video."""

    def __init__(self, source: Path, root: Path, splits: _Splits) -> None:
        self._source, self._root, self._splits = source, root, splits
        self._objects: dict[str, list[PointObject]] = {}
        self._split: dict[str, tuple[str, str]] = {}  # of a video, and the record that says so
        self._path: dict[str, Path | None] = {}
        self._key_of: dict[int, str] = {}
        self._unnamed: list[str] = []
        self._not_chosen = 0
        self._empty = True

    def add(self, record: PointVosRecord) -> None:
        self._empty = False
        in_splits = self._splits.of(record)
        if self._splits.files and not in_splits:
            self._not_chosen += 1
            return
        number = object_number(record.key)
        if number in self._key_of:
            raise InputError(
                f"{self._source}: expected different numbers for all objects, found {number} for "
                f"{self._key_of[number]} and {record.key}; rename one of the records"
            )
        self._key_of[number] = record.key
        if record.video_name is None:
            self._unnamed.append(record.key)
            return
        self._enter_split(record, in_splits)
        self._look_for_frames(record)
        objects = self._objects.setdefault(record.video_name, [])
        about = AnnotatedObject.from_record(record, len(objects) + 1)
        same = (one.about.key for one in objects if _is_same(one, record.object_name, about))
        objects.append(PointObject(about, record.object_name, number, next(same, None)))

    def finish(self) -> PointSet:
        if self._empty:
            raise InputError(f"{self._source}: expected records, found none")
        chosen = {split for split, _ in self._split.values()}
        for file in self._splits.files:
            if file.stem not in chosen:
                raise InputError(
                    f"{file}: expected keys of records of {self._source} or names of their videos, "
                    "found none"
                )
        videos = {
            name: PointVideo(
                name,
                self._path[name],
                tuple(self._objects[name]),
                self._split.get(name, ("", ""))[0],
            )
            for name in sorted(self._objects)
        }
        return PointSet(
            videos,
            tuple(self._unnamed),
            self._not_chosen,
            len(self._splits.by_line) - len(self._splits.seen),
        )

    def _enter_split(self, record: PointVosRecord, splits: set[str]) -> None:
        name = str(record.video_name)
        for split in sorted(splits):
            first, key = self._split.setdefault(name, (split, record.key))
            if first != split:
                raise InputError(
                    f"{self._source}: expected every video in one split, found {name} in {first} "
                    f"(record {key}) and in {split} (record {record.key})"
                )

    def _look_for_frames(self, record: PointVosRecord) -> None:
        name = str(record.video_name)
        if name not in self._path:
            self._path[name] = find_video(
                self._root, name, source=f"{self._source}: {record.key}.video_name"
            )
        if self._path[name] is None:
            own = find_video(self._root, record.key, source=f"{self._source}: {record.key}")
            self._path[name] = own if own is not None and own.is_dir() else None


def _is_same(one: PointObject, name: str | None, about: AnnotatedObject) -> bool:
    other = one.about
    return (
        one.name == name
        and other.frame_ids == about.frame_ids
        and len(about.labels) > 0
        and all(
            np.array_equal(getattr(other, part), getattr(about, part))
            for part in ("frame_of", "pixels", "labels")
        )
    )
