"""Where words stand in a text, whatever their case, their blanks and the encoding of their accents.

A letter may be several characters of Unicode (e and an accent); a place never cuts one.
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from vng.text.spans import Span


class _Letter(NamedTuple):
    """A character with the marks on it.

    Attributes:
        plain: lower case, accents decomposed.
        start: in the text.
        end: in the text, behind its last mark.
        in_word: whether it is a letter, a digit or an underscore.
    """

    plain: str
    start: int
    end: int
    in_word: bool


class WordPlaces:
    """A text in which words are looked for.

    Args:
        text: any.
    """

    def __init__(self, text: str) -> None:
        self._letters = _letters(text)
        self._plain = "".join(letter.plain for letter in self._letters)
        self._starting: dict[int, int] = {}  # place in the plain text -> letter
        self._ending: dict[int, int] = {}
        at = 0
        for number, letter in enumerate(self._letters):
            self._starting[at] = number
            at += len(letter.plain)
            self._ending[at] = number

    def of(self, words: str) -> list[Span]:
        """All places [start, end) of some words, in order; they do not cut other words.

        >>> WordPlaces("A Red  car and a redcar").of("red car")
        [(2, 10)]
        """
        wanted = _letters(words.strip())
        if not wanted:
            return []
        plain = "".join(letter.plain for letter in wanted)
        pattern = r"\s+".join(map(re.escape, plain.split()))
        found = []
        for match in re.finditer(f"(?=({pattern}))", self._plain):
            first = self._starting.get(match.start(1))
            last = self._ending.get(match.end(1))
            if first is None or last is None:  # without the accent of its last letter
                continue
            cut_before = wanted[0].in_word and first > 0 and self._letters[first - 1].in_word
            cut_behind = wanted[-1].in_word and self._is_word_letter(last + 1)
            if not (cut_before or cut_behind):
                found.append((self._letters[first].start, self._letters[last].end))
        return found

    def _is_word_letter(self, number: int) -> bool:
        return number < len(self._letters) and self._letters[number].in_word


def _letters(text: str) -> list[_Letter]:
    """The letters of a text; invisible characters that only format it are none."""
    places: list[Span] = []
    for at, character in enumerate(text):
        category = unicodedata.category(character)
        if category.startswith("M") and places:
            places[-1] = (places[-1][0], at + 1)
        elif category != "Cf":
            places.append((at, at + 1))
    return [
        _Letter(_plain(text[start:end]), start, end, _in_word(text[start])) for start, end in places
    ]


def _plain(letter: str) -> str:
    return unicodedata.normalize("NFD", letter.casefold())


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"
