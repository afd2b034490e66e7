"""JSON and JSON Lines whose errors name the file and the line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError


def read_json(path: str | Path, *, unique_keys: bool = False) -> Any:
    """The value of a JSON file.

    Args:
        path: of the file.
        unique_keys: refuse an object that holds a key twice; by default the last one stays.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is not UTF-8 or not JSON; the message says where.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a JSON file, found none")
    try:
        return json.loads(
            file.read_bytes().decode("utf-8-sig"),
            object_pairs_hook=unique_pairs if unique_keys else None,
        )
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: expected UTF-8 text, found {error.reason}") from error
    except json.JSONDecodeError as error:
        raise InputError(
            f"{file}:{error.lineno}: expected JSON, found: {error.msg} (column {error.colno})"
        ) from error
    except RecursionError as error:
        raise InputError(f"{file}: expected a few levels of nesting, found too many") from error
    except ValueError as error:  # a number of thousands of digits, a key twice
        raise InputError(f"{file}: expected JSON, found: {error}") from error


def iterate_jsonl(path: str | Path) -> Iterator[tuple[int, Any]]:
    """Yield (line number, value) of a JSON Lines file, one line in memory at a time.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: a line is not JSON; the message says which.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a JSON Lines file, found none")
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            yield number, parse_json_line(line, source=f"{file}:{number}")


def parse_json_line(line: bytes, *, source: str) -> Any:
    """The value of one line of a JSON Lines file.

    Args:
        line: with or without its end.
        source: file and line, for messages.

    Raises:
        InputError: it is not UTF-8 or not one JSON value.
    """
    try:
        return json.loads(line.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: expected one JSON value, found: {error}") from error


def unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object from its members, for decoders that are to refuse a key that stands twice.

    Raises:
        ValueError: naming the key.
    """
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} twice in one object")
    return value
