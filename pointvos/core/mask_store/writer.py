"""Writing a mask store: whole videos in atomic parts, by one process or many."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TypeAlias

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pointvos.core.atomic import write_bytes
from pointvos.core.errors import InputError
from pointvos.core.mask_store.layout import (
    MANIFEST,
    STORE_LOCK,
    Manifest,
    live_parts,
    locked,
    make_room,
    write_manifest,
)
from pointvos.core.mask_store.parts import PartEncoder, part_file_name, read_part
from pointvos.core.mask_store.rows import table_of
from pointvos.core.mask_store.stored_mask import (
    StoredMask,
    check_each_once,
    check_video_name,
    row_order,
)

ROWS_PER_PART = 400  # what a kill may cost
MASKS_AT_ONCE = 1_000  # on the way to outlines a mask takes some 20 KB
CheckedMask: TypeAlias = tuple[StoredMask, NDArray[np.int64]]  # and the lengths of its runs


def videos_of_shard(videos: Iterable[str], shard_id: int, num_shards: int) -> list[str]:
    """The share of one shard: every `num_shards`-th of the sorted names.

    Take it of all videos, not of those that are left: the shares of shards that were started at
    different times would overlap.

    Raises:
        InputError: there is no such shard.
    """
    _check_shard(shard_id, num_shards)
    return sorted(set(videos))[shard_id::num_shards]


class MaskStoreWriter:
    """Adds videos to a mask store, which is made where there is none.

    Videos are gathered and become readable together, as one part; a process that is killed loses
    those of the part it was gathering, never half a video, and one that is started again goes on
    with those that are not `completed`. A context manager: leaving it commits what was added, on an
    error as well, for whole videos stay whole.

    Args:
        folder: of the store.
        shard_id: which of several processes this one is, from 0.
        num_shards: how many there are.
        rows_per_part: a part is committed once it has so many masks. `finish_store` merges small
            parts in the end.

    Raises:
        InputError: the folder holds something else, a store of a newer version or a damaged part;
            another process writes the same shard; the store is being finished.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        shard_id: int = 0,
        num_shards: int = 1,
        rows_per_part: int = ROWS_PER_PART,
    ) -> None:
        _check_shard(shard_id, num_shards)
        self.folder = Path(folder)
        self._shard = f"{shard_id:05d}-of-{num_shards:05d}"
        self._rows_per_part = rows_per_part
        self._encoder = PartEncoder()
        self._gathered: set[str] = set()
        self._known: dict[Path, frozenset[str]] = {}
        self._completed: set[str] = set()
        with ExitStack() as held:
            make_room(self.folder)
            why = "expected a mask store to write to, found it being finished; wait"
            held.enter_context(locked(self.folder / STORE_LOCK, exclusive=False, why=why))
            lock = self.folder / f".shard-{self._shard}.lock"
            why = f"expected shard {self._shard} free, found another process writing it"
            held.enter_context(locked(lock, exclusive=True, why=why))
            if not (self.folder / MANIFEST).exists():  # shards may do the same at once
                write_manifest(self.folder, Manifest())
            self._look_again()
            self._held = held.pop_all()

    def __enter__(self) -> MaskStoreWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def completed(self) -> frozenset[str]:
        """The videos that are committed, by this writer or, so far as seen, by any other."""
        return frozenset(self._completed)

    def add(self, video: str, masks: Iterable[StoredMask]) -> None:
        """Add all masks of a video; the video is readable once its part is committed.

        Args:
            video: its name.
            masks: in any order; none for an object on a frame means that it was not annotated or
                segmented there, an empty one that it is absent. A video may have none at all.

        Raises:
            InputError: the name or a mask may not be stored, an object has two masks on a frame,
                or the store has the video already. Nothing is added then.
        """
        with self._telling_of(video):
            self._check_new(video)
            ordered = _in_row_order(masks)
        self._encoder.add(video, _tables(video, iter(ordered)))
        self._gathered.add(video)
        if self._encoder.rows >= self._rows_per_part:
            self.commit()

    def add_sorted(self, video: str, masks: Iterable[StoredMask]) -> None:
        """Add a video of any length: its masks are taken as they come, and are a part of their own.

        What was added before is committed first. The rows are the same as from `add`.

        Args:
            video: its name.
            masks: by object, then by frame, both in natural order.

        Raises:
            InputError: as of `add`, or a mask is not behind the one before it.
        """
        self.commit()
        with self._telling_of(video):
            self._check_new(video)
            encoder = PartEncoder()
            encoder.add(video, _tables(video, _as_they_come(masks)))
        self._encoder, self._gathered = encoder, {video}
        self.commit()

    def commit(self) -> None:
        """Make all videos that were added readable.

        Raises:
            InputError: another writer has committed one of them meanwhile; none is stored then.
        """
        if not self._gathered:
            return
        data, gathered = self._encoder.finish(), self._gathered
        self._encoder, self._gathered = PartEncoder(), set()
        self._look_again()
        twice = sorted(gathered & self._completed)
        if twice:
            raise InputError(
                f"{self.folder}: expected to be the only writer of {twice[0]!r}, found it "
                "committed by another shard meanwhile; give every shard the same list of videos"
            )
        path = self.folder / part_file_name(f"part-{self._shard}", data)
        write_bytes(path, data)
        self._known[path] = frozenset(gathered)
        self._completed |= gathered

    def close(self) -> None:
        """Commit, and let other processes write this shard or finish the store."""
        try:
            self.commit()
        finally:
            self._held.close()

    def _check_new(self, video: str) -> None:
        check_video_name(video)
        if video in self._completed or video in self._gathered:
            raise InputError("expected a video that is not in the store, found it there")

    @contextmanager
    def _telling_of(self, video: str) -> Iterator[None]:
        try:
            yield
        except InputError as error:
            raise InputError(f"{self.folder}: {video!r:.80}: {error}") from error

    def _look_again(self) -> None:
        """Take note of parts that are new, and forget those that are gone."""
        paths = live_parts(self.folder)
        self._known = {
            path: self._known[path]
            if path in self._known
            else frozenset(video for video, _ in read_part(path).videos)
            for path in paths
        }
        self._completed = set().union(*self._known.values())


def _in_row_order(masks: Iterable[StoredMask]) -> list[CheckedMask]:
    found = [_checked(mask) for mask in masks]
    check_each_once([mask for mask, _ in found])
    return sorted(found, key=lambda one: row_order(one[0]))


def _as_they_come(masks: Iterable[StoredMask]) -> Iterator[CheckedMask]:
    """The masks, which must be in the order of the rows already."""
    before = None
    for mask in masks:
        checked, place = _checked(mask), row_order(mask)
        if before is not None and place <= before:
            raise InputError(
                "expected masks by object, then by frame, each once, found object "
                f"{mask.object_id!r:.80}, frame {mask.frame!r:.80} behind one that comes later"
            )
        before = place
        yield checked


def _checked(mask: StoredMask) -> CheckedMask:
    try:
        return mask, mask.check()
    except InputError as error:
        raise InputError(
            f"object {mask.object_id!r:.80}, frame {mask.frame!r:.80}: {error}"
        ) from error


def _tables(video: str, masks: Iterator[CheckedMask]) -> Iterator[pa.Table]:
    while some := list(islice(masks, MASKS_AT_ONCE)):
        yield table_of(video, [mask for mask, _ in some], [runs for _, runs in some])


def _check_shard(shard_id: int, num_shards: int) -> None:
    if not 0 <= shard_id < num_shards:
        raise InputError(
            f"expected a shard id from 0 to num_shards - 1, found {shard_id} of {num_shards}"
        )
