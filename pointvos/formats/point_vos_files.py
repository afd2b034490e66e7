"""Files of Point-VOS records: one JSON object, or JSON Lines with one one-key object a line."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError
from pointvos.core.json_elements import iterate_elements
from pointvos.core.jsonfile import iterate_jsonl
from pointvos.formats.point_vos import RECORD_KEYS, PointVosRecord, parse_record, record_to_json

SUFFIXES = (".json", ".jsonl")
MAX_RECORD_BYTES = 64 << 20  # in a .json file; a published record has some 20 KB


def iterate_records(path: str | Path) -> Iterator[PointVosRecord]:
    """Yield the records of a file in order, with one of them in memory at a time.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: naming file, line or key, and field: not JSON, not a record (see
            `parse_record`), a record of more than `MAX_RECORD_BYTES`, or two records under one key.
    """
    if _suffix(path) == ".json":
        yield from _iterate_members(path)
    else:
        yield from _iterate_lines(path)


def _iterate_members(path: str | Path) -> Iterator[PointVosRecord]:
    members = iterate_elements(
        path, empty_arrays=True, unique_keys=True, max_bytes=MAX_RECORD_BYTES
    )
    for member in members:
        if member.key in RECORD_KEYS and not isinstance(member.value, dict):
            raise InputError(
                f"{path}: expected {{key: record}}, found a record without its key around it"
            )
        value = member.value if member.place is None else [member.value]  # a list is no record
        yield parse_record(member.key, value, source=str(path))


def _iterate_lines(path: str | Path) -> Iterator[PointVosRecord]:
    seen: dict[str, int] = {}
    for number, value in iterate_jsonl(path):
        if not (isinstance(value, dict) and len(value) == 1):
            raise InputError(
                f"{path}:{number}: expected an object with one key, found "
                + (f"{len(value)} keys" if isinstance(value, dict) else "another value")
            )
        ((key, record),) = value.items()
        if key in seen:
            raise InputError(
                f"{path}:{number}: expected every key once, found {key!r} on line {seen[key]} "
                f"as well"
            )
        seen[key] = number
        yield parse_record(key, record, source=f"{path}:{number}")


def read_records(path: str | Path) -> dict[str, PointVosRecord]:
    """All records of a file by their keys, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: as `iterate_records`, or the file holds no records.
    """
    records = {record.key: record for record in iterate_records(path)}
    if not records:
        raise InputError(f"{path}: expected records, found none")
    return records


def write_records(path: str | Path, records: Iterable[PointVosRecord]) -> int:
    """Write records as they come, atomically, in the form that the suffix says; returns how many.

    Raises:
        InputError: the suffix is neither .json nor .jsonl.
        ValueError: two records have one key.
    """
    lines = _suffix(path) == ".jsonl"
    seen: set[str] = set()
    with atomic_path(path) as temporary, temporary.open("w", encoding="ascii") as file:
        if not lines:
            file.write("{")
        for record in records:
            if record.key in seen:
                raise ValueError(f"{path}: expected every key once, found {record.key!r} twice")
            key = json.dumps(record.key)
            value = json.dumps(record_to_json(record), allow_nan=False)
            if lines:
                file.write(f"{{{key}: {value}}}\n")
            else:
                file.write(f"{',' if seen else ''}\n{key}: {value}")
            seen.add(record.key)
        if not lines:
            file.write("\n}\n")
    return len(seen)


def _suffix(path: str | Path) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise InputError(f"{path}: expected a file name that ends in {' or '.join(SUFFIXES)}")
    return suffix
