"""Sentences around nouns, for images that come with category names instead of narratives.

A sentence is drawn from templates by a generator that is passed in; where every noun stands in it
is known because the text is put together from pieces, never searched.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from vng.text.spans import Span

Place = Literal["left", "right", "top", "bottom", "middle", "large", "small"]

BARE = 0.15  # share of texts that are no sentence, only the nouns
SPACED = 0.2  # share of texts with spaces before commas and full stops, as in COCO-PNG
FEW_NOUNS = 4  # in one sentence; more nouns are told in several

_OPENERS = (
    "There {be} {}",
    "There {be} {} in the picture",
    "In this image there {be} {}",
    "In this picture we can see {}",
    "In this image I can see {}",
    "In the scene there {be} {}",
    "We see {}",
    "I can see {}",
    "Here {be} {}",
    "This is a photo of {}",
    "A picture of {}",
    "A photo of {}",
    "A close view of {}",
    "This picture shows {}",
    "The image shows {}",
    "The video shows {}",
    "The camera shows {}",
    "One can see {}",
    "{} can be seen",
    "{} can be seen here",
    "{} in the picture",
    "Look at {}",
)
_FOLLOWING = (
    "There {be} also {}",
    "We can also see {}",
    "I can see {} too",
    "Besides, there {be} {}",
    "In the scene there {be} {} as well",
    "{} can be seen, too",
    "It also shows {}",
    "Then there {be} {}",
)
_BEHIND = (  # for what usually surrounds things
    "In the background there {be} {}",
    "Behind, there {be} {}",
    "In the background we can see {}",
    "Around, we see {}",
    "{} can be seen in the background",
)
_DOING = {
    "animal": (
        "walks slowly",
        "stands still",
        "looks around",
        "turns its head",
        "moves towards the camera",
        "is resting",
        "keeps looking at something",
        "waits for a while",
    ),
    "person": (
        "stands still",
        "is looking at something",
        "moves towards the camera",
        "turns around",
        "waits for a while",
        "is doing something",
    ),
    "vehicle": (
        "drives slowly",
        "comes to a stop",
        "is moving",
        "stands still",
        "passes by",
        "turns around",
    ),
    "object": (
        "is seen",
        "is visible",
        "can be seen",
        "stays where it is",
        "appears in the picture",
        "is shown from nearby",
        "does not move",
    ),
}
_JOINTS = (" and ", " with ", " as well as ", " together with ", " along with ", ", then ")
_THEN = (
    "",
    "",
    " for a while",
    " while the camera moves a little",
    ", and nothing else happens",
    " as it was before",
)

_PLACED = {
    "left": (
        ("the left {}", "the {} on the left", "the {} on the left side", "the {} to the left"),
        ("the leftmost {}", "the {} on the far left", "the {} on the left", "the left-hand {}"),
    ),
    "right": (
        ("the right {}", "the {} on the right", "the {} on the right side", "the {} to the right"),
        ("the rightmost {}", "the {} on the far right", "the {} on the right", "the right-hand {}"),
    ),
    "top": (
        ("the upper {}", "the {} at the top", "the {} above", "the {} higher up"),
        ("the topmost {}", "the {} at the top", "the uppermost {}", "the highest {}"),
    ),
    "bottom": (
        ("the lower {}", "the {} at the bottom", "the {} below", "the {} further down"),
        ("the lowest {}", "the {} at the bottom", "the {} at the very bottom"),
    ),
    "middle": (
        ("the {} in the middle", "the middle {}", "the {} between the others"),
        ("the {} in the middle", "the middle {}", "the {} between the others"),
    ),
    "large": (
        ("the larger {}", "the bigger {}", "the large {}"),
        ("the largest {}", "the biggest {}", "the large {}"),
    ),
    "small": (
        ("the smaller {}", "the small {}"),
        ("the smallest {}", "the small {}"),
    ),
}
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five", 6: "six"}
_VOWELS = "aeiou"
_LIKE_CONSONANTS = ("uni", "eu", "one", "ukulele", "used")


class NounPhrase(NamedTuple):
    """A noun with the words that belong to it.

    Attributes:
        before: text in front of the noun, with its space.
        noun: the words of the span.
        after: text behind it, with its space in front.
        behind: whether it is told as background.
        kind: what it may be said to do; None for nothing.
        many: whether it is a plural.
    """

    before: str
    noun: str
    after: str = ""
    behind: bool = False
    kind: Literal["animal", "person", "vehicle", "object"] | None = None
    many: bool = False

    @property
    def text(self) -> str:
        """All of it."""
        return f"{self.before}{self.noun}{self.after}"


@dataclass(frozen=True)
class Told:
    """A text and where its nouns stand.

    Attributes:
        text: the sentences.
        spans: [start, end) of each noun, in the order in which the nouns were given.
    """

    text: str
    spans: tuple[Span, ...]


def article(noun: str) -> str:
    """The indefinite article of a noun.

    >>> article("apple"), article("unicycle"), article("dog")
    ('an', 'a', 'a')
    """
    lower = noun.lower()
    vowel = lower[:1] in _VOWELS and not lower.startswith(_LIKE_CONSONANTS)
    return "an" if vowel else "a"


def one_of_a_kind(noun: str, rng: np.random.Generator) -> tuple[str, str, str]:
    """A noun in the singular that needs no telling apart: before, noun, after."""
    before = _any((f"{article(noun)} ", f"{article(noun)} ", "the ", "one ", ""), rng)
    return before, noun, ""


def several(noun: str, count: int, rng: np.random.Generator) -> tuple[str, str, str]:
    """A noun in the plural that means all of `count` objects, 0 for nobody counted them."""
    choices = ["the ", "", "some "]
    if count == 2:
        choices.append("both ")
    if count != 2:
        choices.append("several ")
    if count in _NUMBERS:
        choices += [f"{_NUMBERS[count]} ", f"the {_NUMBERS[count]} "]
    if count > max(_NUMBERS):
        choices += ["many ", "a lot of "]
    return _any(choices, rng), noun, ""


def uncounted(noun: str, rng: np.random.Generator) -> tuple[str, str, str]:
    """A noun without a number, such as grass: before, noun, after."""
    return _any(("the ", "", "some ", ""), rng), noun, ""


def placed(noun: str, place: Place, others: int, rng: np.random.Generator) -> tuple[str, str, str]:
    """A noun told apart from `others` (>= 1) of its kind by where it is: before, noun, after."""
    form = _any(_PLACED[place][0 if others == 1 else 1], rng)
    before, after = form.split("{}")
    return before, noun, after


def tell(phrases: Sequence[NounPhrase], rng: np.random.Generator) -> Told:
    """A text that holds every phrase once.

    Raises:
        ValueError: there is no phrase.
    """
    if not phrases:
        raise ValueError("expected at least one noun to tell of, found none")
    order = [int(place) for place in rng.permutation(len(phrases))]
    if rng.random() < BARE:
        return _put_together([_listed(order, _any((", ", " and "), rng))], "", phrases)
    stop, comma = (" .", " , ") if rng.random() < SPACED else (".", ", ")
    sentences = [_sentence(one, phrases, comma, rng) for one in _sentences(order, phrases, rng)]
    return _put_together(sentences, stop, phrases)


def _sentences(
    order: list[int], phrases: Sequence[NounPhrase], rng: np.random.Generator
) -> list[list[int]]:
    """Which phrases share a sentence; what is told as background comes last."""
    front = [place for place in order if not phrases[place].behind]
    back = [place for place in order if phrases[place].behind]
    if rng.random() < 0.3:  # a list takes them as they come
        front, back = order, []
    found = []
    for places in (front, back):
        while places:
            count = int(rng.integers(1, FEW_NOUNS + 1))
            found.append(places[:count])
            places = places[count:]
    return found


def _sentence(
    places: list[int], phrases: Sequence[NounPhrase], comma: str, rng: np.random.Generator
) -> list[str | int]:
    """One sentence without its full stop."""
    first = phrases[places[0]]
    if first.kind and len(places) == 1 and rng.random() < 0.5:
        return [places[0], " " + _any(_DOING[first.kind], rng) + _any(_THEN, rng)]
    if first.behind and all(phrases[place].behind for place in places):
        form = _any(_BEHIND, rng)
    else:
        form = _any((*_OPENERS, *_OPENERS, *_FOLLOWING), rng)
    before, after = form.replace("{be}", "are" if first.many else "is").split("{}")
    return [before, *_listed(places, _any(_JOINTS, rng), comma), after]


def _listed(places: list[int], joint: str, comma: str = ", ") -> list[str | int]:
    """Phrases one after the other: commas between them, `joint` before the last."""
    pieces: list[str | int] = []
    for number, place in enumerate(places):
        if number:
            pieces.append(joint if number == len(places) - 1 else comma)
        pieces.append(place)
    return pieces


def _put_together(
    sentences: Sequence[Sequence[str | int]], stop: str, phrases: Sequence[NounPhrase]
) -> Told:
    """The text; sentences start with a capital where they end with a full stop."""
    text = ""
    spans: dict[int, Span] = {}
    for pieces in sentences:
        start = len(text) + bool(text)
        text += " " if text else ""
        for piece in pieces:
            if isinstance(piece, str):
                text += piece
                continue
            phrase = phrases[piece]
            spans[piece] = _inside(phrase, len(text))
            text += phrase.text
        if stop:
            first = text[start : start + 1].upper()
            if len(first) == 1:  # not of every letter the capital is one
                text = f"{text[:start]}{first}{text[start + 1 :]}"
            text += stop
    return Told(text, tuple(spans[place] for place in range(len(phrases))))


def _inside(phrase: NounPhrase, start: int) -> Span:
    first = start + len(phrase.before)
    return first, first + len(phrase.noun)


def _any(choices: Sequence[str], rng: np.random.Generator) -> str:
    return choices[int(rng.integers(len(choices)))]
