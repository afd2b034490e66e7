"""The lines of a large file, one in memory at a time, with their places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MAX_LINE_BYTES = 64 << 20  # a published narrative has some 150 KB


class Line(NamedTuple):
    """One line of a file.

    Attributes:
        number: from 1.
        offset: of its first byte.
        content: its bytes; None if it has more than `MAX_LINE_BYTES`.
    """

    number: int
    offset: int
    content: bytes | None


def iterate_lines(path: str | Path, *, max_bytes: int = MAX_LINE_BYTES) -> Iterator[Line]:
    """Yield the lines of a file that are not blank.

    Args:
        path: of the file.
        max_bytes: the longest line that is taken into memory.

    Raises:
        FileNotFoundError: there is no such file.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a JSON Lines file, found none")
    with file.open("rb") as lines:
        number, offset = 0, 0
        while content := lines.readline(max_bytes + 1):
            number += 1
            length = len(content)
            if length > max_bytes and not content.endswith(b"\n"):
                while rest := lines.readline(max_bytes):
                    length += len(rest)
                    if rest.endswith(b"\n"):
                        break
                yield Line(number, offset, None)
            elif content.strip():
                yield Line(number, offset, content)
            offset += length
