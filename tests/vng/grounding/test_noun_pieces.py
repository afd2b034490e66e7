"""Narratives in pieces: nothing is lost, and of nouns that overlap the shortest wins."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vng.grounding.grounded import NounLabel, NounQuestion
from vng.grounding.noun_pieces import noun_pieces

TEXT = "A red car door shuts."


def pieces(*spans: tuple[int, int]) -> list[tuple[str, int | None, bool]]:
    found = noun_pieces(TEXT, NounQuestion(TEXT, spans).labels)
    return [(one.text, one.label.number if one.label else None, one.last) for one in found]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([(2, 14)], [("A ", None, False), ("red car door", 1, True), (" shuts.", None, False)]),
        (  # a noun within a noun
            [(2, 14), (6, 9)],
            [
                ("A ", None, False),
                ("red ", 1, False),
                ("car", 2, True),
                (" door", 1, True),
                (" shuts.", None, False),
            ],
        ),
        (  # nouns that overlap: of equally long ones the last
            [(2, 9), (6, 13)],
            [
                ("A ", None, False),
                ("red ", 1, True),
                ("car doo", 2, True),
                ("r shuts.", None, False),
            ],
        ),
        (  # a shorter noun before a longer one
            [(2, 5), (2, 9)],
            [
                ("A ", None, False),
                ("red", 1, True),
                (" car", 2, True),
                (" door shuts.", None, False),
            ],
        ),
        (  # neighbours, the first and the last character
            [(0, 2), (2, 20), (20, 21)],
            [("A ", 1, True), ("red car door shuts", 2, True), (".", 3, True)],
        ),
        (  # a noun that others cover has no piece
            [(2, 9), (2, 5), (5, 9)],
            [
                ("A ", None, False),
                ("red", 2, True),
                (" car", 3, True),
                (" door shuts.", None, False),
            ],
        ),
    ],
)
def test_of_nouns_that_overlap_the_shortest_wins(spans, expected):
    assert pieces(*spans) == expected


def test_no_text_no_pieces():
    assert noun_pieces("", ()) == []
    assert [one.text for one in noun_pieces("plain", ())] == ["plain"]


@given(
    st.text(max_size=40).flatmap(
        lambda text: st.tuples(
            st.just(text),
            st.lists(
                st.tuples(st.integers(0, len(text)), st.integers(0, len(text)))
                .map(sorted)
                .filter(lambda span: span[0] < span[1]),
                max_size=6,
            ),
        )
    )
)
def test_pieces_add_up_to_the_text(drawn):
    text, spans = drawn
    labels = [NounLabel(n, text[a:b], a, b) for n, (a, b) in enumerate(spans, 1)]

    found = noun_pieces(text, labels)

    assert "".join(one.text for one in found) == text
    assert all(one.text for one in found)
    at = 0
    for piece in found:
        if piece.label is not None:
            assert piece.label.start <= at
            assert at + len(piece.text) <= piece.label.end
        else:
            assert not any(a <= at < b for a, b in spans)
        at += len(piece.text)
    numbered = [one.label.number for one in found if one.last and one.label]
    assert sorted(numbered) == sorted({one.label.number for one in found if one.label})
