"""Large JSON objects whose arrays are read element by element.

The files of COCO, YouTube-VIS and VNG are one object with a few arrays, of which one holds nearly
everything and may have gigabytes. Here no more than one element is in memory, and where an element
stands is told, so that it can be read again alone.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import unique_pairs

MAX_ELEMENT_BYTES = 500_000_000  # of one element of an array, or of one other member
_BLOCK_BYTES = 4_000_000
_LONGEST_LITERAL = 12  # "-Infinity", "\\uXXXX\\uXXXX": what a block may cut and still be whole
_SPACE = " \t\r\n"


@dataclass(frozen=True, slots=True)
class JsonElement:
    """A value of a JSON file and where it stands.

    Attributes:
        key: the member of the outer object that it is, or whose array it is in.
        place: in the array, from 0; None where the member is no array or an empty one.
        value: the value.
        start: first byte in the file.
        stop: byte after the last one.
    """

    key: str
    place: int | None
    value: Any
    start: int
    stop: int


def iterate_elements(
    path: str | Path,
    *,
    empty_arrays: bool = False,
    unique_keys: bool = False,
    max_bytes: int | None = None,
) -> Iterator[JsonElement]:
    """Every member of the object in a JSON file, and of its arrays every element, in their order.

    Args:
        path: of the file.
        empty_arrays: yield an empty array as a member; otherwise it has no elements, and is not
            told from one that is not there.
        unique_keys: refuse an object within an element that holds a key twice; by default the last
            one stays. A member that comes twice is always refused.
        max_bytes: the largest element that is taken into memory; by default `MAX_ELEMENT_BYTES`.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not UTF-8, not one JSON object, or has a member twice or an element of
            more than `max_bytes`; the message says at which line and byte.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a JSON file, found none")
    limit = MAX_ELEMENT_BYTES if max_bytes is None else max_bytes
    decoder = json.JSONDecoder(object_pairs_hook=unique_pairs if unique_keys else None)
    with file.open("rb") as stream:
        yield from _Scanner(file, stream, decoder, limit).members(empty_arrays)


def read_element(path: str | Path, start: int, stop: int) -> Any:
    """The value at a place that `iterate_elements` told.

    Raises:
        InputError: the file is another one by now.
    """
    try:
        with Path(path).open("rb") as stream:
            stream.seek(start)
            return json.loads(stream.read(stop - start).decode())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: expected the file as it was when it was opened, found it changed"
        ) from error


class _Scanner:
    """Reads a file in blocks. Bytes stand for characters, so that places are bytes."""

    def __init__(
        self, path: Path, stream: BinaryIO, decoder: json.JSONDecoder, max_bytes: int
    ) -> None:
        self._path = path
        self._stream = stream
        self._decoder = decoder
        self._max_bytes = max_bytes
        self._text = ""
        self._at = 0  # in the text
        self._before = 0  # bytes in front of the text
        self._lines = 0  # that end there
        self._ended = False
        self._more(max(_BLOCK_BYTES, len(codecs.BOM_UTF8)))
        if self._text.startswith(codecs.BOM_UTF8.decode("latin-1")):
            self._at = len(codecs.BOM_UTF8)

    def members(self, empty_arrays: bool) -> Iterator[JsonElement]:
        """Every element of the outer object, and its empty arrays if they are asked for."""
        seen: set[str] = set()
        self._take("{")
        if not self._taken("}"):
            while True:
                key = self._value("", None).value
                if not isinstance(key, str) or key in seen:
                    found = f"{key!r:.40} twice" if isinstance(key, str) else "another value"
                    raise self._error(f"expected the name of a member, found {found}")
                seen.add(key)
                self._take(":")
                yield from self._elements(key, empty_arrays)
                if self._taken("}"):
                    break
                self._take(",")
        if self._peek():
            raise self._error(f"expected the end of the file, found {self._peek()!r}")

    def _elements(self, key: str, empty_arrays: bool) -> Iterator[JsonElement]:
        if not self._taken("["):
            yield self._value(key, None)
            return
        start = self._before + self._at - 1
        if self._taken("]"):
            if empty_arrays:
                yield JsonElement(key, None, [], start, self._before + self._at)
            return
        place = 0
        while True:
            yield self._value(key, place)
            place += 1
            if self._taken("]"):
                return
            self._take(",")

    def _value(self, key: str, place: int | None) -> JsonElement:
        self._peek()
        wanted = _BLOCK_BYTES
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
                if self._ended or len(self._text) - end > _LONGEST_LITERAL:
                    break  # no number that goes on in the next block
            except RecursionError as error:
                raise self._error("expected a few levels of nesting, found too many") from error
            except json.JSONDecodeError as error:
                if self._ended or not self._may_be_cut(error):
                    raise self._error(f"expected JSON, found: {error.msg}", error.pos) from error
            except ValueError as error:  # a number of thousands of digits
                raise self._error(f"expected JSON, found: {error}") from error
            if len(self._text) - self._at > self._max_bytes:
                raise self._error(f"expected values of at most {self._max_bytes} bytes")
            self._more(wanted)
            wanted *= 2
        text, start = self._text[self._at : end], self._before + self._at
        if not text.isascii():
            value = self._in_unicode(text)
        self._at = end
        return JsonElement(key, place, value, start, start + len(text))

    def _in_unicode(self, text: str) -> Any:
        try:
            return self._decoder.decode(text.encode("latin-1").decode())
        except UnicodeDecodeError as error:
            raise self._error(f"expected UTF-8 text, found {error.reason}") from error
        except ValueError as error:  # a key that is written in two ways
            raise self._error(f"expected JSON, found: {error}") from error

    def _may_be_cut(self, error: json.JSONDecodeError) -> bool:
        """Whether the error is that the text ends, which more of the file may mend."""
        if error.msg.startswith("Unterminated string"):
            return True
        return len(self._text[error.pos : error.pos + 100_000].rstrip(_SPACE)) <= _LONGEST_LITERAL

    def _more(self, size: int) -> None:
        block = self._stream.read(size)
        self._ended = len(block) < size
        self._before += self._at
        self._lines += self._text.count("\n", 0, self._at)
        self._text = self._text[self._at :] + block.decode("latin-1")
        self._at = 0

    def _peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in _SPACE:
                self._at += 1
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more(_BLOCK_BYTES)

    def _taken(self, character: str) -> bool:
        found = self._peek() == character
        self._at += found
        return found

    def _take(self, character: str) -> None:
        if not self._taken(character):
            found = repr(self._peek()) if self._peek() else "the end of the file"
            raise self._error(f"expected {character!r}, found {found}")

    def _error(self, message: str, at: int | None = None) -> InputError:
        place = self._at if at is None else at
        line = self._lines + self._text.count("\n", 0, place) + 1
        return InputError(f"{self._path}: {message} (line {line}, byte {self._before + place})")
