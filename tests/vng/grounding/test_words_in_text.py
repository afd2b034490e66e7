"""Words are found whole, whatever their case, blanks and accents."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vng.grounding.words_in_text import WordPlaces

PLACES = [
    ("A man and a woman", "man", ["man"]),
    ("A man, a MAN.", "Man", ["man", "MAN"]),
    ("a mannequin, a postman, a man_1", "man", []),
    ("a red  car, a red\ncar, a redcar", "red car", ["red  car", "red\ncar"]),
    ("a t-shirt", "shirt", ["shirt"]),
    ("a t-shirt", "t-shirt", ["t-shirt"]),
    ("the man's hat", "man", ["man"]),
    ("a pi\u00f1a", "pin\u0303a", ["pi\u00f1a"]),
    ("a pin\u0303a!", "PI\u00d1A", ["pin\u0303a"]),
    ("a roe\u0301, a ro\u00e9", "roe", []),  # another word, and not half of a letter
    ("Straße", "STRASSE", ["Straße"]),
    ("Straße", "STRAS", []),
    ("\u200fdog\u200f runs", "dog", ["dog"]),  # marks of direction
    ("\u2764\ufe0fdog\U0001f415 \U0001f415cat", "dog", ["dog"]),
    ("\u2764\ufe0fdog\U0001f415 \U0001f415cat", "cat", ["cat"]),
    ("\u2764\ufe0fdog\U0001f415", "\U0001f415", ["\U0001f415"]),
    ("\ud55c\uad6d", unicodedata.normalize("NFD", "\ud55c\uad6d"), ["\ud55c\uad6d"]),
    ("C++ and c++", "c++", ["C++", "c++"]),
    ("dog dog dog", "dog dog", ["dog dog", "dog dog"]),
    ("a dog", "", []),
    ("a dog", " ", []),
    ("", "dog", []),
]


@pytest.mark.parametrize(("text", "words", "expected"), PLACES)
def test_places(text: str, words: str, expected: list[str]) -> None:
    spans = WordPlaces(text).of(words)
    assert [text[start:end] for start, end in spans] == expected
    assert spans == sorted(set(spans))


# Letters, marks that join the letter before, joiners, emoji of several characters.
odd_text = st.text(st.sampled_from("aZ1_ -.,ß\u0301\u0308\u200d\u200f\ufe0f\U0001f415\u2764İ"))


@given(odd_text, odd_text)
def test_a_word_between_blanks_is_found_at_its_place(before: str, behind: str) -> None:
    text = f"{before} Zebra {behind}"
    start = len(before) + 1
    expected = (start, start + 5)
    found = WordPlaces(text).of("zebra")
    assert expected in found
    assert all(text[slice(*span)].casefold() == "zebra" for span in found)


def visible(text: str) -> list[str]:
    """The words without what is not seen, and without differences that do not count."""
    seen = "".join(one for one in text if unicodedata.category(one) != "Cf")
    return unicodedata.normalize("NFD", seen.casefold()).split()


@given(odd_text, odd_text)
def test_what_is_found_is_what_was_looked_for(text: str, words: str) -> None:
    for start, end in WordPlaces(text).of(words):
        assert 0 <= start < end <= len(text)
        assert visible(text[start:end]) == visible(words)


def test_many_marks_on_one_letter_take_no_longer() -> None:
    text = "a dog" + "\u0301" * 100_000
    assert WordPlaces(text).of("a") == [(0, 1)]
    assert WordPlaces(text).of("dog") == []
