"""Changes to a whole mask store: merging its parts in the end, dropping damaged ones.

Neither loses or doubles a video when it is killed: the rename of the manifest is the one moment at
which a reader passes from the old parts to the new.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from pointvos.core.atomic import write_bytes
from pointvos.core.errors import InputError
from pointvos.core.mask_store.layout import (
    STORE_LOCK,
    Manifest,
    locked,
    read_manifest,
    sync_folder,
    write_manifest,
)
from pointvos.core.mask_store.parts import (
    FORMAT_VERSION,
    PART_NAME,
    PartEncoder,
    part_file_name,
)
from pointvos.core.mask_store.reader import MaskStore

ROWS_PER_MERGED_PART = 50_000  # some 10 to 20 MB, which are in memory while they are written
COMPRESSION_LEVEL = 15  # a tenth less than level 3, for 0.3 ms a mask


def finish_store(folder: str | Path, *, rows_per_part: int = ROWS_PER_MERGED_PART) -> MaskStore:
    """Merge all parts into few that are sorted by video; the masks stay as they are.

    Parts of an older version are written anew.

    For the end of a job, when no writer is at work; more videos can be added afterwards, and the
    store finished again. Nothing happens to a store that is finished.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: it is no mask store, a part is damaged, or a writer is at work.
    """
    root = Path(folder)
    with _alone(root):
        _remove_leftovers(root)
        store = MaskStore.open(root)
        sources = tuple(part.path.name for part in store.parts)
        older = any(part.version < FORMAT_VERSION for part in store.parts)
        if older or any(name.startswith("part-") for name in sources):
            merged = tuple(_merge(store, rows_per_part))
            sync_folder(root)
            write_manifest(root, Manifest(merged, tuple(set(sources) - set(merged))))
            _remove_leftovers(root)
    return MaskStore.open(root)


def drop_parts(folder: str | Path, names: Iterable[str]) -> None:
    """Remove parts with all their videos, which can then be made again; for damaged parts.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: it is no mask store, has no such part, or a writer is at work.
    """
    root = Path(folder)
    with _alone(root):
        manifest = read_manifest(root)
        dropped = set(names)
        for name in sorted(dropped):
            known = PART_NAME.fullmatch(name) and (root / name).exists()
            if not known and name not in manifest.merged:
                raise InputError(f"{root}: expected the name of a part, found {name!r:.80}")
        left = tuple(name for name in manifest.merged if name not in dropped)
        if left != manifest.merged:
            write_manifest(root, Manifest(left, manifest.replaced))
        for name in dropped:
            (root / name).unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    read_manifest(folder)
    why = "expected a mask store that nothing writes to, found a writer at work; wait"
    with locked(folder / STORE_LOCK, exclusive=True, why=why):
        yield


def _merge(store: MaskStore, rows_per_part: int) -> Iterator[str]:
    """Write the merged parts, which no reader sees yet, and yield their names."""
    encoder = PartEncoder(compression_level=COMPRESSION_LEVEL)
    videos = store.videos()
    number = 0
    for video in videos:
        encoder.add(video, store.read_rows(video))
        if encoder.rows >= rows_per_part or video == videos[-1]:
            data = encoder.finish()
            name = part_file_name(f"merged-{number:05d}", data)
            write_bytes(store.folder / name, data)
            yield name
            encoder, number = PartEncoder(compression_level=COMPRESSION_LEVEL), number + 1


def _remove_leftovers(folder: Path) -> None:
    """Remove parts that are replaced, and what killed processes left."""
    manifest = read_manifest(folder)
    for entry in list(folder.iterdir()):
        name = entry.name
        replaced = name in manifest.replaced and name not in manifest.merged
        unlisted = name.startswith("merged-") and name not in manifest.merged
        unfinished = name.startswith((".part-", ".merged-", "._store.")) and ".tmp." in name
        if (replaced or (unlisted and PART_NAME.fullmatch(name)) or unfinished) and entry.is_file():
            entry.unlink()
