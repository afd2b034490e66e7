"""Captions with nouns found by hand, for tests of linking: no parser has a say in them."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from pointvos.core.points import Points
from pointvos.vidln.narrative_json import parse_narrative
from pointvos.vidln.nouns import Noun
from tests.vidln.narratives import actor, narrative, point
from vng.convert.link_types import CaptionNouns, LinkTarget
from vng.convert.linking import FrameSize

SIZE = FrameSize(60, 80)  # its diagonal is 100 pixels
KEYFRAMES = ["000003", "000013"]
WORD_MS = 1000

Stroke = Sequence[tuple[float, float]]  # (x, y) in pixels of a frame of SIZE


def noun(caption: str, text: str, *, occurrence: int = 0, lemma: str | None = None) -> Noun:
    """One noun of a caption; its dictionary form is the text in lower case without a final s."""
    start = -1
    for _ in range(occurrence + 1):
        start = caption.index(text, start + 1)
    lemma = lemma or text.lower().removesuffix("s")
    head = text.split()[-1]
    return Noun(
        start=start,
        end=start + len(text),
        text=text,
        lemma=lemma,
        head=head,
        head_lemma=lemma.split()[-1],
        chunk_start=start,
        chunk_end=start + len(text),
        heads_chunk=True,
    )


def told(
    caption: str,
    nouns: Sequence[Noun],
    strokes: Mapping[tuple[str, int], Stroke] | None = None,
    *,
    keyframes: Sequence[str] = KEYFRAMES,
    more_actors: Sequence[dict[str, Any]] = (),
    **changed: Any,
) -> list[CaptionNouns]:
    """A caption whose words last a second each, with strokes by (word, key-frame).

    A word that comes again is told apart by a number, "dog 1". The second and further entries are
    of `more_actors`, whose nouns are those of the first.
    """
    spoken, behind, counted = [], 0, {}
    for number, word in enumerate(caption.replace(".", "").split()):
        start = caption.index(word, behind)
        behind = start + len(word)
        counted[word] = counted.get(word, -1) + 1
        name = f"{word} {counted[word]}" if counted[word] else word
        spoken.append((name, number * WORD_MS, start, behind))
    alignment = [
        {
            "start_ms": ms,
            "end_ms": ms + 500,
            "referenced_word": caption[start:end],
            "referenced_word_start_idx": start,
            "referenced_word_end_idx": end,
        }
        for _, ms, start, end in spoken
    ]
    begin = {name: ms for name, ms, _, _ in spoken}
    traces = [
        [
            point(x / SIZE.width, y / SIZE.height, begin[word] + place, keyframe)
            for place, (x, y) in enumerate(stroke)
        ]
        for (word, keyframe), stroke in (strokes or {}).items()
    ]
    value = narrative(
        actor(caption=caption, time_alignment=alignment, traces=traces, noun_segments=[]),
        *more_actors,
        **{"keyframe_names": list(keyframes), **changed},
    )
    parsed = parse_narrative(value, source="test")
    return [
        CaptionNouns(parsed, index, tuple(nouns)) for index in range(len(parsed.actor_narratives))
    ]


def target(
    name: str | None, *pixels: tuple[int, int], key: str = "k", frame: str = "000003"
) -> LinkTarget:
    """An object with foreground points on one frame."""
    nouns = (noun(name, name),) if name and name.strip() else ()
    xy = Points.from_pixels(np.array(pixels).reshape(-1, 2), np.ones(len(pixels))).xy
    return LinkTarget(key, name, nouns, {frame: xy})
