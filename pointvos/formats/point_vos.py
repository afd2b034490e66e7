"""Point-VOS records: the official schema, without loss.

One record is one object of one video: its name, the question that led to it, and verified points on
about ten frames. What the schema does not name is kept, as is the order of the keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel, Points
from pointvos.core.safe_names import safe_join

MAX_COORDINATE = 65_535  # the longest side that a JPEG can have


class PointStatus(StrEnum):
    """What the annotators decided; only the first two are used for training (paper, app. C)."""

    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    AMBIGUOUS = "AMBIGUOUS"


STATUS_OF_LABEL = {
    PointLabel.FOREGROUND: PointStatus.ACCEPTED,
    PointLabel.BACKGROUND: PointStatus.REJECTED,
    PointLabel.AMBIGUOUS: PointStatus.AMBIGUOUS,
}
# By plain text: an enum's own hash and call are slow, and a release holds 19 million points.
_STATUS_OF_TEXT = {status.value: status for status in PointStatus}
_LABEL_OF_TEXT = {status.value: int(label) for label, status in STATUS_OF_LABEL.items()}

_POINT_KEYS = ("x", "y", "frame_id", "status", "is_fg_candidate")
_REQUIRED_POINT_KEYS = ("x", "y", "frame_id", "status")
RECORD_KEYS = ("question_hash", "question", "object_name", "video_name", "annotated_points")
_SIMULATED_KEYS = (*RECORD_KEYS[:-1], "object_id", "annotated_points")


class AnnotatedPoint(NamedTuple):
    """One verified point.

    Attributes:
        x: pixel column in the original frame.
        y: pixel row in the original frame.
        frame_id: stem of the frame's file; the release holds a few points without.
        status: the verdict.
        is_fg_candidate: whether the point was proposed as foreground.
        other: fields that the schema does not name.
        keys: all keys in the order of the file.
    """

    x: int
    y: int
    frame_id: str | None
    status: PointStatus
    is_fg_candidate: bool | None = None
    other: Mapping[str, Any] | None = None
    keys: tuple[str, ...] = _POINT_KEYS


class PointColumns(NamedTuple):
    """The points of a record, frame after frame, and on a frame in the order of the file.

    Attributes:
        frame_of: int64 [P], the place of each point's frame in `frame_ids`.
        pixels: int64 [P, 2], (x, y) in [0, `MAX_COORDINATE`].
        labels: int8 [P], values of `PointLabel`.
    """

    frame_of: NDArray[np.int64]
    pixels: NDArray[np.int64]
    labels: NDArray[np.int8]


@dataclass(frozen=True)
class PointVosRecord:
    """One object of one video.

    Attributes:
        key: what the record is listed under; a question hash, or ``<video>/<object id>`` in the
            sets simulated from masks.
        video_name: of the video; the release holds a few records without.
        annotated_points: in the order of the file.
        object_name: the noun.
        question: whose answer the object is.
        object_id: in the mask dataset that the record was simulated from; None in the release.
        other: fields that the schema does not name.
        keys: all keys in the order of the file.
    """

    key: str
    video_name: str | None
    annotated_points: tuple[AnnotatedPoint, ...]
    object_name: str | None = None
    question: str | None = None
    object_id: int | None = None
    other: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = RECORD_KEYS

    @cached_property
    def frame_ids(self) -> list[str]:
        """The frames that carry points, in the order of the file."""
        named = (point.frame_id for point in self.annotated_points)
        return list(dict.fromkeys(frame for frame in named if frame is not None))

    def points(self, frame_id: str) -> Points:
        """The points on one frame, in the order of the file; none if the frame carries none."""
        return _as_points([one for one in self.annotated_points if one.frame_id == frame_id])

    def columns(self) -> PointColumns:
        """The points as arrays. Points without a frame are left out (as the authors do)."""
        place = {frame: number for number, frame in enumerate(self.frame_ids)}
        named = [point for point in self.annotated_points if point.frame_id is not None]
        frame_of = np.array([place[str(point.frame_id)] for point in named], np.int64)
        order = np.argsort(frame_of, kind="stable")
        pixels = np.array([side for point in named for side in point[:2]], np.int64).reshape(-1, 2)
        labels = np.array([_LABEL_OF_TEXT[point.status._value_] for point in named], np.int8)
        return PointColumns(frame_of[order], pixels[order], labels[order])

    def by_frame(self) -> dict[str, Points]:
        """Frame -> its points. Points without a frame are left out (as the authors do)."""
        grouped: dict[str, list[AnnotatedPoint]] = {frame: [] for frame in self.frame_ids}
        for point in self.annotated_points:
            if point.frame_id is not None:
                grouped[point.frame_id].append(point)
        return {frame: _as_points(points) for frame, points in grouped.items()}


def parse_record(key: str, value: Any, *, source: str) -> PointVosRecord:
    """A record from its JSON value.

    Args:
        key: what it is listed under.
        value: the JSON object.
        source: file, or file and line, for messages.

    Raises:
        InputError: naming source, record and field: a field is missing, has another type or an
            unknown status; the key is not the question hash; a pixel is annotated twice in a
            frame; the video name would leave the data folder.
    """
    where = f"{source}: {key}"
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a record, found {_shown(value)}")
    for name in ("video_name", "annotated_points"):
        if name not in value:
            raise InputError(f"{where}.{name}: expected this field, found none")
    for name in ("question_hash", "question", "object_name", "video_name"):
        if not isinstance(value.get(name), str | None):
            raise InputError(f"{where}.{name}: expected text or null, found {_shown(value[name])}")
    if value.get("question_hash", key) != key:
        raise InputError(
            f"{where}.question_hash: expected the key of the record, found "
            f"{_shown(value['question_hash'])}"
        )
    object_id = value.get("object_id")
    if object_id is not None and not (_is_int(object_id) and object_id > 0):
        raise InputError(f"{where}.object_id: expected an integer > 0, found {_shown(object_id)}")
    if value["video_name"] is not None:
        safe_join("", value["video_name"], source=f"{where}.video_name")
    listed = value["annotated_points"]
    if not isinstance(listed, list):
        raise InputError(f"{where}.annotated_points: expected a list, found {_shown(listed)}")
    points = _parse_points(listed, where=f"{where}.annotated_points")
    return PointVosRecord(
        key=key,
        video_name=value["video_name"],
        annotated_points=points,
        object_name=value.get("object_name"),
        question=value.get("question"),
        object_id=object_id,
        other={name: item for name, item in value.items() if name not in _SIMULATED_KEYS},
        keys=tuple(value),
    )


def record_to_json(record: PointVosRecord) -> dict[str, Any]:
    """The JSON value of a record: what `parse_record` read, key by key."""
    values: dict[str, Any] = {
        **record.other,
        "question_hash": record.key,
        "question": record.question,
        "object_name": record.object_name,
        "video_name": record.video_name,
        "object_id": record.object_id,
        "annotated_points": [_point_to_json(point) for point in record.annotated_points],
    }
    return {name: values[name] for name in record.keys}


def simulated_record(
    *,
    video: str,
    object_id: int,
    object_name: str,
    frames: Iterable[tuple[str, NDArray[np.int64], NDArray[np.int64]]],
) -> PointVosRecord:
    """A record of PV-DAVIS or PV-YT, whose points were drawn from masks.

    Args:
        video: name of the video.
        object_id: in the masks.
        object_name: category, where known.
        frames: (frame name, foreground pixels (x, y) [P, 2], background pixels (x, y) [P, 2]).
    """
    points = []
    for frame, foreground, background in frames:
        for pixels, status in (
            (foreground, PointStatus.ACCEPTED),
            (background, PointStatus.REJECTED),
        ):
            points += [
                AnnotatedPoint(int(x), int(y), frame, status, status is PointStatus.ACCEPTED)
                for x, y in pixels
            ]
    return PointVosRecord(
        key=f"{video}/{object_id}",
        video_name=video,
        annotated_points=tuple(points),
        object_name=object_name,
        question="",
        object_id=object_id,
        keys=_SIMULATED_KEYS,
    )


def check_points_inside(record: PointVosRecord, height: int, width: int, *, source: str) -> None:
    """Refuse points outside a frame of the given size.

    Raises:
        InputError: naming the video, the frame and the point.
    """
    for point in record.annotated_points:
        if point.x >= width or point.y >= height:
            raise InputError(
                f"{source}: video {record.video_name}, object {record.key}, frame "
                f"{point.frame_id}: expected points inside {width}x{height}, found "
                f"({point.x}, {point.y})"
            )


def check_foreground(record: PointVosRecord, *, source: str) -> None:
    """Refuse an object without any foreground point on any frame.

    Raises:
        InputError: naming the video and the object.
    """
    if not any(
        point.status is PointStatus.ACCEPTED and point.frame_id is not None
        for point in record.annotated_points
    ):
        raise InputError(
            f"{source}: video {record.video_name}, object {record.key}: expected at least one "
            f"foreground point (ACCEPTED), found none"
        )


def _parse_points(listed: list[Any], *, where: str) -> tuple[AnnotatedPoint, ...]:
    points: list[AnnotatedPoint] = []
    seen: dict[tuple[str, int, int], int] = {}
    for index, value in enumerate(listed):
        try:
            point = _parse_point(value)
        except InputError as error:
            raise InputError(f"{where}[{index}]{error}") from error
        if point.frame_id is not None:
            first = seen.setdefault((point.frame_id, point.x, point.y), index)
            if first != index:
                raise InputError(
                    f"{where}[{index}]: expected every pixel of a frame once, found "
                    f"({point.x}, {point.y}) of frame {point.frame_id} at [{first}] as well"
                )
        points.append(point)
    return tuple(points)


def _parse_point(value: Any) -> AnnotatedPoint:
    """A point; the message of an error begins behind the name of the point."""
    if not isinstance(value, dict):
        raise InputError(f": expected a point, found {_shown(value)}")
    keys = tuple(value)
    if keys == _POINT_KEYS:  # one test for a point as published, of which there are millions
        x, y, frame_id, status, candidate = value.values()
        if (
            type(x) is type(y) is int
            and 0 <= x <= MAX_COORDINATE
            and 0 <= y <= MAX_COORDINATE
            and type(frame_id) is type(status) is str
            and type(candidate) is bool
            and status in _STATUS_OF_TEXT
        ):
            return AnnotatedPoint(x, y, frame_id, _STATUS_OF_TEXT[status], candidate)
    if keys != _POINT_KEYS:
        for name in _REQUIRED_POINT_KEYS:
            if name not in value:
                raise InputError(f".{name}: expected this field, found none")
    x, y, frame_id, status = value["x"], value["y"], value["frame_id"], value["status"]
    for name, number in (("x", x), ("y", y)):
        if type(number) is not int or not 0 <= number <= MAX_COORDINATE:  # True is no pixel
            raise InputError(f".{name}: expected an integer pixel >= 0, found {_shown(number)}")
    if frame_id is not None and not isinstance(frame_id, str):
        raise InputError(f".frame_id: expected text or null, found {_shown(frame_id)}")
    candidate = value.get("is_fg_candidate")
    if candidate is not None and not isinstance(candidate, bool):
        raise InputError(f".is_fg_candidate: expected true or false, found {_shown(candidate)}")
    if not isinstance(status, str) or status not in _STATUS_OF_TEXT:
        raise InputError(f".status: expected {', '.join(PointStatus)}, found {_shown(status)}")
    verdict = _STATUS_OF_TEXT[status]
    if keys == _POINT_KEYS:  # share the tuple
        return AnnotatedPoint(x, y, frame_id, verdict, candidate)
    other = {name: value[name] for name in keys if name not in _POINT_KEYS}
    return AnnotatedPoint(x, y, frame_id, verdict, candidate, other or None, keys)


def _as_points(listed: Sequence[AnnotatedPoint]) -> Points:
    return Points.from_pixels(
        [(point.x, point.y) for point in listed],
        [_LABEL_OF_TEXT[point.status.value] for point in listed],
    )


def _point_to_json(point: AnnotatedPoint) -> dict[str, Any]:
    values: dict[str, Any] = {
        **(point.other or {}),
        "x": point.x,
        "y": point.y,
        "frame_id": point.frame_id,
        "status": point.status.value,
        "is_fg_candidate": point.is_fg_candidate,
    }
    return {name: values[name] for name in point.keys}


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
