"""Narratives from JSON values and back, without loss."""

from __future__ import annotations

from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.safe_names import safe_join
from pointvos.vidln.checked_fields import (
    as_int,
    as_text,
    int_at,
    int_or_none,
    list_at,
    list_or_none,
    object_at,
    shown,
    span_of,
    text_at,
    text_or_none,
)
from pointvos.vidln.narrative import (
    ACTOR_KEYS,
    NARRATIVE_KEYS,
    WORD_KEYS,
    ActorNarrative,
    Narrative,
    TimedWord,
)
from pointvos.vidln.trace_json import parse_part, part_to_json


def parse_narrative(value: Any, *, source: str) -> Narrative:
    """A narrative from its JSON value.

    Whether spans and key-frame indices fit is not asked here: see `pointvos.vidln.location`.

    Args:
        value: the JSON object.
        source: file and line, for messages.

    Raises:
        InputError: naming source and field: a field is missing or has another type; a name would
            leave the data folder.
    """
    where = f"{source}: narrative"
    record = object_at(value, where)
    video = text_at(record, "video_id", where)
    safe_join("", video, source=f"{where}.video_id")
    names = [
        as_text(name, f"{where}.keyframe_names[{i}]")
        for i, name in enumerate(list_at(record, "keyframe_names", where))
    ]
    for i, name in enumerate(names):
        safe_join("", name, source=f"{where}.keyframe_names[{i}]")
    annotator = record.get("annotator_id")
    if not isinstance(annotator, int | str | None) or isinstance(annotator, bool):
        raise InputError(
            f"{where}.annotator_id: expected a number or text, found {shown(annotator)}"
        )
    return Narrative(
        vidln_id=int_at(record, "vidln_id", where),
        dataset_id=text_at(record, "dataset_id", where),
        video_id=video,
        keyframe_names=tuple(names),
        actor_narratives=tuple(
            _parse_actor(one, f"{source}: actor_narratives[{i}]")
            for i, one in enumerate(list_at(record, "actor_narratives", where))
        ),
        annotator_id=annotator,
        other=_unnamed(record, NARRATIVE_KEYS),
        keys=tuple(record),
    )


def narrative_to_json(narrative: Narrative) -> dict[str, Any]:
    """The JSON value that `parse_narrative` read, key by key."""
    values: dict[str, Any] = {
        **narrative.other,
        "vidln_id": narrative.vidln_id,
        "dataset_id": narrative.dataset_id,
        "video_id": narrative.video_id,
        "keyframe_names": list(narrative.keyframe_names),
        "actor_narratives": [_actor_to_json(one) for one in narrative.actor_narratives],
        "annotator_id": narrative.annotator_id,
    }
    return {name: values[name] for name in narrative.keys}


def _parse_actor(value: Any, where: str) -> ActorNarrative:
    actor = object_at(value, where)
    selection = list_or_none(actor, "keyframe_selection_indices", where)
    nouns = list_or_none(actor, "noun_segments", where)
    words = list_or_none(actor, "time_alignment", where)
    traces = list_or_none(actor, "traces", where)
    return ActorNarrative(
        actor_name=text_or_none(actor, "actor_name", where),
        caption=text_or_none(actor, "caption", where),
        keyframe_selection=None
        if selection is None
        else tuple(
            as_int(index, f"{where}.keyframe_selection_indices[{i}]")
            for i, index in enumerate(selection)
        ),
        recording_start_ms=int_or_none(actor, "recording_start_time_ms_since_epoch", where),
        traces_start_ms=int_or_none(actor, "traces_start_time_ms_since_epoch", where),
        traces=None
        if traces is None
        else tuple(parse_part(part, f"{where}.traces[{i}]") for i, part in enumerate(traces)),
        noun_segments=None
        if nouns is None
        else tuple(span_of(span, f"{where}.noun_segments[{i}]") for i, span in enumerate(nouns)),
        time_alignment=None
        if words is None
        else tuple(_parse_word(one, f"{where}.time_alignment[{i}]") for i, one in enumerate(words)),
        recording_filename=text_or_none(actor, "recording_filename", where),
        other=_unnamed(actor, ACTOR_KEYS),
        keys=tuple(actor),
    )


def _actor_to_json(actor: ActorNarrative) -> dict[str, Any]:
    values: dict[str, Any] = {
        **actor.other,
        "actor_name": actor.actor_name,
        "caption": actor.caption,
        "keyframe_selection_indices": _listed(actor.keyframe_selection),
        "recording_start_time_ms_since_epoch": actor.recording_start_ms,
        "traces_start_time_ms_since_epoch": actor.traces_start_ms,
        "traces": None if actor.traces is None else [part_to_json(part) for part in actor.traces],
        "noun_segments": None
        if actor.noun_segments is None
        else [list(span) for span in actor.noun_segments],
        "time_alignment": None
        if actor.time_alignment is None
        else [_word_to_json(word) for word in actor.time_alignment],
        "recording_filename": actor.recording_filename,
    }
    return {name: values[name] for name in actor.keys}


def _parse_word(value: Any, where: str) -> TimedWord:
    word = object_at(value, where)
    return TimedWord(
        start_ms=int_at(word, "start_ms", where),
        end_ms=int_or_none(word, "end_ms", where),
        text=text_or_none(word, "referenced_word", where),
        start=int_at(word, "referenced_word_start_idx", where),
        end=int_at(word, "referenced_word_end_idx", where),
        other=_unnamed(word, WORD_KEYS),
        keys=WORD_KEYS if tuple(word) == WORD_KEYS else tuple(word),
    )


def _word_to_json(word: TimedWord) -> dict[str, Any]:
    values: dict[str, Any] = {
        **word.other,
        "start_ms": word.start_ms,
        "end_ms": word.end_ms,
        "referenced_word": word.text,
        "referenced_word_start_idx": word.start,
        "referenced_word_end_idx": word.end,
    }
    return {name: values[name] for name in word.keys}


def _unnamed(record: dict[str, Any], named: tuple[str, ...]) -> dict[str, Any]:
    return {name: item for name, item in record.items() if name not in named}


def _listed(values: tuple[int, ...] | None) -> list[int] | None:
    return None if values is None else list(values)
