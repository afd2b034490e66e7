"""Expressions of Video Narrative Grounding: which noun of which narrative means which object.

The official ``meta_expressions.json`` (google/video-localized-narratives)::

    {"videos": {<video>: {
        "frames": [<frame>, ...],
        "actor_narratives": [{"actor_idx": 0, "actor_name": "Dog", "description": "A dog ..."}],
        "expressions": {"0": {"narrative_actor_idx": 0, "noun_phrase_start_idx": 2,
                              "noun_phrase_end_idx": 5, "obj_id": 17}, ...}}}}

``description[start:end]`` is the noun, and the text is never edited. What the format does not name
is kept and written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.safe_names import safe_join

_NARRATIVE_KEYS = ("actor_idx", "actor_name", "description")
_EXPRESSION_KEYS = (
    "narrative_actor_idx",
    "noun_phrase_start_idx",
    "noun_phrase_end_idx",
    "obj_id",
)
_VIDEO_KEYS = ("frames", "actor_narratives", "expressions")


@dataclass(frozen=True)
class ActorNarrative:
    """What is told of one actor of a video.

    Attributes:
        actor_idx: number of the actor in its video, as annotated.
        actor_name: such as "Brown bear".
        description: the text.
        other: fields that the format does not name.
    """

    actor_idx: int
    actor_name: str
    description: str
    other: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Expression:
    """A noun of a narrative and the object that it means.

    Attributes:
        narrative: index among the narratives of the video.
        start: of the noun in the description, in characters.
        end: one past its last character.
        obj_id: of the object, in the masks of the set.
        other: fields that the format does not name.
    """

    narrative: int
    start: int
    end: int
    obj_id: int
    other: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class NarratedVideo:
    """A video, its narratives and its expressions.

    Attributes:
        name: of the video.
        frames: names of all its frames, in order, without extension.
        narratives: of its actors.
        expressions: in the order of their ids "0", "1", ...
        other: fields that the format does not name.
    """

    name: str
    frames: tuple[str, ...]
    narratives: tuple[ActorNarrative, ...]
    expressions: tuple[Expression, ...]
    other: Mapping[str, Any] = field(default_factory=dict)

    def text(self, expression: Expression) -> str:
        """The narrative of an expression."""
        return self.narratives[expression.narrative].description

    def noun(self, expression: Expression) -> str:
        """The words of an expression."""
        return self.text(expression)[expression.start : expression.end]


def read_expressions(path: str | Path) -> list[NarratedVideo]:
    """The videos of a ``meta_expressions.json``, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: naming video and field: a field is missing or of another type, the ids of the
            expressions are not 0, 1, ... without a gap, a span does not fit its description, a
            narrative does not exist, a frame is listed twice, or there are no videos.
    """
    content = read_json(path, unique_keys=True)
    videos = content.get("videos") if isinstance(content, dict) else None
    if not isinstance(videos, dict) or not videos:
        raise InputError(f'{path}: expected {{"videos": {{...}}}} with videos, found none')
    return [parse_video(name, value, source=str(path)) for name, value in videos.items()]


def write_expressions(path: str | Path, videos: Iterable[NarratedVideo]) -> int:
    """Write a ``meta_expressions.json`` that `read_expressions` reads back, atomically.

    Videos are written as they come; returns how many.

    Raises:
        InputError: two videos have one name, or what would be written could not be read.
    """
    written: set[str] = set()
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.write('{"videos": {')
        for video in videos:
            if video.name in written:
                raise InputError(f"{path}: expected every video once, found {video.name!r} twice")
            value = video_to_json(video)
            parse_video(video.name, value, source=str(path))
            name = json.dumps(video.name, ensure_ascii=False)
            file.write(f"{', ' if written else ''}{name}: {json.dumps(value, ensure_ascii=False)}")
            written.add(video.name)
        file.write("}}")
    return len(written)


def parse_video(name: str, value: Any, *, source: str) -> NarratedVideo:
    """A video from its JSON value.

    Args:
        name: what it is listed under.
        value: the JSON object.
        source: file, for messages.

    Raises:
        InputError: as `read_expressions` does.
    """
    where = f"{source}: {name}"
    safe_join("", name, source=source)
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a video, found {value!r:.60}")
    frames = _field(value, "frames", list, where)
    for frame in frames:
        if not isinstance(frame, str):
            raise InputError(f"{where}.frames: expected names, found {frame!r:.60}")
        safe_join("", frame, source=f"{where}.frames")
    if len(set(frames)) < len(frames):
        twice = next(frame for frame in frames if frames.count(frame) > 1)
        raise InputError(f"{where}.frames: expected every frame once, found {twice!r} twice")
    narratives = tuple(
        _narrative(one, where=f"{where}.actor_narratives[{index}]")
        for index, one in enumerate(_field(value, "actor_narratives", list, where))
    )
    listed = _field(value, "expressions", dict, where)
    for number in range(len(listed)):
        if str(number) not in listed:
            raise InputError(
                f"{where}.expressions: expected the ids 0 to {len(listed) - 1} without a gap, "
                f"found no {number}"
            )
    expressions = tuple(
        _expression(listed[str(number)], narratives, where=f"{where}.expressions.{number}")
        for number in range(len(listed))
    )
    return NarratedVideo(name, tuple(frames), narratives, expressions, _others(value, _VIDEO_KEYS))


def _narrative(value: Any, *, where: str) -> ActorNarrative:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected a narrative, found {value!r:.60}")
    return ActorNarrative(
        actor_idx=_field(value, "actor_idx", int, where),
        actor_name=_field(value, "actor_name", str, where),
        description=_field(value, "description", str, where),
        other=_others(value, _NARRATIVE_KEYS),
    )


def _expression(value: Any, narratives: Sequence[ActorNarrative], *, where: str) -> Expression:
    if not isinstance(value, dict):
        raise InputError(f"{where}: expected an expression, found {value!r:.60}")
    narrative, start, end, obj_id = (_field(value, key, int, where) for key in _EXPRESSION_KEYS)
    # The official loader takes the narrative at this index, whatever its actor_idx says.
    if not 0 <= narrative < len(narratives):
        raise InputError(
            f"{where}.narrative_actor_idx: expected one of {len(narratives)} narratives, found "
            f"{narrative}"
        )
    length = len(narratives[narrative].description)
    if not 0 <= start < end <= length:
        raise InputError(
            f"{where}: expected a noun inside the {length} characters of its narrative, found "
            f"{start} to {end}"
        )
    return Expression(narrative, start, end, obj_id, _others(value, _EXPRESSION_KEYS))


def _field(value: Mapping[str, Any], name: str, kind: type, where: str) -> Any:
    found = value.get(name)
    if not isinstance(found, kind) or isinstance(found, bool):
        told = "none" if name not in value else f"{found!r:.60}"
        raise InputError(f"{where}.{name}: expected {kind.__name__}, found {told}")
    return found


def _others(value: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in known}


def video_to_json(video: NarratedVideo) -> dict[str, Any]:
    """The JSON value that `parse_video` reads."""
    return {
        "frames": list(video.frames),
        "actor_narratives": [
            {
                "actor_idx": one.actor_idx,
                "actor_name": one.actor_name,
                "description": one.description,
                **one.other,
            }
            for one in video.narratives
        ],
        "expressions": {
            str(number): {
                "narrative_actor_idx": one.narrative,
                "noun_phrase_start_idx": one.start,
                "noun_phrase_end_idx": one.end,
                "obj_id": one.obj_id,
                **one.other,
            }
            for number, one in enumerate(video.expressions)
        },
        **video.other,
    }
