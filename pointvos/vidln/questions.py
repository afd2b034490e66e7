"""Location-output questions: a question on a video whose answer is a verified trace on one frame.

The published file is one JSON object, video -> questions. Their hashes are those of PV-Oops. It is
read question by question.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.json_elements import iterate_elements
from pointvos.core.masks import Rle, decode_rle
from pointvos.core.safe_names import safe_join
from pointvos.vidln.checked_fields import (
    as_int,
    int_or_none,
    object_at,
    present,
    shown,
    span_of,
    text_at,
    text_or_none,
)

MAX_QUESTION_BYTES = 64 << 20  # as for a line of narratives; a published question has some 2 KB
QUESTION_KEYS = (
    "vidln_id",
    "actor_idx",
    "question_hash",
    "question",
    "video_name",
    "trace_frame",
    "txt_slice_indices",
    "txt_slice",
    "trace",
)


@dataclass(frozen=True)
class LocationQuestion:
    """One question and where its answer is.

    Attributes:
        video: what the question is listed under.
        question_hash: unique id, in PV-Oops too.
        question: such as "Who throws the egg at the man?".
        trace_frame: file name of the frame, such as "000009.png".
        trace: the drawn trace in COCO run lengths.
        video_name: what the record itself calls the video.
        vidln_id: the narrative that names the answer.
        actor_index: of its actor.
        text_span: [start, end) of the answer in the actor's caption.
        text: the answer.
        other: fields that the format does not name.
        keys: all keys in the order of the file.
        source: file and place, for messages.
    """

    video: str
    question_hash: str
    question: str
    trace_frame: str
    trace: Rle
    video_name: str | None = None
    vidln_id: int | None = None
    actor_index: int | None = None
    text_span: tuple[int, int] | None = None
    text: str | None = None
    other: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = QUESTION_KEYS
    source: str = ""

    @property
    def frame_id(self) -> str:
        """Stem of the frame's file, as in Point-VOS records."""
        return Path(self.trace_frame).stem

    def trace_mask(self) -> NDArray[np.bool_]:
        """The pixels of the trace, bool [H, W].

        Raises:
            InputError: naming the question: the run lengths are damaged.
        """
        try:
            return decode_rle(self.trace)
        except InputError as error:
            raise InputError(f"{self.source}.trace: {error}") from error


def read_questions(
    path: str | Path, *, hashes: Container[str] | None = None
) -> dict[str, LocationQuestion]:
    """The questions of a file by their hashes, in its order.

    Args:
        path: of the file.
        hashes: take these alone into memory; the others are checked all the same.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: see `iterate_questions`.
    """
    return {
        one.question_hash: one
        for one in iterate_questions(path)
        if hashes is None or one.question_hash in hashes
    }


def iterate_questions(path: str | Path) -> Iterator[LocationQuestion]:
    """The questions of a file in its order; in memory are one of them and the hashes of all.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: naming file, video, question and field: no JSON, a field is missing or has
            another type, a hash or a video stands twice, a name would leave the data folder, a
            question has more than `MAX_QUESTION_BYTES`, or there are no questions.
    """
    first: dict[str, str] = {}  # where each hash stands
    elements = iterate_elements(
        path, empty_arrays=True, unique_keys=True, max_bytes=MAX_QUESTION_BYTES
    )
    for element in elements:
        video, place = element.key, element.place
        if not place:
            safe_join("", video, source=path)
        if place is None:
            if element.value != []:
                raise InputError(
                    f"{path}: {video}: expected a list of questions, found {shown(element.value)}"
                )
            continue
        where = f"{video}[{place}]"
        question = parse_question(video, element.value, source=f"{path}: {where}")
        earlier = first.setdefault(question.question_hash, where)
        if earlier != where:
            raise InputError(
                f"{question.source}.question_hash: expected every hash once, found "
                f"{question.question_hash!r} in {earlier} as well"
            )
        yield question
    if not first:
        raise InputError(f"{path}: expected questions, found none")


def parse_question(video: str, value: Any, *, source: str) -> LocationQuestion:
    """A question from its JSON value.

    Args:
        video: what it is listed under.
        value: the JSON object.
        source: file and place, for messages.

    Raises:
        InputError: naming source and field.
    """
    record = object_at(value, source)
    frame = text_at(record, "trace_frame", source)
    safe_join("", frame, source=f"{source}.trace_frame")
    span = record.get("txt_slice_indices")
    return LocationQuestion(
        video=video,
        question_hash=text_at(record, "question_hash", source),
        question=text_at(record, "question", source),
        trace_frame=frame,
        trace=_parse_rle(present(record, "trace", source), f"{source}.trace"),
        video_name=text_or_none(record, "video_name", source),
        vidln_id=int_or_none(record, "vidln_id", source),
        actor_index=int_or_none(record, "actor_idx", source),
        text_span=None if span is None else span_of(span, f"{source}.txt_slice_indices"),
        text=text_or_none(record, "txt_slice", source),
        other={name: item for name, item in record.items() if name not in QUESTION_KEYS},
        keys=tuple(record),
        source=source,
    )


def question_to_json(question: LocationQuestion) -> dict[str, Any]:
    """The JSON value that `parse_question` read, key by key."""
    values: dict[str, Any] = {
        **question.other,
        "vidln_id": question.vidln_id,
        "actor_idx": question.actor_index,
        "question_hash": question.question_hash,
        "question": question.question,
        "video_name": question.video_name,
        "trace_frame": question.trace_frame,
        "txt_slice_indices": None if question.text_span is None else list(question.text_span),
        "txt_slice": question.text,
        "trace": dict(question.trace),
    }
    return {name: values[name] for name in question.keys}


def _parse_rle(value: Any, where: str) -> Rle:
    record = object_at(value, where)
    size, counts = (present(record, name, where) for name in ("size", "counts"))
    if not (isinstance(size, list) and len(size) == 2):
        raise InputError(f"{where}.size: expected [height, width], found {shown(size)}")
    if not isinstance(counts, str):  # run lengths may be longer than any text
        raise InputError(f"{where}.counts: expected compressed counts, found {shown(counts)}")
    return Rle(size=[as_int(side, f"{where}.size") for side in size], counts=counts)
