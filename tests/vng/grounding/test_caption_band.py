"""Captions: nouns in their colours, wrapped, cut where they are too long, whatever the text."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.visualize.colours import legible_on, object_colour
from vng.grounding.caption_band import caption_band
from vng.grounding.caption_words import drawable, words_of
from vng.grounding.grounded import NounLabel, NounQuestion

CAPITAL = 12


def question(text: str, *nouns: str) -> NounQuestion:
    """Marks the first occurrence of each noun behind the one before."""
    spans, at = [], 0
    for noun in nouns:
        start = text.index(noun, at)
        spans.append((start, start + len(noun)))
        at = start + 1
    return NounQuestion(text, tuple(spans))


def band(asked: NounQuestion, width: int = 600, **options) -> np.ndarray:
    return caption_band(asked.text, asked.labels, width, capital=CAPITAL, **options)


def pixels_of(picture: np.ndarray, number: int) -> tuple[np.ndarray, np.ndarray]:
    return np.nonzero((picture == object_colour(number)).all(axis=2))


def numbers_in(picture: np.ndarray, most: int) -> set[int]:
    """Nouns whose patch is in a picture; edges of patches have mixed colours, hence the least."""
    return {n for n in range(1, most + 1) if len(pixels_of(picture, n)[0]) > 2 * CAPITAL}


def narrative(words: int, *, every: int, first: int = 0) -> NounQuestion:
    """A long one whose every n-th word is a noun, from some word on."""
    at, spans, texts = 0, [], []
    for place in range(words):
        text = f"noun{place}" if place >= first and place % every == 0 else "word"
        if text != "word":
            spans.append((at, at + len(text)))
        texts.append(text)
        at += len(text) + 1
    return NounQuestion(" ".join(texts), tuple(spans))


def test_nouns_stand_on_their_colours_in_order():
    picture = band(question("A man rides a bike past a car.", "man", "bike", "car"))

    assert picture.dtype == np.uint8
    assert picture.shape[1:] == (600, 3)
    assert picture[0].min() == picture[:, -1].min() == 255
    places = [pixels_of(picture, number) for number in (1, 2, 3)]
    assert all(columns.size > 20 * CAPITAL for _, columns in places)
    for (_, before), (_, behind) in pairwise(places):
        assert before.max() < behind.min()
    assert len({rows.min() for rows, _ in places}) == 1  # on one line


@pytest.mark.parametrize("number", [1, 2, 3, 7, 16, 254])
def test_the_letters_of_a_noun_can_be_read(number):
    label = NounLabel(number, "swan", 0, 4)

    picture = caption_band("swan", [label], 120, capital=CAPITAL)

    rows, columns = pixels_of(picture, number)
    inside = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    ink = np.array(legible_on(object_colour(number)), float)
    assert (np.abs(inside - ink).max(axis=2) < 40).sum() > 3 * CAPITAL


def test_long_texts_go_on_in_the_next_line_inside_the_band():
    asked = question("one two three four five six seven eight nine ten " * 3, "five six")

    wide, narrow = band(asked, 600), band(asked, 200)

    assert len(narrow) > 2 * len(wide)
    for picture in (wide, narrow):
        assert (picture[:, -CAPITAL // 2 :] == 255).all()
        assert len(pixels_of(picture, 1)[0])


def test_a_noun_of_two_words_is_one_patch():
    asked = question("see a black swan here", "black swan")

    rows, columns = pixels_of(band(asked), 1)

    top = columns[rows == rows.min() + 1]
    assert (np.diff(np.sort(top)) == 1).all()


def test_a_noun_within_a_noun_keeps_its_colour():
    picture = band(question("the red car door", "red car door", "car"))

    outer, inner = pixels_of(picture, 1)[1], pixels_of(picture, 2)[1]
    assert outer.min() < inner.min()
    assert inner.max() < outer.max()


def test_a_word_wider_than_the_band_is_broken():
    picture = band(question("m" * 60 + " end", "m" * 60, "end"), 150)

    assert (picture[:, -CAPITAL // 3 :] == 255).all()
    assert len(pixels_of(picture, 1)[0]) > len(pixels_of(picture, 2)[0]) > 0
    lines = len(set(pixels_of(picture, 1)[0] // (2 * CAPITAL)))
    assert lines > 3


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("Zürich, ÅNGSTRÖM", "Zurich, ANGSTROM"),
        ("e\u0301te\u0301", "ete"),
        ("Straße Ærø Łódź", "Strasse AEro Lodz"),
        ("\u2013 \u2014 \u2026 \u201ea\u201c", '- - ... "a\u201c'),
        ("a\u00a0b\nc\td", "a b c d"),
        ("\u81ea\u8ee2\u8eca", "\ufffd\ufffd\ufffd"),
        ("\U0001f6b2!", "\ufffd!"),
        ("\U0001f469\u200d\U0001f6b4 x", "\ufffd x"),  # one emoji of three characters
        ("\u2764\ufe0f", "\ufffd"),
        ("\u0301", "\ufffd"),  # a mark with nothing to stand on
        ("a\x00b\ud800", "a\ufffdb\ufffd"),
        ("", ""),
    ],
)
def test_what_the_font_has_not_is_replaced_and_never_dropped(text, shown):
    assert drawable(text) == shown


def test_a_box_is_drawn_for_an_emoji():
    with_box = band(question("a \U0001f6b2 b", "\U0001f6b2"))

    rows, columns = pixels_of(with_box, 1)
    inside = with_box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert (inside.min(axis=2) > 200).sum() > CAPITAL


def test_smaller_letters_before_words_are_left_out():
    asked = narrative(60, every=10)
    full = band(asked)

    picture = band(asked, highest=len(full) - 1)

    assert len(picture) < len(full)
    assert numbers_in(picture, 6) == {1, 2, 3, 4, 5, 6}
    ink = (picture == (32, 32, 32)).all(axis=2).sum()
    assert ink > 0.3 * (full == (32, 32, 32)).all(axis=2).sum()


@pytest.mark.parametrize("every", [10, 100, 1999])
def test_a_long_narrative_keeps_its_nouns(every):
    asked = narrative(2000, every=every, first=every // 2)
    nouns = len(asked.spans)

    picture = band(asked, 854, highest=160)

    assert 160 - 3 * CAPITAL < len(picture) <= 160
    seen = numbers_in(picture, nouns)
    if every >= 100:
        assert seen == set(range(1, nouns + 1))
    else:  # not even the nouns fit: those that come first
        assert seen == set(range(1, max(seen) + 1))
        assert 20 < len(seen) < nouns


def test_a_long_text_without_nouns_is_cut_at_its_end():
    picture = caption_band("word " * 2000, [], 854, capital=CAPITAL, highest=100)

    assert 60 < len(picture) <= 100


def test_nothing_to_write_or_no_room_is_a_band_without_rows():
    assert caption_band(" \n ", [], 100, capital=CAPITAL).shape == (0, 100, 3)
    assert band(question("a man", "man"), highest=10).shape == (0, 600, 3)
    assert band(question("a man", "man"), highest=0).shape == (0, 600, 3)


@pytest.mark.parametrize(("width", "capital"), [(0, 12), (100, 0)])
def test_sizes_must_be_positive(width, capital):
    with pytest.raises(ValueError, match="caption: expected a positive width"):
        caption_band("a", [], width, capital=capital)


def test_the_same_text_gives_the_same_band():
    asked = question("A man rides a bike.", "man", "bike")
    assert (band(asked) == band(asked)).all()


def test_every_word_keeps_its_letters():
    asked = question("the red car's door, there", "red car", "door")
    words = words_of(asked.text, asked.labels)

    assert ["".join(part.text for part in word) for word in words] == asked.text.split()
    numbered = [(p.text, p.label.number) for word in words for p in word if p.numbered and p.label]
    assert numbered == [("car", 1), ("door", 2)]


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(max_size=80),
    cuts=st.lists(st.tuples(st.integers(0, 80), st.integers(1, 30)), max_size=5),
    width=st.integers(1, 300),
    highest=st.none() | st.integers(0, 120),
)
def test_any_text_makes_a_band_of_the_width(text, cuts, width, highest):
    spans = [(a, min(a + n, len(text))) for a, n in cuts if a < len(text)]
    labels = [NounLabel(n, text[a:b], a, b) for n, (a, b) in enumerate(spans, 1)]

    picture = caption_band(text, labels, width, capital=9, highest=highest)

    assert picture.shape[1:] == (width, 3)
    if highest is not None:
        assert len(picture) <= highest
    elif text.strip():
        assert (picture != 255).any() or width < 18
