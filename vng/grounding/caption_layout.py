"""Lines of words in a picture, nouns on patches of their colours."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from pointvos.visualize.colours import WHITE, legible_on
from vng.grounding.caption_words import Part, Word
from vng.grounding.grounded import NounLabel

_CAPITAL_OF_SIZE = 0.7  # height of capitals of Pillow's own font, of its size
_NUMBER_SIZE = 0.6  # of the number beside a noun, of the text's
# In heights of capitals:
_LINE = 2.1  # distance of lines
_MARGIN = 0.9  # around the text
_SPACE = 0.45  # between words, at least; the font's own is too narrow for small letters
_PAD = 0.4  # of a noun's colour beside it
_GAP = 0.2  # between the colour of a noun and what is beside it
_INK = (32, 32, 32)

Line = list[Word]
_Placed = tuple[Part, float, float]  # a part, where its text begins and where it ends


@lru_cache(maxsize=32)
def _font(size: float) -> ImageFont.FreeTypeFont:
    font = ImageFont.load_default(size)
    assert isinstance(font, ImageFont.FreeTypeFont), "Pillow is built with FreeType"
    return font


class Layout:
    """Words on lines of one width, in letters of one size."""

    def __init__(self, width: int, capital: int) -> None:
        self._width, self._capital = width, capital
        size = capital / _CAPITAL_OF_SIZE
        self._text, self._number = _font(size), _font(size * _NUMBER_SIZE)
        self._margin = round(_MARGIN * capital)
        self._pad, self._gap = _PAD * capital, _GAP * capital
        self._space = max(self._text.getlength(" "), math.ceil(_SPACE * capital))
        self._measured: dict[Part, float] = {}

    def height(self, lines: int) -> int:
        """Of a band with so many lines, in pixels."""
        return round(lines * _LINE * self._capital) + self._margin if lines else 0

    def lines_within(self, highest: int) -> int:
        """How many lines a band of this height has at most."""
        return max(0, int((highest - self._margin - 0.5) / (_LINE * self._capital)))

    def wrapped(self, words: Sequence[Word]) -> list[Line]:
        """Lines that are not wider than the band, as far as single letters allow."""
        room = self._width - 2 * self._margin
        lines: list[Line] = []
        left = 0.0
        for word in words:
            width = self._word_width(word)
            pieces = [word] if width <= room else self._broken(word, room)
            for piece in pieces:
                width = self._word_width(piece)
                if not lines or width > left:
                    lines.append([])
                    left = room
                lines[-1].append(piece)
                left -= width + self._space
        return lines

    def drawn(self, lines: Sequence[Line]) -> NDArray[np.uint8]:
        """The band, uint8 RGB [h, width, 3]."""
        height = self.height(len(lines))
        if not height:
            return np.zeros((0, self._width, 3), np.uint8)
        image = Image.new("RGB", (self._width, height), WHITE)
        canvas = ImageDraw.Draw(image)
        for row, line in enumerate(lines):
            middle = self._margin / 2 + (row + 0.5) * _LINE * self._capital
            self._draw_line(canvas, line, round(middle + self._capital / 2))
        return np.asarray(image, np.uint8)

    def _draw_line(self, canvas: ImageDraw.ImageDraw, line: Line, base: int) -> None:
        placed = self._placed(line)
        for run in _runs(placed):
            self._draw_patch(canvas, run, base)
        for part, x, end in placed:
            ink = _INK if part.label is None else legible_on(part.label.colour)
            canvas.text((x, base), part.text, fill=ink, font=self._text, anchor="ls")
            if part.numbered and part.label is not None:
                number = str(part.label.number)
                canvas.text((end, base), number, fill=ink, font=self._number, anchor="rs")

    def _draw_patch(self, canvas: ImageDraw.ImageDraw, run: Sequence[_Placed], base: int) -> None:
        label = run[0][0].label
        assert label is not None, "runs are of nouns"
        top, bottom = base - 1.45 * self._capital, base + 0.48 * self._capital
        box = (run[0][1] - self._pad, top, run[-1][2] + self._pad, bottom)
        canvas.rounded_rectangle(box, radius=0.35 * self._capital, fill=label.colour)

    def _placed(self, line: Line) -> list[_Placed]:
        """The parts of a line, each with where its text begins and it ends."""
        placed = []
        x = float(self._margin)
        for word in line:
            for part in word:
                left, right = self._pads(part)
                end = x + self._part_width(part)
                placed.append((part, x + left, end - right))
                x = end
            x += self._space
        return placed

    def _pads(self, part: Part) -> tuple[float, float]:
        if part.label is None:
            return 0.0, 0.0
        beside = self._pad + self._gap
        return beside * part.opens, beside * part.closes

    def _part_width(self, part: Part) -> float:
        if part not in self._measured:
            width = self._text.getlength(part.text) + sum(self._pads(part))
            if part.numbered and part.label is not None:
                number = self._number.getlength(str(part.label.number))
                width += number + self._pad / 2
            self._measured[part] = width
        return self._measured[part]

    def _word_width(self, word: Word) -> float:
        return sum(map(self._part_width, word))

    def _broken(self, word: Word, room: float) -> list[Word]:
        """A word that is too long, in pieces of as many letters as fit, at least one."""
        pieces: list[list[Part]] = [[]]
        for part in word:
            for place, letter in enumerate(part.text):
                last = place == len(part.text) - 1
                single = Part(
                    letter,
                    part.label,
                    part.opens and place == 0,
                    part.closes and last,
                    part.numbered and last,
                )
                if pieces[-1] and self._word_width((*pieces[-1], single)) > room:
                    pieces.append([])
                pieces[-1].append(single)
        return [tuple(piece) for piece in pieces]


def _runs(
    placed: Sequence[_Placed],
) -> list[list[_Placed]]:
    """Neighbours on a line that are of one noun."""
    runs: list[list[_Placed]] = []
    previous: NounLabel | None = None
    for one in placed:
        label = one[0].label
        if label is not None and label is previous:
            runs[-1].append(one)
        elif label is not None:
            runs.append([one])
        previous = label
    return runs
