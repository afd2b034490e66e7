"""Rows of text in columns, for the terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def aligned_rows(
    header: Sequence[str], rows: Sequence[Sequence[str]], *, left: Collection[int]
) -> list[str]:
    """The lines of a table: the header, a rule, the rows.

    Args:
        header: of the columns.
        rows: with as many cells.
        left: columns whose cells begin below each other; those of the others end so.

    >>> aligned_rows(("noun", "score"), [("car", "0.5")], left=(0,))
    ['noun  score', '-----------', 'car     0.5']
    """
    lines = ["  ".join(row).rstrip() for row in padded_cells([header, *rows], left=left)]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def padded_cells(rows: Sequence[Sequence[str]], *, left: Collection[int]) -> list[list[str]]:
    """The same rows, their cells as wide as the widest of the column.

    Args:
        rows: with as many cells each.
        left: columns whose cells begin below each other; those of the others end so.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [
            cell.ljust(width) if column in left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
