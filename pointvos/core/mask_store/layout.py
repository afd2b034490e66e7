"""The folder of a mask store: its manifest, its live parts, and who may change them.

``_store.json`` says that this is a store, its version, and the merged parts; every other
part beside it that the manifest does not call replaced is live as well. A part appears by a rename
and a merge by the rename of the manifest, so that a reader sees a video once or not yet.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.parts import FORMAT_VERSION, PART_NAME, check_version

MANIFEST = "_store.json"
STORE_LOCK = ".store.lock"
_FORMAT = "pointvos mask store"
_ATTEMPTS = 10


@dataclass(frozen=True)
class Manifest:
    """What the manifest says.

    Attributes:
        merged: names of the parts made by merging.
        replaced: names of the parts that went into them, which may still be there.
    """

    merged: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a store.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: it is no store, a damaged one, or one of a newer version.
    """
    path = folder / MANIFEST
    if not folder.exists():
        raise FileNotFoundError(f"{folder}: expected a mask store, found none")
    if not path.is_file():
        raise InputError(f"{folder}: expected a mask store, found no {MANIFEST} in it")
    value = read_json(path)
    if not isinstance(value, dict) or value.get("format") != _FORMAT:
        raise InputError(f"{path}: expected the manifest of a mask store, found something else")
    check_version(value.get("version"), path)
    return Manifest(*(_part_names(value, key, path) for key in ("merged", "replaced")))


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Replace the manifest atomically."""
    value = {
        "format": _FORMAT,
        "version": FORMAT_VERSION,
        "merged": list(manifest.merged),
        "replaced": list(manifest.replaced),
    }
    write_json(folder / MANIFEST, value)
    sync_folder(folder)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder written to disk, so that they outlive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_room(folder: Path) -> None:
    """Make the folder of a store, or see that it is one or may become one.

    Raises:
        InputError: it is a file or holds something else.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: expected a folder for a mask store, found a file")
    folder.mkdir(parents=True, exist_ok=True)
    foreign = sorted(entry.name for entry in folder.iterdir() if not _is_ours(entry.name))
    # Another shard may be creating the same store: its first part comes after its manifest.
    if foreign and not (folder / MANIFEST).exists():
        raise InputError(
            f"{folder}: expected a mask store or an empty folder for one, found {foreign[0]!r}; "
            "choose another"
        )


def live_parts(folder: Path) -> list[Path]:
    """The files that make up the store now, by name.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: it is no store, or a merged part is gone.
    """
    manifest = read_manifest(folder)
    for _ in range(_ATTEMPTS):
        present = {entry.name for entry in folder.iterdir()}
        earlier, manifest = manifest, read_manifest(folder)
        if manifest == earlier:  # no merge came between the two looks
            break
    else:
        raise InputError(f"{folder}: expected a mask store at rest, found it merged all the time")
    missing = sorted(set(manifest.merged) - present)
    if missing:
        raise InputError(
            f"{folder / missing[0]}: expected this part of the store, found none; restore it, or "
            "remove its videos with drop_parts and make them again"
        )
    loose = {name for name in present if PART_NAME.fullmatch(name) and name.startswith("part-")}
    return [folder / name for name in sorted({*manifest.merged, *loose - {*manifest.replaced}})]


@contextmanager
def locked(path: Path, *, exclusive: bool, why: str) -> Iterator[None]:
    """Hold a lock file as long as the context or the process lives.

    Raises:
        InputError: another process holds it; the message ends with `why`.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        kind = fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InputError(f"{path.parent}: {why}") from error
        yield
    finally:
        os.close(descriptor)


def _is_ours(name: str) -> bool:
    return name.endswith(".lock") or name.startswith("._store.")


def _part_names(value: dict[str, object], key: str, path: Path) -> tuple[str, ...]:
    names = value.get(key)
    if not isinstance(names, list) or not all(
        isinstance(name, str) and PART_NAME.fullmatch(name) for name in names
    ):
        raise InputError(f"{path}: expected names of parts in {key!r}, found something else")
    return tuple(names)
