"""From characters of a caption to the time in which they were spoken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointvos.vidln.narrative import TimedWord


@dataclass(frozen=True)
class TimeWindow:
    """A stretch of a recording.

    Attributes:
        start_ms: its begin, in ms from the start of the recording.
        end_ms: its end, exclusive; inf behind the last word.
    """

    start_ms: int
    end_ms: float

    @property
    def is_empty(self) -> bool:
        """Whether no time lies in it."""
        return self.end_ms <= self.start_ms

    def contains(self, time_ms: NDArray[np.int64], recording_start_ms: int) -> NDArray[np.bool_]:
        """Which of the times [P], in ms since the epoch, lie in it; bool [P]."""
        relative = time_ms - recording_start_ms
        return np.asarray((relative >= self.start_ms) & (relative < self.end_ms))


def words_by_time(words: Sequence[TimedWord]) -> list[TimedWord]:
    """The words in the order in which they were spoken; those of one time as in the file."""
    return sorted(words, key=lambda word: word.start_ms)


def words_in_span(words: Sequence[TimedWord], start: int, end: int) -> list[int]:
    """Indices of the words that share a character with the span [start, end)."""
    return [i for i, word in enumerate(words) if max(start, word.start) < min(end, word.end)]


def window_of_words(words: Sequence[TimedWord], chosen: Sequence[int]) -> TimeWindow:
    """When some of the words were spoken.

    From the start of the first to the start of the word after the last: a mouse lingers on a thing
    until the next word begins. After the last word of all there is no end.

    Args:
        words: all words, in the order of time.
        chosen: indices of some of them, ascending, at least one.
    """
    following = chosen[-1] + 1
    return TimeWindow(
        start_ms=words[chosen[0]].start_ms,
        end_ms=words[following].start_ms if following < len(words) else math.inf,
    )


def fits_caption(word: TimedWord, caption: str) -> bool:
    """Whether the caption holds the word where the alignment says; letters and digits count."""
    return word.text is None or _letters(caption[word.start : word.end]) == _letters(word.text)


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())
