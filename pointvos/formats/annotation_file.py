"""JSON files with the masks of objects in videos: YouTube-VIS, OVIS, UVO, VNG, and images of COCO.

``{"videos": [{"id", "width", "height", "file_names"}], "annotations": [{"id", "video_id",
"segmentations": [a mask or null for every file name]}]}``; or ``images`` with ``image_id`` and one
``segmentation`` each, taken as videos of one frame. What else a record has is kept.

Opening reads the file once, one record in memory at a time, and keeps videos, ids and where every
annotation stands; masks are read when they are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.json_elements import JsonElement, iterate_elements, read_element
from pointvos.core.mask_store.stored_mask import (
    StoredMask,
    VideoMasks,
    check_each_once,
    check_frame_name,
    check_object_id,
    check_video_name,
    row_order,
)
from pointvos.formats.segmentations import stored_segmentation

MASK_FIELDS = ("segmentations", "segmentation", "bboxes", "bbox", "areas", "area", "scores")
"""What a record says of masks, all of which follows from them."""
MAX_ID = 2**63 - 1  # VNG has ids of 19 digits
_MAX_SIDE = 1_000_000


@dataclass(frozen=True, eq=False, slots=True)
class AnnotatedVideo:
    """A video of an annotation file.

    Attributes:
        id: number in the file.
        name: ``name``, ``ytid``, the folder of its file names or ``video_name`` of its annotations,
            whichever is there first.
        height: of the frames, in pixels.
        width: of the frames, in pixels.
        frames: names of the frames (stems of the file names), in the order of the segmentations.
        record: everything the file says of it.
    """

    id: int
    name: str
    height: int
    width: int
    frames: tuple[str, ...]
    record: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AnnotatedObject:
    """An object of an annotation file; its masks are read by `AnnotationFile.masks`.

    Attributes:
        id: number in the file.
        video_id: number of its video.
        name: ``object_id``, which a conversion leaves where it gave another number; else the id.
        start: first byte of its record in the file.
        stop: byte after the last one.
    """

    id: int
    video_id: int
    name: str
    start: int
    stop: int


class AnnotationFile:
    """An opened annotation file.

    Attributes:
        path: of the file.
        videos: by id, in the order of the file.
        objects: by id, in the order of the file.
        members: everything in the outer object but videos, images and annotations.
        images: whether it is a file of images.
        names_videos: whether annotations say ``video_name``, as those of VNG do.
        duplicates: ids of annotations that came again and were left out, once each time.
    """

    def __init__(self, path: str | Path, *, first_wins: bool = False) -> None:
        """Read the file once.

        Args:
            path: of the file.
            first_wins: leave out annotations with the id of an earlier one, as the official VNG
                evaluator does, and list them in `duplicates`.

        Raises:
            FileNotFoundError: there is no such file.
            InputError: it is damaged, names something unsafe, has an id twice, or an annotation is
                of no video in it.
        """
        self.path = Path(path)
        self.members: dict[str, Any] = {}
        self.objects: dict[int, AnnotatedObject] = {}
        self.duplicates: list[int] = []
        self._first_wins = first_wins
        records: dict[int, Mapping[str, Any]] = {}
        names: dict[int, str] = {}
        kinds: set[str] = set()
        for element in iterate_elements(self.path):
            with _where(self.path, element):
                if element.key in ("videos", "images") and element.place is not None:
                    kinds.add(element.key)
                    record = _record(element.value)
                    number = _number(record, "id")
                    if number in records:
                        raise InputError(f"expected every id once, found {number} again")
                    records[number] = record
                elif element.key == "annotations" and element.place is not None:
                    self._add(element, names)
                elif element.place is None:
                    self.members[element.key] = element.value
                else:
                    self.members.setdefault(element.key, []).append(element.value)
        if kinds != {"videos"} and kinds != {"images"}:
            raise InputError(
                f"{self.path}: expected annotations of videos or of images, found "
                f"{' and '.join(sorted(kinds)) or 'neither'}"
            )
        self.images = kinds == {"images"}
        self.names_videos = bool(names)
        self.videos = {
            number: self._video(number, record, names.get(number))
            for number, record in records.items()
        }
        self._video_of: dict[str, AnnotatedVideo] = {}
        self._by_name: dict[str, list[AnnotatedObject]] = {}
        self._check_videos()

    def names(self) -> list[str]:
        """The names of all videos, in the order of the file."""
        return list(self._by_name)

    def __contains__(self, video: object) -> bool:
        return video in self._by_name

    def video(self, name: str) -> AnnotatedVideo:
        """The video of this name, which must be in the file."""
        return self._video_of[name]

    def objects_of(self, name: str) -> list[AnnotatedObject]:
        """The objects of the video of this name, in the order of the file."""
        return self._by_name[name]

    def record(self, one: AnnotatedObject) -> dict[str, Any]:
        """Everything the file says of an object.

        Raises:
            InputError: the file is another one by now.
        """
        record: dict[str, Any] = read_element(self.path, one.start, one.stop)
        return record

    def masks(self, one: AnnotatedObject) -> list[StoredMask | None]:
        """A mask for every frame of the video: None where not annotated, empty where absent.

        Raises:
            InputError: there is another number of them, or one is damaged or of another size.
        """
        video = self.videos[one.video_id]
        record = self.record(one)
        try:
            values = record.get("segmentations")
            if self.images:
                values = [record.get("segmentation")]
            if not isinstance(values, list) or len(values) != len(video.frames):
                found = f"{len(values)}" if isinstance(values, list) else f"{values!r:.40}"
                raise InputError(
                    f"expected segmentations for {len(video.frames)} frames, found {found}"
                )
            scores = record.get("scores", [None] * len(values))
            if not isinstance(scores, list) or len(scores) != len(values):
                raise InputError(f"expected scores for {len(values)} frames, found {scores!r:.40}")
            return [
                None
                if value is None
                else stored_segmentation(
                    value, one.name, frame, video.height, video.width, score=_score(score)
                )
                for value, frame, score in zip(values, video.frames, scores, strict=True)
            ]
        except InputError as error:
            raise InputError(f"{self.path}: {video.name}: annotation {one.id}: {error}") from error

    def read(self, name: str) -> VideoMasks:
        """All masks of the video of this name, in the order of a mask store.

        Raises:
            InputError: as `masks` does.
        """
        found = [mask for one in self._by_name[name] for mask in self.masks(one) if mask]
        try:
            check_each_once(found)
        except InputError as error:
            raise InputError(f"{self.path}: {name}: {error}") from error
        found.sort(key=row_order)
        return VideoMasks(name, found)

    def _add(self, element: JsonElement, names: dict[int, str]) -> None:
        record = _record(element.value)
        if "segments_info" in record:
            raise InputError("expected masks of objects, found panoptic segments")
        number = _number(record, "id")
        if number in self.objects:
            if not self._first_wins:
                raise InputError(f"expected every id once, found {number} again")
            self.duplicates.append(number)
            return
        video = _number(record, "image_id" if "image_id" in record else "video_id")
        name = record.get("object_id")
        name = name if isinstance(name, str) else str(number)
        check_object_id(name)
        self.objects[number] = AnnotatedObject(number, video, name, element.start, element.stop)
        if isinstance(record.get("video_name"), str):
            names.setdefault(video, record["video_name"])

    def _video(self, number: int, record: Mapping[str, Any], given: str | None) -> AnnotatedVideo:
        try:
            files = [record.get("file_name")] if self.images else record.get("file_names")
            if not isinstance(files, list) or not all(isinstance(one, str) for one in files):
                raise InputError(f"expected file names, found {files!r:.60}")
            frames = tuple(PurePosixPath(one).stem for one in files)
            for frame in frames:
                check_frame_name(frame)
            if len(set(frames)) < len(frames):
                twice = next(frame for frame in frames if frames.count(frame) > 1)
                raise InputError(f"expected every frame once, found {twice!r:.60} again")
            name = _video_name(record, given, files, images=self.images)
            check_video_name(name)
            sides = [_number(record, key) for key in ("height", "width")]
            if not all(0 <= side <= _MAX_SIDE for side in sides):
                raise InputError(f"expected a height and width, found {sides}")
        except InputError as error:
            raise InputError(f"{self.path}: video {number}: {error}") from error
        return AnnotatedVideo(number, name, sides[0], sides[1], frames, record)

    def _check_videos(self) -> None:
        for video in self.videos.values():
            if video.name in self._video_of:
                raise InputError(
                    f"{self.path}: expected videos of different names, found {video.name!r:.80} "
                    f"with the ids {self._video_of[video.name].id} and {video.id}"
                )
            self._video_of[video.name] = video
            self._by_name[video.name] = []
        for one in self.objects.values():
            if one.video_id not in self.videos:
                raise InputError(
                    f"{self.path}: annotation {one.id}: expected one of the {len(self.videos)} "
                    f"videos in the file, found video {one.video_id}"
                )
            self._by_name[self.videos[one.video_id].name].append(one)


@contextmanager
def _where(path: Path, element: JsonElement) -> Iterator[None]:
    """Put the file and the place of an element in front of a message."""
    try:
        yield
    except InputError as error:
        raise InputError(f"{path}: {element.key}[{element.place}]: {error}") from error


def _record(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"expected a record, found {value!r:.40}")
    return value


def _number(record: Mapping[str, Any], key: str) -> int:
    value = record.get(key)
    if type(value) is not int or not 0 <= value <= MAX_ID:
        raise InputError(f"expected a whole number as {key!r}, found {value!r:.40}")
    return value


def _score(value: Any) -> float | None:
    if value is None:
        return None
    if type(value) not in (int, float) or not 0 <= value <= 1:
        raise InputError(f"expected scores in [0, 1], found {value!r:.40}")
    return float(value)


def _video_name(
    record: Mapping[str, Any], given: str | None, files: list[str], *, images: bool
) -> str:
    folder = str(PurePosixPath(files[0]).parent) if files else "."
    if images:
        return str(PurePosixPath(files[0]).with_suffix(""))
    for name in (record.get("name"), record.get("ytid"), None if folder == "." else folder, given):
        if isinstance(name, str):
            return name
    return str(record["id"])
