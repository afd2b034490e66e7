"""The words of a narrative, as Pillow's own font can draw them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from vng.grounding.grounded import NounLabel
from vng.grounding.noun_pieces import noun_pieces

_BOX = "\ufffd"  # the font draws a crossed box
_JOINER = "\u200d"  # of several emoji to one
_QUOTES = "\u2018\u2019\u201c\u201d"  # that the font has
# What it has not, in what it has.
_ALIKE = str.maketrans(
    {
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"),
        **dict.fromkeys("\u201a\u2032\u2039\u203a", "'"),
        **dict.fromkeys("\u201e\u2033", '"'),
        **{"Æ": "AE", "æ": "ae", "Œ": "OE", "œ": "oe", "ß": "ss", "Ø": "O", "ø": "o"},
        **{"Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "\u0131": "i"},
    }
)


class Part(NamedTuple):
    """Letters of a word that are of one noun, or of none."""

    text: str
    label: NounLabel | None
    opens: bool  # first of its piece of the narrative
    closes: bool  # last of it
    numbered: bool  # the number of the noun stands behind it


Word = tuple[Part, ...]


def words_of(text: str, labels: Sequence[NounLabel]) -> list[Word]:
    """The words of a narrative, between white space; their letters are of nouns or of none."""
    words: list[Word] = []
    word: list[Part] = []
    for piece in noun_pieces(text, labels):
        chunks = drawable(piece.text).split(" ")
        filled = [place for place, chunk in enumerate(chunks) if chunk]
        for place, chunk in enumerate(chunks):
            if place and word:
                words.append(tuple(word))
                word = []
            if chunk:
                closes = place == filled[-1]
                word.append(
                    Part(chunk, piece.label, place == filled[0], closes, closes and piece.last)
                )
    return [*words, tuple(word)] if word else words


def plain_word(text: str) -> Word:
    """A word of no noun."""
    return (Part(text, None, opens=False, closes=False, numbered=False),)


def drawable(text: str) -> str:
    """What stands for a text in a font of ASCII, as described at `caption_band`.

    >>> drawable("Z\u00fcrich \u2013 e\u0301t\u00e9")
    'Zurich - ete'

    A character with its marks, or an emoji of several characters, is one box.
    """
    shown: list[str] = []
    previous = ""
    for character in text:
        mark = unicodedata.category(character) in ("Mn", "Me", "Cf")
        if (mark and previous) or previous == _JOINER:
            previous = character
            continue
        previous = character
        if character.isspace():
            shown.append(" ")
            continue
        shown.append(_plain_letters(character) or _BOX)
    return "".join(shown)


def _plain_letters(character: str) -> str:
    """The letters that the font has for a character, or ""."""
    apart = unicodedata.normalize("NFKD", character.translate(_ALIKE)).translate(_ALIKE)
    letters = "".join(one for one in apart if not unicodedata.combining(one))
    return letters if all(" " < one <= "~" or one in _QUOTES for one in letters) else ""
