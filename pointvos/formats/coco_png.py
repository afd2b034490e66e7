"""Panoptic Narrative Grounding on COCO: captions whose nouns name segments.

``png_coco_<split>2017.json`` is a list of narratives::

    {
        "image_id": 8211,
        "caption": "In this picture a man ...",
        "segments": [
            {"utterance": "man", "noun": true, "segment_ids": [10584960], "plural": false},
            ...,
        ],
    }

An utterance is a piece of the caption, nearly always a word. Its ids are those of the panoptic PNG
of the image (`pointvos.formats.coco_panoptic`); several ids of one noun are one union.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json

LOOK_AHEAD = 40  # characters between two pieces; one that is missing must not lead to its namesake


@dataclass(frozen=True)
class Utterance:
    """A piece of a caption.

    Attributes:
        text: as in the file.
        span: where it stands in the caption, (start, end) in characters; None where the caption
            does not hold it in this order.
        noun: whether it is a noun that may name segments.
        segment_ids: that it names.
        plural: whether it means several things.
    """

    text: str
    span: tuple[int, int] | None
    noun: bool
    segment_ids: tuple[int, ...]
    plural: bool


@dataclass(frozen=True)
class ImageNarrative:
    """What is told of an image.

    Attributes:
        image_id: COCO's.
        caption: the text, never edited.
        utterances: its pieces, in order.
    """

    image_id: int
    caption: str
    utterances: tuple[Utterance, ...]

    @property
    def grounded(self) -> list[Utterance]:
        """The nouns that name segments and stand in the caption."""
        return [one for one in self.utterances if one.noun and one.segment_ids and one.span]


def read_coco_png(path: str | Path) -> list[ImageNarrative]:
    """The narratives of a file, in its order.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no COCO-PNG, or holds no narratives.
    """
    content = read_json(path)
    if not isinstance(content, list):
        raise InputError(f"{path}: expected narratives of COCO-PNG, a list, found {content!r:.60}")
    found = []
    for index, row in enumerate(content):
        try:
            found.append(_narrative(row))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path}: expected narratives of COCO-PNG, found {type(error).__name__}: {error} "
                f"(narrative {index})"
            ) from error
    if not found:
        raise InputError(f"{path}: expected narratives, found none")
    return found


def _narrative(row: Any) -> ImageNarrative:
    caption, segments = row["caption"], row["segments"]
    if not isinstance(caption, str):
        raise ValueError(f"the caption {caption!r:.60}")
    spans = locate((segment["utterance"] for segment in segments), caption)
    return ImageNarrative(
        image_id=int(row["image_id"]),
        caption=caption,
        utterances=tuple(
            Utterance(
                text=segment["utterance"],
                span=span,
                noun=bool(segment["noun"]),
                segment_ids=tuple(int(one) for one in segment["segment_ids"]),
                plural=bool(segment.get("plural", len(segment["segment_ids"]) > 1)),
            )
            for segment, span in zip(segments, spans, strict=True)
        ),
    )


def locate(utterances: Iterable[str], caption: str) -> list[tuple[int, int] | None]:
    """Where pieces of a caption stand in it, one after the other.

    A piece is looked for shortly behind the last one that was found, as whole words, in any case. A
    caption may hold more than its pieces, and a piece that it does not hold moves nothing.

    >>> locate(["a", "Man", "dog"], "In this a man stands.")
    [(8, 9), (10, 13), None]
    """
    spans: list[tuple[int, int] | None] = []
    behind = 0
    for text in (utterance.strip() for utterance in utterances):
        word = re.escape(text)
        pattern = rf"(?<!\w){word}(?!\w)" if text[:1].isalnum() else word
        last = behind + LOOK_AHEAD + len(text)
        match = re.compile(pattern, re.IGNORECASE).search(caption, behind, last) if text else None
        spans.append(None if match is None else match.span())
        behind = behind if match is None else match.end()
    return spans
