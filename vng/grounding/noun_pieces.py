"""A narrative cut where its nouns begin and end, for whoever writes it in colour."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from vng.grounding.grounded import NounLabel


class Piece(NamedTuple):
    """A stretch of a narrative.

    Attributes:
        text: of it, never empty.
        label: the noun that it is of, or None.
        last: whether the noun has no piece behind it.
    """

    text: str
    label: NounLabel | None
    last: bool


def noun_pieces(text: str, labels: Sequence[NounLabel]) -> list[Piece]:
    """The narrative in pieces, in order; their texts add up to it.

    A character of several nouns is of the shortest, of equally long ones of the last. A noun that
    others cover wholly has no piece.

    >>> labels = [NounLabel(1, "red car door", 2, 14), NounLabel(2, "car", 6, 9)]
    >>> [
    ...     (piece.text, piece.label and piece.label.number)
    ...     for piece in noun_pieces("A red car door.", labels)
    ... ]
    [('A ', None), ('red ', 1), ('car', 2), (' door', 1), ('.', None)]
    """
    owner: list[NounLabel | None] = [None] * len(text)
    for label in sorted(labels, key=lambda one: (one.start - one.end, one.number)):
        owner[label.start : label.end] = [label] * (label.end - label.start)
    borders = [0, *(i for i in range(1, len(text)) if owner[i] is not owner[i - 1]), len(text)]
    last = {label.number: index for index, label in enumerate(owner) if label is not None}
    return [
        Piece(text[start:end], owner[start], _ends(owner[start], end, last))
        for start, end in pairwise(borders)
        if start < end
    ]


def _ends(label: NounLabel | None, end: int, last: dict[int, int]) -> bool:
    return label is not None and last[label.number] == end - 1
