"""From characters to times."""

import math

import numpy as np
import pytest

from pointvos.vidln.narrative import TimedWord
from pointvos.vidln.time_window import (
    TimeWindow,
    fits_caption,
    window_of_words,
    words_by_time,
    words_in_span,
)

# "A dog chases a ball"
WORDS = [
    TimedWord(0, 400, "A", 0, 1),
    TimedWord(400, 900, "dog", 2, 5),
    TimedWord(1000, 1500, "chases", 6, 12),
    TimedWord(1600, 1700, "a", 13, 14),
    TimedWord(1700, 2500, "ball", 15, 19),
]


@pytest.mark.parametrize(
    ("span", "chosen"),
    [
        ((2, 5), [1]),  # the word itself
        ((1, 6), [1]),  # with the blanks around it
        ((3, 4), [1]),  # a character of it
        ((2, 12), [1, 2]),
        ((0, 19), [0, 1, 2, 3, 4]),
        ((1, 2), []),  # a blank
        ((5, 6), []),
        ((19, 40), []),
        ((3, 3), []),
    ],
)
def test_words_share_a_character_with_the_span(span: tuple[int, int], chosen: list[int]) -> None:
    assert words_in_span(WORDS, *span) == chosen


def test_a_window_lasts_until_the_next_word_begins() -> None:
    assert window_of_words(WORDS, [1]) == TimeWindow(400, 1000)  # not 900, where the word ends
    assert window_of_words(WORDS, [1, 2]) == TimeWindow(400, 1600)
    assert window_of_words(WORDS, [4]) == TimeWindow(1700, math.inf)
    assert window_of_words(WORDS, [0, 4]) == TimeWindow(0, math.inf)


def test_words_are_put_in_the_order_of_time() -> None:
    assert words_by_time(WORDS[::-1]) == WORDS
    twins = [TimedWord(5, 6, text, 0, 1) for text in "ab"]
    assert words_by_time(twins) == twins
    assert window_of_words(twins, [0]).is_empty
    assert not window_of_words(twins, [1]).is_empty


def test_a_window_holds_its_start_but_not_its_end() -> None:
    times = np.array([999, 1000, 1499, 1500, 2**53])
    assert TimeWindow(500, 1000).contains(times, 500).tolist() == [False, True, True, False, False]
    assert TimeWindow(500, math.inf).contains(times, 500).tolist() == [False, *[True] * 4]


@pytest.mark.parametrize(
    ("text", "fits"),
    [("dog", True), ("Dog.", True), (None, True), ("og", False), ("chases", False)],
)
def test_a_word_fits_if_its_letters_stand_there(text: str | None, fits: bool) -> None:
    assert fits_caption(TimedWord(0, 1, text, 2, 5), "A dog chases a ball") is fits


def test_a_word_behind_the_caption_does_not_fit() -> None:
    assert not fits_caption(TimedWord(0, 1, "dog", 50, 53), "A dog")
