"""The narrative as a band below a frame, its nouns in the colours of their masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from vng.grounding.caption_layout import Layout
from vng.grounding.caption_words import Word, plain_word, words_of
from vng.grounding.grounded import NounLabel

_SMALLEST_CAPITAL_PX = 7  # smaller text cannot be read
_LEFT_OUT = "..."


def caption_band(
    text: str,
    labels: Sequence[NounLabel],
    width: int,
    *,
    capital: int,
    highest: int | None = None,
) -> NDArray[np.uint8]:
    """Write a narrative on white, wrapped at words, each noun on its colour with its number.

    What does not fit `highest` is made to: smaller letters first, down to two thirds and never
    below what can be read; then words far from all nouns give way to "..."; and where not even the
    nouns fit, the last line ends with how many are left out. So a long narrative keeps its nouns,
    each with as many of the words around it as there is room for.

    Pillow's own font is used, the same everywhere. It has ASCII and little more: accents are left
    out ("Zurich"), dashes and quotes are replaced by plain ones, and every other character (an
    emoji, an ideograph) is a crossed box.

    Args:
        text: the narrative.
        labels: its nouns; they may nest or overlap, the shortest wins.
        width: of the band, in pixels.
        capital: the height of capitals, in pixels.
        highest: the band is at most so many pixels high; None: as high as it needs.

    Returns:
        uint8 RGB [h, width, 3]; no rows where not one line fits, or there is nothing to write.

    Raises:
        ValueError: the width or the height of capitals is not positive.
    """
    if width < 1 or capital < 1:
        raise ValueError(
            f"caption: expected a positive width and height of capitals, found {width} and "
            f"{capital}"
        )
    words = words_of(text, labels)
    smallest = min(capital, max(_SMALLEST_CAPITAL_PX, round(capital * 2 / 3)))
    for size in range(capital, smallest - 1, -1):
        layout = Layout(width, size)
        lines = layout.wrapped(words)
        if highest is None or layout.height(len(lines)) <= highest:
            return layout.drawn(lines)
    room = layout.lines_within(highest or 0)
    return layout.drawn(layout.wrapped(_shortened(words, room, layout))[:room])


def _shortened(words: Sequence[Word], room: int, layout: Layout) -> list[Word]:
    """Nouns with as many words around them as fit into `room` lines, the same on all sides."""

    def fits(candidate: list[Word]) -> bool:
        return len(layout.wrapped(candidate)) <= room

    nouns = [place for place, word in enumerate(words) if any(part.label for part in word)]
    around = _largest(len(words), lambda count: fits(_kept(words, nouns, count)))
    if around is not None and nouns:
        return _kept(words, nouns, around)
    # Not even the nouns, or there are none: what comes first.
    places = nouns or list(range(len(words)))
    shown = _largest(len(places), lambda count: fits(_beginning(words, places[:count])))
    return _beginning(words, places[: shown or 0])


def _largest(most: int, holds: Callable[[int], bool]) -> int | None:
    """The largest of 0 .. most that a condition holds for, which holds for all below; or None."""
    low, high = -1, most
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if holds(middle) else (low, middle - 1)
    return None if low < 0 else low


def _kept(words: Sequence[Word], nouns: Sequence[int], around: int) -> list[Word]:
    """Words at most so many from a noun; dots for those between."""
    kept: list[Word] = []
    behind = 0
    for noun in nouns:
        first = max(behind, noun - around)
        if first > behind:
            kept.append(plain_word(_LEFT_OUT))
        kept += words[first : noun + around + 1]
        behind = max(behind, noun + around + 1)
    return kept if behind >= len(words) else [*kept, plain_word(_LEFT_OUT)]


def _beginning(words: Sequence[Word], places: Sequence[int]) -> list[Word]:
    """Some words, dots, and how many nouns have none of them."""
    shown = [words[place] for place in places]
    left_out = len(_numbers(words) - _numbers(shown))
    return [*shown, plain_word(f"{_LEFT_OUT}+{left_out}" if left_out else _LEFT_OUT)]


def _numbers(words: Sequence[Word]) -> set[int]:
    return {part.label.number for word in words for part in word if part.label is not None}
