"""The rows of a mask store: columns of a Parquet table from masks, and masks from them.

Version 1 held COCO run lengths, version 2 holds outlines. Both are read, the latter is written.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.outlines import Outlines, outlines_of_runs, runs_of_outlines
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.run_lengths import check_mask_size, compressed_runs, run_lengths

_PLACE = [
    pa.field("video", pa.string(), nullable=False),
    pa.field("object_id", pa.string(), nullable=False),
    pa.field("frame", pa.string(), nullable=False),
    pa.field("height", pa.int32(), nullable=False),
    pa.field("width", pa.int32(), nullable=False),
]
_NUMBERS = pa.list_(pa.field("element", pa.int32(), nullable=False))
_SCORE = pa.field("score", pa.float64())
SCHEMA = pa.schema(
    [
        *_PLACE,
        pa.field("track_starts", _NUMBERS, nullable=False),
        pa.field("track_lengths", _NUMBERS, nullable=False),
        pa.field("track_steps", pa.binary(), nullable=False),
        _SCORE,
    ]
)
SCHEMA_OF_RUN_LENGTHS = pa.schema(
    [*_PLACE, pa.field("rle_counts", pa.binary(), nullable=False), _SCORE]
)
REPEATING = [field.name for field in _PLACE]  # columns of few values


def table_of(
    video: str, masks: Sequence[StoredMask], runs: Sequence[NDArray[np.int64]] | None = None
) -> pa.Table:
    """Rows of a video, whose run lengths must have been checked.

    Args:
        video: its name.
        masks: some of its masks, in the order of the rows.
        runs: of each mask the lengths of its runs, where they are known.
    """
    if runs is None:
        runs = [run_lengths(mask.counts) for mask in masks]
    heights = np.array([mask.height for mask in masks], np.int64)
    outlines = outlines_of_runs(runs, heights)
    numbers = [
        pa.ListArray.from_arrays(
            pa.array(_bounds(outlines.tracks), pa.int32()), pa.array(values, pa.int32()), _NUMBERS
        )
        for values in (outlines.starts, outlines.lengths)
    ]
    columns = [
        pa.array([video] * len(masks), pa.string()),
        pa.array([mask.object_id for mask in masks], pa.string()),
        pa.array([mask.frame for mask in masks], pa.string()),
        pa.array(heights, pa.int32()),
        pa.array([mask.width for mask in masks], pa.int32()),
        *numbers,
        pa.array(_steps_of_masks(outlines), pa.binary()),
        pa.array([mask.score for mask in masks], pa.float64()),
    ]
    return pa.Table.from_arrays(columns, schema=SCHEMA)


def masks_of(table: pa.Table, video: str) -> list[StoredMask]:
    """The masks of the rows of a video, of either version.

    Raises:
        InputError: there is another video among the rows, a size or outlines are damaged. The run
            lengths of version 1 are looked at when they are decoded.
    """
    columns = {name: table[name].to_pylist() for name in (*REPEATING, "score")}
    if any(name != video for name in columns["video"]):
        raise InputError("expected its rows as the index lists them, found another video there")
    if table.schema.equals(SCHEMA):
        counts = _counts(table, columns["height"], columns["width"])
    else:
        counts = table["rle_counts"].to_pylist()
    return [
        StoredMask(*row)
        for row in zip(
            *(columns[name] for name in REPEATING[1:]), counts, columns["score"], strict=True
        )
    ]


def _counts(table: pa.Table, heights: list[int], widths: list[int]) -> list[bytes]:
    if not len(table):
        return []
    for height, width in set(zip(heights, widths, strict=True)):
        check_mask_size(height, width)
    starts, lengths, steps = (
        _whole(table[f"track_{name}"]) for name in ("starts", "lengths", "steps")
    )
    tracks = lengths.value_lengths().to_numpy().astype(np.int64)
    bounds = np.frombuffer(steps.buffers()[1], np.int32)[steps.offset :][: len(steps) + 1]
    outlines = Outlines(
        tracks,
        starts.flatten().to_numpy().astype(np.int64),
        lengths.flatten().to_numpy().astype(np.int64),
        np.frombuffer(steps.buffers()[2] or b"", np.int8)[bounds[0] : bounds[-1]],
    )
    if not starts.value_lengths().equals(lengths.value_lengths()):
        raise InputError("expected outlines with a start for every track, found other numbers")
    if not np.array_equal(np.diff(bounds), _steps(outlines)):
        raise InputError("expected outlines with a step for every number, found other lengths")
    runs = runs_of_outlines(outlines, np.array(heights, np.int64), np.array(widths, np.int64))
    return compressed_runs(runs)


def _whole(column: pa.ChunkedArray) -> pa.Array:
    """A column as one array, without copying it where it is one."""
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()


def _steps_of_masks(outlines: Outlines) -> list[bytes]:
    data, bounds = outlines.steps.tobytes(), _bounds(_steps(outlines)).tolist()
    return [data[a:b] for a, b in pairwise(bounds)]


def _steps(outlines: Outlines) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """How many steps each mask has, int64 [M]."""
    bounds = _bounds(outlines.tracks)
    total = _bounds(outlines.lengths - 1)
    return total[bounds[1:]] - total[bounds[:-1]]


def _bounds(
    sizes: np.ndarray[tuple[int], np.dtype[np.int64]],
) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Where parts of these sizes begin, and where the last one ends."""
    return np.concatenate([[0], sizes.cumsum()]).astype(np.int64)
