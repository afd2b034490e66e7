"""Many questions from a file, whose kind is told by what is in it.

- a JSON list of narratives, see `vng.grounding.narrative_list`;
- Video Localized Narratives, JSON Lines: a question for each actor, with the nouns of its caption
  by spaCy;
- a VNG set, ``meta_expressions.json`` or its folder: a question for each narrative that has
  expressions, with their nouns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from pointvos.core.errors import InputError
from pointvos.core.safe_names import safe_join
from pointvos.vidln.narrative import NARRATIVE_KEYS
from pointvos.vidln.nouns import DEFAULT_PIPELINE
from pointvos.vidln.reader import NarrativeReader
from vng.data.expressions import read_expressions
from vng.data.vng_set import EXPRESSIONS
from vng.grounding.grounded import NounQuestion
from vng.grounding.narrative_list import read_narrative_list
from vng.grounding.questions import noun_finder, question_of_caption, question_of_spans

KINDS = (
    'a JSON list [{"caption": "..."}, ...], Video Localized Narratives (.jsonl), or '
    f"{EXPRESSIONS} of a VNG set or its folder"
)
_BEGINNING_BYTES = 1 << 16  # the first key of a file is in there
_KEY = re.compile(r'"([a-z_]+)"\s*:')


@dataclass(frozen=True)
class VideoQuestion:
    """A question and the video that it is asked of.

    Attributes:
        video: its name; empty where the file does not name one.
        question: the narrative and its nouns. Several of a video may have one name.
        source: file and place, for messages.
    """

    video: str
    question: NounQuestion
    source: str


@dataclass
class LeftOutNarratives:
    """Narratives that cannot be asked, such as those without a noun: named, counted and bounded.

    Attributes:
        max_left_out: how many there may be.
        reasons: file and place -> what is wrong.
    """

    max_left_out: int = 0
    reasons: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the bound."""
        if self.max_left_out < 0:
            raise InputError(f"expected max_left_out >= 0, found {self.max_left_out}")

    def add(self, source: str, error: Exception) -> None:
        """Leave out one more narrative.

        Raises:
            InputError: that is more than there may be; names the narrative.
        """
        self.reasons[source] = str(error)
        if len(self.reasons) > self.max_left_out:
            raise InputError(
                f"{source}: {error}; {len(self.reasons)} narratives cannot be asked, "
                f"{self.max_left_out} may be left out (max_left_out)"
            ) from error


class _Told(NamedTuple):
    """A narrative of a file; `ask` raises InputError if it cannot be asked."""

    video: str
    source: str
    ask: Callable[[], NounQuestion]


def read_questions(
    path: str | Path,
    *,
    pipeline: str = DEFAULT_PIPELINE,
    left_out: LeftOutNarratives | None = None,
) -> Iterator[VideoQuestion]:
    """The questions of a file in its order; its kind is found out at once, the rest as they come.

    Video Localized Narratives are read line by line. spaCy is loaded when the first caption comes
    whose nouns are not given.

    Args:
        path: a file, or the folder of a VNG set.
        pipeline: of spaCy.
        left_out: counts narratives that cannot be asked; by default none may be.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: naming file, place and field: it is none of the kinds, is damaged, holds no
            questions, or too many narratives cannot be asked; or the pipeline cannot be loaded.
    """
    return _asked(_told(Path(path), pipeline), path, left_out or LeftOutNarratives())


def _told(path: Path, pipeline: str) -> Iterator[_Told]:
    """The narratives of a file of any kind, which its beginning tells."""
    if path.is_dir():
        if not (path / EXPRESSIONS).is_file():
            raise FileNotFoundError(f"{path}: expected {EXPRESSIONS} in it, found none")
        return _told_in_set(path / EXPRESSIONS)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file of questions ({KINDS}), found none")
    with path.open("rb") as file:
        beginning = file.read(_BEGINNING_BYTES).decode("utf-8-sig", errors="replace").lstrip()
    if beginning.startswith("["):
        return _told_in_list(path, pipeline)
    for key in _KEY.findall(beginning) if beginning.startswith("{") else ():
        if key == "videos":
            return _told_in_set(path)
        if key in NARRATIVE_KEYS:
            return _told_by_actors(path, pipeline)
    found = f"{beginning[:40]!r}" if beginning else "an empty file"
    raise InputError(f"{path}: expected questions ({KINDS}), found {found}")


def _told_in_list(path: Path, pipeline: str) -> Iterator[_Told]:
    for one in read_narrative_list(path):
        if one.nouns is None and one.spans is None:
            noun_finder(pipeline)
        yield _Told(one.video, one.source, partial(one.question, pipeline=pipeline))


def _told_by_actors(path: Path, pipeline: str) -> Iterator[_Told]:
    for told in NarrativeReader(path):
        line = f"{path}: {told.dataset_id} {told.vidln_id} ({told.video_id})"
        safe_join("", told.video_id, source=line)
        noun_finder(pipeline)
        for index, actor in enumerate(told.actor_narratives):
            name = actor.actor_name or ""
            ask = partial(question_of_caption, actor.caption or "", name=name, pipeline=pipeline)
            yield _Told(told.video_id, f"{line}: actor_narratives[{index}]", ask)


def _told_in_set(path: Path) -> Iterator[_Told]:
    for video in read_expressions(path):
        for index, narrative in enumerate(video.narratives):
            meant = [one for one in video.expressions if one.narrative == index]
            spans = sorted({(one.start, one.end) for one in meant})
            if not spans:  # nothing is asked of it
                continue
            source = f"{path}: {video.name}: actor_narratives[{index}]"
            ask = partial(
                question_of_spans, narrative.description, spans, name=narrative.actor_name
            )
            yield _Told(video.name, source, ask)


def _asked(
    narratives: Iterator[_Told], path: str | Path, left_out: LeftOutNarratives
) -> Iterator[VideoQuestion]:
    """The questions of narratives, at least one."""
    empty = True
    for video, source, ask in narratives:
        try:
            question = ask()
        except InputError as error:
            left_out.add(source, error)
            continue
        empty = False
        yield VideoQuestion(video, question, source)
    if empty:
        told = f" ({len(left_out.reasons)} left out)" if left_out.reasons else ""
        raise InputError(f"{path}: expected narratives with nouns, found none{told}")
