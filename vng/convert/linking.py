"""From an annotated object to the noun of a narrative that names it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from math import inf
from typing import NamedTuple

from pointvos.vidln.location import locate_span
from pointvos.vidln.nouns import Noun
from pointvos.vidln.questions import LocationQuestion
from vng.convert.link_types import (
    CaptionNouns,
    Link,
    LinkRules,
    LinkTarget,
    NoLink,
    NounPlace,
    Reason,
    Rule,
)
from vng.convert.stop_nouns import is_stopped
from vng.convert.trace_distance import trace_distance

Span = tuple[int, int]


class FrameSize(NamedTuple):
    """Height and width of the frames of a video, in pixels."""

    height: int
    width: int


class _Candidate(NamedTuple):
    place: NounPlace
    caption: CaptionNouns


def link_object(
    target: LinkTarget,
    captions: Sequence[CaptionNouns],
    size: FrameSize,
    rules: LinkRules,
    *,
    question: LocationQuestion | None = None,
    refused: AbstractSet[NounPlace] = frozenset(),
) -> Link | NoLink:
    """Find the noun of one object.

    A location-output question of the record's hash names it. Else the nouns of all captions of the
    video come into question that read as the object is called; if there are none, those with the
    same dictionary form; if there are none, those with the same head. Of several the one is taken
    whose trace is nearest (see `trace_distance`), if that is near and clearly nearer than the
    second; a noun without a trace on any frame of the object counts as farther than all others.
    Nouns that are no things do not come into question by name.

    Args:
        target: the object.
        captions: of all narratives of its video, in their order.
        size: of the frames.
        rules: how.
        question: with the record's hash, if there is one.
        refused: nouns that belong to others.
    """
    if not captions:
        return NoLink(target.key, Reason.MISSING_NARRATIVE)
    note = ""
    if question is not None:
        found = _by_question(question, captions)
        if isinstance(found, str):
            note = found
        elif found.place not in refused:
            distance = _distance(target, found, size)
            return _link(target, found, Rule.QUESTION, distance, candidates=1)
    name = " ".join((target.name or "").split())
    if not name:
        return NoLink(target.key, Reason.NO_OBJECT_NAME, note=note)
    forms = _NameForms.of(name, target.name_nouns)
    if is_stopped(forms.lemma, rules.stop_nouns):
        return NoLink(target.key, Reason.STOP_NOUN, note=note)
    for alone, by_trace, matches in _levels(name, forms):
        all_places = [
            _Candidate(_place(caption, span), caption)
            for caption in captions
            for noun in caption.nouns
            if not is_stopped(noun.lemma, rules.stop_nouns)
            and (span := matches(caption.caption, noun)) is not None
        ]
        free = [one for one in all_places if one.place not in refused]
        if free:
            link = _nearest(target, free, size, rules, alone, by_trace)
            return replace(link, note=note)
    reason = Reason.NOUN_TAKEN if refused else Reason.NOUN_NOT_FOUND
    return NoLink(target.key, reason, candidates=len(refused), note=note)


def link_video(
    targets: Sequence[LinkTarget],
    captions: Sequence[CaptionNouns],
    size: FrameSize,
    rules: LinkRules,
    *,
    questions: Mapping[str, LocationQuestion],
) -> dict[str, Link | NoLink]:
    """Find the nouns of all objects of a video; no two get one noun, unless the rules allow it.

    Where two want one noun, or nouns that overlap, a link by a question goes before one by name,
    then the nearer object before the farther, then the earlier record before the later. The other
    looks among the nouns that are left.

    Args:
        targets: the objects, in the order of the file.
        captions: of all narratives of the video, in their order.
        size: of the frames.
        rules: how.
        questions: by hash.

    Returns:
        Key of the record -> what was found, in the order of `targets`.
    """
    contest = _Contest(targets)
    waiting = list(reversed(targets))
    while waiting:
        target = waiting.pop()
        found = link_object(
            target,
            captions,
            size,
            rules,
            question=questions.get(target.key),
            refused=contest.refused[target.key],
        )
        evicted = contest.enter(found, allow=rules.shared_nouns == "allow")
        waiting += [one for one in targets if one.key in evicted]
    return contest.outcome()


class _Contest:
    """Who holds which noun so far."""

    def __init__(self, targets: Sequence[LinkTarget]) -> None:
        self.refused: dict[str, set[NounPlace]] = {target.key: set() for target in targets}
        self._found: dict[str, Link | NoLink] = {}
        self._contested: dict[str, set[NounPlace]] = {target.key: set() for target in targets}
        self._order = {target.key: number for number, target in enumerate(targets)}

    def enter(self, found: Link | NoLink, *, allow: bool) -> set[str]:
        """Let an object have what it found; returns the keys of those that must look again."""
        self._found.pop(found.key, None)
        if isinstance(found, NoLink):
            self._found[found.key] = found
            return set()
        rivals = [
            held
            for held in self._found.values()
            if isinstance(held, Link) and held.place.overlaps(found.place)
        ]
        for rival in rivals:
            self._contested[rival.key].add(rival.place)
            self._contested[found.key].add(found.place)
        if not allow and any(self._before(rival) < self._before(found) for rival in rivals):
            self.refused[found.key].add(found.place)
            return {found.key}
        self._found[found.key] = found
        if allow:
            return set()
        for rival in rivals:
            self.refused[rival.key].add(rival.place)
            del self._found[rival.key]
        return {rival.key for rival in rivals}

    def outcome(self) -> dict[str, Link | NoLink]:
        return {
            key: replace(self._found[key], contested=len(self._contested[key]))
            for key in self._order
        }

    def _before(self, link: Link) -> tuple[bool, float, int]:
        distance = inf if link.distance is None else link.distance
        return link.rule is not Rule.QUESTION, distance, self._order[link.key]


def _by_question(question: LocationQuestion, captions: Sequence[CaptionNouns]) -> _Candidate | str:
    """The span that a question names, or why it names none."""
    if question.vidln_id is None or question.actor_index is None or question.text_span is None:
        return "its question names no span of a narrative"
    for caption in captions:
        if (caption.narrative.vidln_id, caption.actor) != (
            question.vidln_id,
            question.actor_index,
        ):
            continue
        start, end = question.text_span
        if not 0 <= start < end <= len(caption.caption):
            return (
                f"its question names the characters {start} to {end} of a caption of "
                f"{len(caption.caption)}"
            )
        there = caption.caption[start:end]
        if question.text is not None and _plain(there) != _plain(question.text):
            return f"its question names {question.text!r:.60} where the caption has {there!r:.60}"
        return _Candidate(_place(caption, (start, end)), caption)
    return (
        f"its question names narrative {question.vidln_id}, actor {question.actor_index}, which "
        "the video does not have"
    )


def _nearest(
    target: LinkTarget,
    candidates: Sequence[_Candidate],
    size: FrameSize,
    rules: LinkRules,
    alone: Rule,
    by_trace: Rule,
) -> Link | NoLink:
    distances = [_distance(target, one, size) for one in candidates]
    if len(candidates) == 1:
        return _link(target, candidates[0], alone, distances[0], candidates=1)
    known = [inf if distance is None else distance for distance in distances]
    best, second = sorted(range(len(known)), key=known.__getitem__)[:2]  # stable: the first of ties
    clear = known[best] <= rules.max_distance and known[second] - known[best] >= rules.margin
    if not clear and rules.ambiguous == "drop":
        return NoLink(target.key, Reason.AMBIGUOUS, candidates=len(candidates))
    rule = alone if known[best] == inf else by_trace
    link = _link(target, candidates[best], rule, distances[best], candidates=len(candidates))
    return link if clear else replace(link, ambiguous=True)


def _link(
    target: LinkTarget,
    found: _Candidate,
    rule: Rule,
    distance: float | None,
    *,
    candidates: int,
) -> Link:
    place = found.place
    noun = found.caption.caption[place.start : place.end]
    return Link(target.key, place, noun, rule, distance, candidates)


def _distance(target: LinkTarget, found: _Candidate, size: FrameSize) -> float | None:
    caption, place = found.caption, found.place
    location = locate_span(caption.narrative, caption.about, place.start, place.end)
    return trace_distance(target.foreground, location, size.height, size.width)


def _place(caption: CaptionNouns, span: Span) -> NounPlace:
    narrative = caption.narrative
    return NounPlace(narrative.dataset_id, narrative.vidln_id, caption.actor, *span)


_Matches = Callable[[str, Noun], Span | None]


def _levels(name: str, wanted: _NameForms) -> list[tuple[Rule, Rule, _Matches]]:
    """The rules by name in their order, each with what a noun of a caption must be for it."""

    def by_text(caption: str, noun: Noun) -> Span | None:
        # A name may say more than the noun: of "the red car" the noun is "car".
        start = min(noun.start, noun.end - len(name))
        reads = start >= 0 and caption[start : noun.end].casefold() == name.casefold()
        whole = start == 0 or not caption[start - 1 : start].isalnum()
        return (start, noun.end) if reads and whole else None

    def by_lemma(_: str, noun: Noun) -> Span | None:
        return (noun.start, noun.end) if noun.lemma.casefold() == wanted.lemma else None

    def by_head(_: str, noun: Noun) -> Span | None:
        return (noun.start, noun.end) if noun.head_lemma.casefold() == wanted.head else None

    return [
        (Rule.TEXT, Rule.TEXT_BY_TRACE, by_text),
        (Rule.LEMMA, Rule.LEMMA_BY_TRACE, by_lemma),
        (Rule.HEAD, Rule.HEAD_BY_TRACE, by_head),
    ]


@dataclass(frozen=True)
class _NameForms:
    """Dictionary forms of a name, in lower case."""

    lemma: str
    head: str

    @classmethod
    def of(cls, name: str, nouns: Sequence[Noun]) -> _NameForms:
        """Those of a name's noun, of "man with a hat" of the man; without a noun of the name."""
        heads = [noun for noun in nouns if noun.heads_chunk] or list(nouns)
        if not heads:
            return cls(name.casefold(), name.casefold().split()[-1])
        return cls(heads[0].lemma.casefold(), heads[0].head_lemma.casefold())


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())
