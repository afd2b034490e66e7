"""Nouns for an image whose segments have categories: one object, all of them, or none.

A singular means one instance, a plural the union of the category. Of several instances one is
meant where words of place or size tell it from the others, or where it is by far the largest. A
category that is not in the image gives a noun with an empty mask.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from vng.data.coco_words import SHARED, Words, alike, meaning, words_of
from vng.data.panoptic_images import PanopticSegment
from vng.data.places import extent, true_places
from vng.data.sentences import NounPhrase, Place, one_of_a_kind, placed, several, uncounted

DOMINANT = 3.0  # times the area of the next, from which an object alone is meant by its noun
_ANIMALS, _VEHICLES = (
    next(shared.categories for shared in SHARED if shared.words.one == (word,))
    for word in ("animal", "vehicle")
)
_PLACES: tuple[Place, ...] = ("left", "right", "top", "bottom", "middle", "large", "small")


@dataclass(frozen=True, kw_only=True)
class NounSettings:
    """Which nouns an image with categories is told with."""

    most_nouns: int = 8
    """Most nouns in a text whose objects are there; how many is drawn."""
    absent: float = 0.25
    """Share of all nouns whose category is not in the image; their mask is empty."""
    min_area: float = 0.002
    """Least area of what a noun means, as a share of the image."""
    place: float = 0.6
    """Probability that single objects among several of a category are meant, where words of place
    or size tell them apart; otherwise the noun means all of them."""
    shared: float = 0.15
    """Probability of each word for several categories, such as animal or wall, that is true."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.most_nouns < 1:
            raise InputError(f"most_nouns: expected at least 1, found {self.most_nouns}")
        for name in ("absent", "min_area", "place", "shared"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: expected a share, found {getattr(self, name)}")
        if self.absent == 1:
            raise InputError("absent: expected a share below 1, found 1")


class DrawnNoun(NamedTuple):
    """A noun and the numbers of the segments that it means; none if it is absent."""

    phrase: NounPhrase
    segments: tuple[int, ...]


class _Instances(NamedTuple):
    """The segments of a category by number, with their areas in pixels."""

    thing: bool
    areas: Mapping[int, int]


def draw_nouns(
    segments: Sequence[PanopticSegment],
    index: NDArray[np.uint8],
    settings: NounSettings,
    absent_from: Mapping[str, float],
    rng: np.random.Generator,
) -> list[DrawnNoun]:
    """Nouns of an image, at least one of them there; in no order.

    Categories with a crowd, whose pixels nobody told apart, are neither named nor called absent.

    Args:
        segments: of the image; segment i is i + 1 in `index`.
        index: uint8 [H, W].
        settings: how many and which.
        absent_from: all categories, with weights by how often they are named.
        rng: source of randomness.

    Returns:
        The nouns; empty if nothing in the image is large enough.
    """
    areas = np.bincount(index.ravel(), minlength=len(segments) + 1)
    crowds = {segment.category for segment in segments if segment.crowd}
    instances: dict[str, _Instances] = {}
    for number, segment in enumerate(segments, start=1):
        if segment.category not in crowds and areas[number]:
            found = instances.setdefault(segment.category, _Instances(segment.thing, {}))
            assert isinstance(found.areas, dict)
            found.areas[number] = int(areas[number])
    least = max(1, settings.min_area * index.size)
    there = [name for name, one in instances.items() if sum(one.areas.values()) >= least]
    nouns: list[DrawnNoun] = []
    for name in (there[int(place)] for place in rng.permutation(len(there))):
        nouns += _of_category(name, instances[name], index, least, settings, rng)
    nouns += _shared(instances, crowds, least, settings, rng)
    nouns = _as_meant(nouns, instances, crowds)
    if not nouns:
        return []
    count = int(rng.integers(1, min(settings.most_nouns, len(nouns)) + 1))
    kept = [nouns[int(place)] for place in rng.permutation(len(nouns))[:count]]
    odds = settings.absent / (1 - settings.absent)
    missing = int(rng.poisson(len(kept) * odds))
    present = {segment.category for segment in segments}
    return [*kept, *_absent(present, missing, absent_from, rng)]


def _of_category(
    name: str,
    one: _Instances,
    index: NDArray[np.uint8],
    least: float,
    settings: NounSettings,
    rng: np.random.Generator,
) -> list[DrawnNoun]:
    """The nouns for what is there of a category: one, or several that are told apart."""
    words, numbers = words_of(name), tuple(one.areas)
    if not one.thing:
        return [_plain(name, words, 0, numbers, rng)]
    if len(numbers) == 1:
        return [_plain(name, words, 1, numbers, rng)]
    if words.one and rng.random() < settings.place:
        apart = _told_apart(name, words, one, index, least, rng)
        if apart:
            return apart
        largest, next_one = sorted(one.areas, key=lambda number: -one.areas[number])[:2]
        if one.areas[largest] >= DOMINANT * one.areas[next_one]:
            return [_plain(name, words, 1, (largest,), rng)]
    return [_plain(name, words, len(numbers), numbers, rng)]


def _told_apart(
    name: str,
    words: Words,
    one: _Instances,
    index: NDArray[np.uint8],
    least: float,
    rng: np.random.Generator,
) -> list[DrawnNoun]:
    """Up to three objects of a category, each by a place that is true of it alone."""
    numbers = list(one.areas)
    places = true_places([extent(index == number) for number in numbers])
    candidates = [
        (number, of_one)
        for number, of_one in zip(numbers, places, strict=True)
        if of_one and one.areas[number] >= least
    ]
    nouns = []
    word = words.one[int(rng.integers(len(words.one)))]
    for choice in rng.permutation(len(candidates))[: int(rng.integers(1, 4))]:
        number, of_one = candidates[int(choice)]
        place = of_one[int(rng.integers(len(of_one)))]
        parts = placed(word, place, len(numbers) - 1, rng)
        nouns.append(DrawnNoun(NounPhrase(*parts, kind=_kind(name)), (number,)))
    return nouns


def _plain(
    name: str, words: Words, count: int, numbers: tuple[int, ...], rng: np.random.Generator
) -> DrawnNoun:
    """A noun without a place: singular for one, plural for several, any form for stuff (0)."""
    thing = count > 0
    if not thing:
        forms = [form for form in ("one", "many", "mass") if getattr(words, form)]
        form = forms[int(rng.integers(len(forms)))]
    else:
        form = "one" if count == 1 else "many"
        form = form if getattr(words, form) else "mass"
    choices = getattr(words, form) or words.one or words.many
    word = choices[int(rng.integers(len(choices)))]
    kind = _kind(name) if form == "one" and thing else None
    if form == "one":
        parts = one_of_a_kind(word, rng)
    elif form == "many":
        parts = several(word, count, rng)
    else:
        parts = uncounted(word, rng)
    phrase = NounPhrase(*parts, behind=not thing, kind=kind, many=form == "many")
    return DrawnNoun(phrase, numbers)


def _shared(
    instances: Mapping[str, _Instances],
    crowds: Collection[str],
    least: float,
    settings: NounSettings,
    rng: np.random.Generator,
) -> list[DrawnNoun]:
    """Words that mean several categories together, as far as they are there."""
    nouns = []
    for shared in SHARED:
        wanted = rng.random() < settings.shared
        of_these = [instances[name] for name in sorted(shared.categories & instances.keys())]
        areas = {number: area for one in of_these for number, area in one.areas.items()}
        if not wanted or shared.categories & set(crowds) or sum(areas.values()) < max(1, least):
            continue
        things = all(one.thing for one in of_these)
        count = len(areas) if things else 0
        nouns.append(_plain("", shared.words, count, tuple(areas), rng))
    return nouns


def _as_meant(
    nouns: Sequence[DrawnNoun], instances: Mapping[str, _Instances], crowds: Collection[str]
) -> list[DrawnNoun]:
    """The nouns with all that their words mean, each meaning once.

    A word that several categories share ("wall") means all of them that are there.
    """
    found: dict[tuple[int, ...], DrawnNoun] = {}
    for noun in nouns:
        categories = meaning(noun.phrase.noun)
        if categories & set(crowds):
            continue
        segments = {
            number for name in categories & instances.keys() for number in instances[name][1]
        }
        whole = tuple(sorted(segments | set(noun.segments)))
        found.setdefault(whole, noun._replace(segments=whole))
    return list(found.values())


def _absent(
    present: Collection[str],
    count: int,
    weights: Mapping[str, float],
    rng: np.random.Generator,
) -> list[DrawnNoun]:
    """Nouns of categories that are not in the image, nor any that may be taken for them.

    Each is drawn in one of three ways: any category, so that rare ones are among them; by how often
    categories are named, so that no noun is there just because it is common; or one that may be
    taken for what is there in another picture, of the same kind as something in this one.
    """
    near = {other for name in present for other in alike(name)}
    free = sorted(name for name in weights if name not in near)
    chosen: list[str] = []
    for _ in range(min(count, len(free))):
        left = [name for name in free if name not in chosen]
        same = [name for name in left if any(_kind(name) == _kind(one) for one in present)]
        way = int(rng.integers(3))
        if way == 2 and same:
            left = [name for name in same if _kind(name) != "object"] or same
        odds = np.array([weights[name] if way == 1 else 1.0 for name in left])
        odds = odds / odds.sum() if odds.sum() > 0 else np.full(len(left), 1 / len(left))
        chosen.append(left[int(rng.choice(len(left), p=odds))])
    return [_absent_noun(name, rng) for name in chosen]


def _absent_noun(name: str, rng: np.random.Generator) -> DrawnNoun:
    """A noun for what is not there, in any of the forms of those that are."""
    words = words_of(name)
    if words.one and rng.random() < 0.2:
        place = _PLACES[int(rng.integers(len(_PLACES)))]
        others = 2 if place == "middle" else int(rng.integers(1, 3))
        parts = placed(words.one[0], place, others, rng)
        return DrawnNoun(NounPhrase(*parts, kind=_kind(name)), ())
    count = int(rng.choice([0, 1, 1, 2, 3]))
    return _plain(name, words, count, (), rng)


def _kind(name: str) -> Literal["animal", "person", "vehicle", "object"]:
    if name == "person":
        return "person"
    if name in _ANIMALS:
        return "animal"
    return "vehicle" if name in _VEHICLES else "object"
