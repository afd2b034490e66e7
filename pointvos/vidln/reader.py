"""Narratives from a JSON Lines file, one line in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import parse_json_line
from pointvos.vidln.left_out import LeftOutLines
from pointvos.vidln.lines import MAX_LINE_BYTES, Line, iterate_lines
from pointvos.vidln.narrative import Narrative
from pointvos.vidln.narrative_json import parse_narrative


class NarrativeReader:
    """The narratives of a file in order; every loop over it reads the file once.

    Args:
        path: the JSON Lines file.
        max_left_out: how many lines may be left out because they cannot be used.

    Attributes:
        left_out: what the latest loop left out, by line.
    """

    def __init__(self, path: str | Path, *, max_left_out: int = 0) -> None:
        self.path = Path(path)
        self.left_out = LeftOutLines(max_left_out)

    def __iter__(self) -> Iterator[Narrative]:
        """Yield the narratives.

        Raises:
            FileNotFoundError: there is no such file.
            InputError: naming file, line and field: more lines cannot be used than may be left
                out, or the file holds no narrative. A line cannot be used if it is no narrative,
                or has the dataset and id of an earlier one.
        """
        self.left_out = left_out = LeftOutLines(self.left_out.max_left_out)
        first: dict[tuple[str, int], int] = {}
        for line in iterate_lines(self.path):
            try:
                narrative = narrative_of_line(line, self.path)
                key = (narrative.dataset_id, narrative.vidln_id)
                check_seen_once(first, key, line.number, self.path)
            except InputError as error:
                left_out.add(line.number, error)
                continue
            yield narrative
        if not first:
            raise InputError(
                f"{self.path}: expected narratives, one a line, found none"
                + (f" ({len(left_out.reasons)} lines left out)" if left_out.reasons else "")
            )


def narrative_of_line(line: Line, path: Path) -> Narrative:
    """The narrative of one line.

    Raises:
        InputError: naming file, line and field.
    """
    source = f"{path}:{line.number}"
    return parse_narrative(
        parse_json_line(content_of_line(line, path), source=source), source=source
    )


def content_of_line(line: Line, path: Path) -> bytes:
    """The bytes of one line.

    Raises:
        InputError: they were too many to be taken into memory.
    """
    if line.content is None:
        raise InputError(
            f"{path}:{line.number}: expected lines of at most {MAX_LINE_BYTES} bytes, found a "
            "longer one; is this JSON Lines, one narrative a line?"
        )
    return line.content


def check_seen_once(
    first: dict[tuple[str, int], int], key: tuple[str, int], line: int, path: Path
) -> None:
    """Enter a narrative under its dataset and id.

    Args:
        first: (dataset, id) -> the line where it stands first; is added to.
        key: of the narrative.
        line: where it stands.
        path: for the message.

    Raises:
        InputError: it stands on an earlier line as well.
    """
    if first.setdefault(key, line) != line:
        raise InputError(
            f"{path}:{line}: narrative.vidln_id: expected every id once in a dataset, found "
            f"{key[1]} of {key[0]} on line {first[key]} as well"
        )
