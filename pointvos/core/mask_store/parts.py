"""Part files of a mask store: Parquet, zstd, a checksum in the name, an index in the metadata."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pointvos.core.errors import InputError
from pointvos.core.mask_store.rows import REPEATING, SCHEMA, SCHEMA_OF_RUN_LENGTHS
from pointvos.core.mask_store.stored_mask import check_video_name

FORMAT_VERSION = 2  # 1 held run lengths
ROWS_PER_GROUP = 100  # what a read of one video decompresses: some three videos
PART_NAME = re.compile(r"(?:part-\d{5,}-of-\d{5,}|merged-\d{5,})-([0-9a-f]{16})\.parquet")
_METADATA_KEY = b"pointvos.mask_store"
_SCHEMAS = {1: SCHEMA_OF_RUN_LENGTHS, FORMAT_VERSION: SCHEMA}


@dataclass(frozen=True)
class Part:
    """A part file that has been opened once.

    Attributes:
        path: of the file.
        version: of its columns.
        videos: name and rows of each video, in the order of the rows.
        group_ends: row after the last one of each row group.
    """

    path: Path
    version: int
    videos: tuple[tuple[str, int], ...]
    group_ends: tuple[int, ...]


class PartEncoder:
    """Turns videos into the bytes of a part; holds its compressed rows and one row group.

    Args:
        compression_level: of zstd.
    """

    def __init__(self, *, compression_level: int = 3) -> None:
        self._sink = pa.BufferOutputStream()
        self._writer = pq.ParquetWriter(
            self._sink,
            SCHEMA,
            compression="zstd",
            compression_level=compression_level,
            use_dictionary=REPEATING,
            write_statistics=REPEATING[:3],
            write_page_checksum=True,
        )
        self._videos: list[tuple[str, int]] = []
        self._pending: list[pa.Table] = []
        self.rows = 0

    def add(self, video: str, tables: Iterable[pa.Table]) -> None:
        """Append all rows of a video, in as many tables as they come; one is held at a time.

        Where the tables end with an error, the encoder is of no use any more.
        """
        before = self.rows
        for rows in tables:
            self.rows += len(rows)
            self._pending.append(rows)
            if sum(map(len, self._pending)) >= ROWS_PER_GROUP:
                self._write_pending()
        self._videos.append((video, self.rows - before))

    def finish(self) -> bytes:
        """The whole file. Nothing can be added afterwards."""
        self._write_pending()
        # A name that is never used twice: an earlier part of the same masks may be replaced.
        token = secrets.token_hex(8)
        index = {"version": FORMAT_VERSION, "videos": self._videos, "token": token}
        self._writer.add_key_value_metadata({_METADATA_KEY: json.dumps(index)})
        self._writer.close()
        return bytes(self._sink.getvalue())

    def _write_pending(self) -> None:
        if any(map(len, self._pending)):
            table = pa.concat_tables(self._pending).combine_chunks()
            # Videos stay whole but for long ones.
            whole = len(table) < 2 * ROWS_PER_GROUP
            self._writer.write_table(table, row_group_size=len(table) if whole else ROWS_PER_GROUP)
        self._pending.clear()


def part_file_name(prefix: str, data: bytes) -> str:
    """The name of a part: it carries the checksum of the file."""
    return f"{prefix}-{_checksum(data)}.parquet"


def open_parquet(path: Path) -> pq.ParquetFile:
    """A part file for reading; the checksum of every page is compared when it is read.

    Raises:
        InputError: it is gone, cut off or no Parquet.
    """
    try:
        return pq.ParquetFile(path, page_checksum_verification=True)
    except FileNotFoundError as error:
        raise InputError(
            f"{path}: expected this part of a mask store, found none; if the store has been "
            "finished meanwhile, open it again"
        ) from error
    except (pa.ArrowException, OSError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: object) -> InputError:
    """What to say of a part that cannot be read, in one line."""
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    return InputError(
        f"{path}: expected a whole part of a mask store, found damage ({reason}); restore it, or "
        "remove its videos with drop_parts and make them again"
    )


def read_part(path: Path) -> Part:
    """The index of a part, from the end of the file; rows are not looked at.

    Raises:
        InputError: it is damaged, written by a newer version, or not a part of a mask store.
    """
    with open_parquet(path) as file:
        metadata, schema = file.metadata, file.schema_arrow
        groups = range(metadata.num_row_groups)
        ends = tuple(accumulate(metadata.row_group(group).num_rows for group in groups))
    version, videos = _parse_index((metadata.metadata or {}).get(_METADATA_KEY), path)
    expected = _SCHEMAS[version]
    if not schema.equals(expected):
        raise InputError(
            f"{path}: expected columns {_described(expected)}; found {_described(schema)}"
        )
    listed = sum(rows for _, rows in videos)
    if listed != metadata.num_rows or (ends[-1] if ends else 0) != listed:
        raise damaged(path, f"{metadata.num_rows} rows of which {listed} are in its index")
    return Part(path, version, videos, ends)


def check_version(version: object, path: Path) -> int:
    """The version, unless this code cannot read what it wrote.

    Raises:
        InputError: naming both versions.
    """
    if type(version) is int and version in _SCHEMAS:
        return version
    newer = type(version) is int and version > FORMAT_VERSION
    raise InputError(
        f"{path}: expected a mask store of version 1 to {FORMAT_VERSION}, found "
        + (f"version {version}; update pointvos" if newer else f"{version!r:.40}")
    )


def check_checksum(path: Path) -> None:
    """Compare a whole file with the checksum in its name.

    Raises:
        InputError: they differ, or the file is gone.
    """
    match = PART_NAME.fullmatch(path.name)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    except OSError as error:
        raise damaged(path, error) from error
    found = digest.hexdigest()[:16]
    if match is None or match[1] != found:
        raise damaged(path, f"checksum {found}")


def _checksum(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _parse_index(text: bytes | None, path: Path) -> tuple[int, tuple[tuple[str, int], ...]]:
    if text is None:
        raise InputError(f"{path}: expected a part of a mask store, found another Parquet file")
    try:
        index = json.loads(text)
        found = index["version"]
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise damaged(path, f"an index that cannot be read: {error}") from error
    version = check_version(found, path)
    try:
        videos = tuple((name, rows) for name, rows in index["videos"])
        well_formed = all(
            type(name) is str and type(rows) is int and rows >= 0 for name, rows in videos
        )
    except (KeyError, TypeError, ValueError) as error:
        raise damaged(path, f"an index that cannot be read: {error}") from error
    if not well_formed:
        raise damaged(path, "an index without names and numbers of rows")
    for name, _ in videos:
        try:
            check_video_name(name)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    return version, videos


def _described(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name} {field.type}" for field in schema)[:300]
