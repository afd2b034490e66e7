"""Reading a mask store: an index in memory, rows on demand."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pointvos.core.errors import InputError
from pointvos.core.mask_store.layout import live_parts
from pointvos.core.mask_store.parts import (
    FORMAT_VERSION,
    Part,
    check_checksum,
    damaged,
    open_parquet,
    read_part,
)
from pointvos.core.mask_store.rows import SCHEMA, masks_of, table_of
from pointvos.core.mask_store.stored_mask import (
    StoredMask,
    VideoMasks,
    check_each_once,
    check_frame_name,
    check_object_id,
)
from pointvos.core.run_lengths import check_mask_size

MAX_OPEN_FILES = 32
_ATTEMPTS = 5


class MaskStore:
    """A mask store as it was when it was opened; parts that come later are not seen.

    Memory is that of the names of the videos, some open files and one group of rows. It may be
    sent to other processes, and one that was opened before a fork may be read after it; of threads,
    each opens its own.
    """

    def __init__(self, folder: Path, parts: list[Part]) -> None:
        self.folder = folder
        self.parts = parts
        self._place: dict[str, tuple[int, int, int]] = {}  # part, first row, row after the last
        for number, part in enumerate(parts):
            row = 0
            for video, rows in part.videos:
                if video in self._place:
                    raise InputError(
                        f"{part.path}: expected every video once, found {video!r} in "
                        f"{parts[self._place[video][0]].path.name} as well; remove the one or the "
                        "other with drop_parts"
                    )
                self._place[video] = (number, row, row + rows)
                row += rows
        self._files: OrderedDict[int, pq.ParquetFile] = OrderedDict()
        self._last: tuple[int, int, int, pa.Table] | None = None

    @classmethod
    def open(cls, folder: str | Path) -> MaskStore:
        """Open a store; looks at the index of every part, not at its rows.

        Raises:
            FileNotFoundError: there is no such folder.
            InputError: it is no mask store or one of a newer version, a part is damaged, or a
                video is in two parts.
        """
        root = Path(folder)
        paths = live_parts(root)
        for _ in range(_ATTEMPTS):
            try:
                return cls(root, [read_part(path) for path in paths])
            except InputError:
                earlier, paths = paths, live_parts(root)
                if paths == earlier:  # damage, and not a merge that came in between
                    raise
        raise InputError(f"{root}: expected a mask store at rest, found it merged all the time")

    def __len__(self) -> int:
        return len(self._place)

    def __contains__(self, video: object) -> bool:
        return video in self._place

    @property
    def rows(self) -> int:
        """Number of masks, empty ones included."""
        return sum(rows for part in self.parts for _, rows in part.videos)

    def videos(self) -> list[str]:
        """The names of all videos, sorted. One without any object is among them."""
        return sorted(self._place)

    def read(self, video: str) -> VideoMasks:
        """All masks of a video, as run lengths.

        Raises:
            InputError: the store has no such video, or its part is damaged or hostile.
        """
        return VideoMasks(video, self._checked(video, self._stored_rows(video)))

    def iterate(self) -> Iterator[VideoMasks]:
        """Every video, one in memory at a time.

        In the order of the rows, which is by name in a store that has been finished.

        Raises:
            InputError: a part is damaged or hostile.
        """
        for part in self.parts:
            for video, _ in part.videos:
                yield self.read(video)

    def verify(self) -> list[str]:
        """Compare every part with its checksum and look at every row and run length.

        Returns:
            One line a part that is damaged or holds what no store may hold; none if all is well.
        """
        found = []
        for part in self.parts:
            try:
                check_checksum(part.path)
                for video, _ in part.videos:
                    self._verify_video(part, video)
            except InputError as error:
                found.append(str(error))
        return found

    def read_rows(self, video: str) -> Iterator[pa.Table]:
        """Yield the rows of a video as they are stored, unchecked, one group in memory at a time.

        Those of an older version come in one table, checked, as of this version.

        Raises:
            InputError: the store has no such video, or its part is damaged.
        """
        number, start, stop = self._place_of(video)
        part = self.parts[number]
        if part.version < FORMAT_VERSION:
            masks = self._checked(video, self._stored_rows(video))
            for mask in masks:
                mask.check()
            yield table_of(video, masks)
            return
        while start < stop:
            end = min(part.group_ends[bisect_right(part.group_ends, start)], stop)
            yield self._rows_between(number, start, end)
            start = end

    def _stored_rows(self, video: str) -> pa.Table:
        return self._rows_between(*self._place_of(video))

    def _place_of(self, video: str) -> tuple[int, int, int]:
        if video not in self._place:
            raise InputError(
                f"{self.folder}: expected a video of this mask store, found {video!r:.80}, none "
                f"of its {len(self)}"
            )
        return self._place[video]

    def _rows_between(self, number: int, start: int, stop: int) -> pa.Table:
        if start == stop:
            return SCHEMA.empty_table()
        ends = self.parts[number].group_ends
        first, last = bisect_right(ends, start), bisect_left(ends, stop)
        table = self._read_groups(number, first, last)
        return table.slice(start - (ends[first - 1] if first else 0), stop - start)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_files": OrderedDict(), "_last": None}

    def _read_groups(self, number: int, first: int, last: int) -> pa.Table:
        if self._last is not None and self._last[:3] == (number, first, last):
            return self._last[3]
        file = self._files.pop(number, None)
        path = self.parts[number].path
        if file is None:
            file = open_parquet(path)
            if len(self._files) >= MAX_OPEN_FILES:
                self._files.popitem(last=False)[1].close()
        self._files[number] = file
        try:
            # No threads: the pool of the library does not live through a fork.
            table = file.read_row_groups(list(range(first, last + 1)), use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise damaged(path, error) from error
        self._last = (number, first, last, table)
        return table

    def _checked(self, video: str, table: pa.Table) -> list[StoredMask]:
        """Rows as masks, with everything checked but run lengths, which are on decoding."""
        path = self.parts[self._place[video][0]].path
        try:
            masks = masks_of(table, video)
            _check_masks(masks)
        except UnicodeDecodeError as error:
            raise damaged(path, f"{video}: a name that is not UTF-8") from error
        except InputError as error:
            raise InputError(f"{path}: {video}: {error}") from error
        return masks

    def _verify_video(self, part: Part, video: str) -> None:
        for mask in self.read(video).masks:
            try:
                mask.check()
            except InputError as error:
                raise InputError(
                    f"{part.path}: {video}: object {mask.object_id}, frame {mask.frame}: {error}"
                ) from error


def _check_masks(masks: list[StoredMask]) -> None:
    for object_id in {mask.object_id for mask in masks}:
        check_object_id(object_id)
    for frame in {mask.frame for mask in masks}:
        check_frame_name(frame)
    for height, width in {(mask.height, mask.width) for mask in masks}:
        check_mask_size(height, width)
    check_each_once(masks)
    for mask in masks:
        if mask.score is not None and not 0 <= mask.score <= 1:
            raise InputError(f"expected scores in [0, 1], found {mask.score}")
