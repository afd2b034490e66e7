"""Narratives that people write down themselves: a JSON list.

::

    [
        {"caption": "A dog chases a ball.", "nouns": ["dog"], "video": "clip", "name": "Dog"},
        {"caption": "A cat sleeps.", "spans": [[2, 5]]},
        {"caption": "A man rides a horse."},
    ]

With neither nouns nor spans the nouns are those of the caption. With nouns the caption may be left
away. The fields have no others beside them, as a misspelt one would change what is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.safe_names import safe_join
from pointvos.vidln.checked_fields import (
    as_text,
    list_or_none,
    object_at,
    shown,
    span_of,
    text_at,
    text_or_none,
)
from vng.grounding.grounded import NounQuestion
from vng.grounding.questions import question_of_caption, question_of_nouns, question_of_spans
from vng.text.spans import Span

FIELDS = ("caption", "nouns", "spans", "video", "name")


@dataclass(frozen=True)
class WrittenNarrative:
    """A narrative of a list, checked but for what its words are.

    Attributes:
        caption: None if nouns alone are asked.
        nouns: as words, if they are given.
        spans: as places in the caption, if they are given; never with nouns.
        video: that it is asked of; empty if the file does not say.
        name: of the narrative; may be empty.
        source: file and place, for messages.
    """

    caption: str | None
    nouns: tuple[str, ...] | None
    spans: tuple[Span, ...] | None
    video: str
    name: str
    source: str

    def question(self, *, pipeline: str) -> NounQuestion:
        """The question.

        Args:
            pipeline: of spaCy, for a caption alone.

        Raises:
            InputError: the caption has no such nouns, or none.
        """
        if self.nouns is not None:
            return question_of_nouns(self.caption, self.nouns, name=self.name)
        assert self.caption is not None  # `parse_written` has seen to it
        if self.spans is not None:
            return question_of_spans(self.caption, self.spans, name=self.name)
        return question_of_caption(self.caption, name=self.name, pipeline=pipeline)


def read_narrative_list(path: str | Path) -> Iterator[WrittenNarrative]:
    """The narratives of a file; it is read whole, and all of them are checked before the first.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: naming file, index and field: it is no JSON list, or a field is missing, unknown
            or of another type.
    """
    content = read_json(path, unique_keys=True)
    if not isinstance(content, list):
        raise InputError(f"{path}: expected a list of narratives, found {shown(content)}")
    told = [parse_written(one, source=f"{path}: [{i}]") for i, one in enumerate(content)]
    return iter(told)


def parse_written(value: Any, *, source: str) -> WrittenNarrative:
    """A narrative from its JSON value.

    Args:
        value: the JSON object.
        source: file and index, for messages.

    Raises:
        InputError: naming source and field.
    """
    record = object_at(value, source)
    for key in record:
        if key not in FIELDS:
            raise InputError(
                f"{source}: expected the fields {', '.join(FIELDS)}, found {key!r:.40} as well"
            )
    nouns = list_or_none(record, "nouns", source)
    spans = list_or_none(record, "spans", source)
    if nouns is not None and spans is not None:
        raise InputError(f"{source}: expected nouns or spans, found both")
    video = text_or_none(record, "video", source)
    if video is not None:
        safe_join("", video, source=f"{source}.video")
    caption = text_or_none if nouns is not None else text_at
    return WrittenNarrative(
        caption=caption(record, "caption", source),
        nouns=None
        if nouns is None
        else tuple(as_text(one, f"{source}.nouns[{i}]") for i, one in enumerate(nouns)),
        spans=None
        if spans is None
        else tuple(span_of(one, f"{source}.spans[{i}]") for i, one in enumerate(spans)),
        video=video or "",
        name=text_or_none(record, "name", source) or "",
        source=source,
    )
