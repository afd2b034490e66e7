"""Whether a method listens: the same masks scored when it was asked for something else.

- ``swapped``: each noun's true mask against the mask of a noun of another video, which is not here.
  The scores of those absent nouns and of those that are there give the presence AUC.
- ``no_text``: against the mask of a word that names nothing.
- ``other_noun``: against the mask of the next noun of the same narrative that means another object.

A method that ignores the text gets the same J on all of them as on its own nouns.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pointvos.core.errors import InputError
from vng.data.expressions import NarratedVideo
from vng.text.spans import Span

Probe = Literal["swapped", "no_text", "other_noun"]
PROBES: tuple[Probe, ...] = ("swapped", "no_text", "other_noun")
NOTHING = "something"


@dataclass(frozen=True)
class Question:
    """A narrative and nouns of it, asked of a video.

    Attributes:
        text: the narrative.
        spans: [start, end) of each noun in it.
    """

    text: str
    spans: tuple[Span, ...]


def head(noun: str) -> str:
    """The word that a noun phrase is about, for comparing: its last, in lower case."""
    words = noun.lower().split()
    return words[-1].strip(".,;:!?'\"()") if words else ""


def probe_question(
    probe: Probe, video: NarratedVideo, others: Sequence[NarratedVideo]
) -> Question | None:
    """What a video is asked for instead of its nouns; None for a probe that asks nothing new.

    ``swapped`` takes the first narrative of the following videos that has nouns which are no noun
    of this one, and those nouns of it.

    Args:
        probe: which.
        video: that is asked.
        others: all videos of the set, this one among them; the search starts behind it.

    Raises:
        InputError: no other video has another noun.
    """
    if probe == "other_noun":
        return None
    if probe == "no_text":
        return Question(NOTHING, ((0, len(NOTHING)),))
    here = {head(video.noun(one)) for one in video.expressions}
    for other in _behind(video, others):
        for index, narrative in enumerate(other.narratives):
            spans = tuple(
                (one.start, one.end)
                for one in other.expressions
                if one.narrative == index and head(other.noun(one)) not in here
            )
            if spans:
                return Question(narrative.description, tuple(dict.fromkeys(spans)))
    raise InputError(
        f"probe swapped: {video.name}: expected another video with other nouns in the set, found "
        "none"
    )


def _behind(video: NarratedVideo, others: Sequence[NarratedVideo]) -> Iterator[NarratedVideo]:
    place = next(i for i, other in enumerate(others) if other.name == video.name)
    yield from others[place + 1 :]
    yield from others[:place]
