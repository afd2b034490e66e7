"""Where the narratives of a video stand in a large file.

The index is made in one pass that looks at the beginning of each line: the fields that name a video
come first in the published files. A line that begins otherwise is parsed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import parse_json_line
from pointvos.vidln.checked_fields import int_at, object_at, text_at
from pointvos.vidln.left_out import LeftOutLines
from pointvos.vidln.lines import MAX_LINE_BYTES, Line, iterate_lines
from pointvos.vidln.narrative import Narrative
from pointvos.vidln.reader import check_seen_once, content_of_line, narrative_of_line

# The text and number fields that a JSON object begins with. Possessive, so that a long line that
# does not match costs one pass.
_STRING = rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_BEGINNING = re.compile(
    rb"\s*+\{((?:\s*+" + _STRING + rb"\s*+:\s*+(?:" + _STRING + rb"|-?\d++|null)\s*+,)++)",
    re.DOTALL,
)


class Place(NamedTuple):
    """A line of a file.

    Attributes:
        number: from 1.
        offset: of its first byte.
    """

    number: int
    offset: int


class NarrativeIndex:
    """The videos of a narrative file and where their narratives stand.

    Args:
        path: the JSON Lines file.
        max_left_out: how many lines may be left out because they name no video or are cut off.

    Attributes:
        left_out: the lines that were left out.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: naming file, line and field: more lines cannot be used than may be left out,
            or the file holds no narrative.
    """

    def __init__(self, path: str | Path, *, max_left_out: int = 0) -> None:
        self.path = Path(path)
        self.left_out = LeftOutLines(max_left_out)
        self._places: dict[str, list[Place]] = {}
        first: dict[tuple[str, int], int] = {}
        state = _state(self.path)
        for line in iterate_lines(self.path):
            source = f"{self.path}:{line.number}"
            try:
                named = _named(content_of_line(line, self.path), source)
                video = text_at(named, "video_id", f"{source}: narrative")
                key = (
                    text_at(named, "dataset_id", f"{source}: narrative"),
                    int_at(named, "vidln_id", f"{source}: narrative"),
                )
                check_seen_once(first, key, line.number, self.path)
            except InputError as error:
                self.left_out.add(line.number, error)
                continue
            self._places.setdefault(video, []).append(Place(line.number, line.offset))
        if not first:
            raise InputError(f"{self.path}: expected narratives, one a line, found none")
        self._state = state

    def __len__(self) -> int:
        """How many videos there are."""
        return len(self._places)

    def __iter__(self) -> Iterator[str]:
        """The videos in the order of their first narratives."""
        return iter(self._places)

    def __contains__(self, video: object) -> bool:
        """Whether the file holds a narrative of this video."""
        return video in self._places

    def places(self, video: str) -> list[Place]:
        """The lines of a video; none if the file does not hold it."""
        return list(self._places.get(video, []))

    def read(self, video: str) -> list[Narrative]:
        """The narratives of a video in the order of the file; none if the file does not hold it.

        Raises:
            InputError: naming file, line and field: the line is no narrative, or the file has
                changed since the index was made.
        """
        if video not in self._places:
            return []
        if _state(self.path) != self._state:
            raise InputError(f"{self.path}: expected the file that was indexed, found it changed")
        found = []
        with self.path.open("rb") as file:
            for place in self._places[video]:
                file.seek(place.offset)
                content = file.readline(MAX_LINE_BYTES + 1)
                line = Line(place.number, place.offset, content)
                narrative = narrative_of_line(line, self.path)
                if narrative.video_id != video:
                    raise InputError(
                        f"{self.path}:{place.number}: narrative.video_id: expected this field once,"
                        f" found {video!r} and {narrative.video_id!r}"
                    )
                found.append(narrative)
        return found


def _named(content: bytes, source: str) -> dict[str, Any]:
    """The fields of a line that say what it is of."""
    if not content.rstrip().endswith(b"}"):
        raise InputError(f"{source}: expected a whole JSON object, found the line cut off")
    beginning = _BEGINNING.match(content.removeprefix(b"\xef\xbb\xbf"))
    if beginning is not None:
        value = parse_json_line(b"{" + beginning[1].rstrip()[:-1] + b"}", source=source)
        if {"video_id", "dataset_id", "vidln_id"} <= value.keys():
            return object_at(value, source)
    return object_at(parse_json_line(content, source=source), f"{source}: narrative")


def _state(path: Path) -> tuple[int, int] | None:
    """What changes when a file is written."""
    if not path.is_file():
        return None
    found = path.stat()
    return found.st_size, found.st_mtime_ns
