"""Masks as the tracks of their outlines, which take a third of the bytes of COCO run lengths.

Number the pixels of a mask column by column, as COCO does, and take the numbers at which foreground
begins or ends. Along an outline the one in the next column is `height` further, give or take a few
pixels. A track is a series of such numbers, one a column: its first number and the deviations from
`height` after it, a byte each, which repeat themselves and compress well. How the numbers are dealt
out to tracks is the writer's choice; all of them, sorted, are the mask.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.images import MAX_PIXELS

MAX_STEP = 127  # pixels up or down from one column to the next, as a signed byte holds them
Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, slots=True)
class Outlines:
    """The outlines of M masks of a video, with T tracks and P numbers in all.

    Attributes:
        tracks: of each mask, int64 [M].
        starts: first number of each track; after the first track of a mask, how much more than that
            of the track before. int64 [T], ascending within a mask.
        lengths: numbers in each track, int64 [T], at least 1.
        steps: of all tracks, mask after mask, int8 [P - T].
    """

    tracks: Ints
    starts: Ints
    lengths: Ints
    steps: NDArray[np.int8]


def outlines_of_runs(runs: Sequence[Ints], heights: Ints) -> Outlines:
    """The outlines of masks.

    Args:
        runs: of each mask the lengths of its runs, background first, which fill it.
        heights: of each mask, int64 [M], in pixels.
    """
    points = np.array([one.size - 1 for one in runs], np.int64)
    if not points.any():
        nothing = np.zeros(0, np.int64)
        return Outlines(np.zeros(len(runs), np.int64), nothing, nothing, np.zeros(0, np.int8))
    mask = np.repeat(np.arange(len(runs)), points)
    height = heights[mask]
    numbers = np.concatenate([one[:-1].cumsum() for one in runs])
    place = np.arange(numbers.size) - np.repeat(points.cumsum() - points, points)
    first, place = _heads(_predecessors(numbers, height, 2 * mask + place % 2))
    order = np.lexsort((place, first))  # track after track
    numbers, mask, head = numbers[order], mask[order], place[order] == 0
    steps = np.diff(numbers, prepend=0) - height[order]
    starts, owner = numbers[head], mask[head]
    starts = np.where(np.diff(owner, prepend=-1) == 0, np.diff(starts, prepend=0), starts)
    lengths = np.diff(np.flatnonzero(head), append=numbers.size)
    tracks = np.bincount(owner, minlength=len(runs))
    return Outlines(tracks, starts, lengths, steps[~head].astype(np.int8))


def runs_of_outlines(outlines: Outlines, heights: Ints, widths: Ints) -> list[Ints]:
    """The lengths of the runs of masks, background first, which fill them.

    Args:
        outlines: of M masks.
        heights: of each mask, int64 [M], in pixels.
        widths: of each mask, int64 [M], in pixels.

    Raises:
        InputError: the outlines are damaged.
    """
    tracks, lengths, size = outlines.tracks, outlines.lengths, heights * widths
    if lengths.size and (lengths.min() < 1 or np.abs(outlines.starts).max() > MAX_PIXELS):
        raise InputError("expected outlines of tracks within the frame, found others")
    ends = lengths.cumsum()
    total = int(ends[-1]) if ends.size else 0
    if total != outlines.steps.size + lengths.size:
        raise InputError(f"expected outlines of {total} numbers, found another number of steps")
    owner = np.repeat(np.arange(tracks.size), tracks)  # the mask of each track
    heads = ends - lengths
    # Steps up to each number, without those from the end of a track to the next one.
    if (heights == heights[:1]).all():  # as in most videos
        steps = outlines.steps + heights[:1]
    else:
        steps = outlines.steps + np.repeat(heights[owner], lengths - 1)
    sums = np.concatenate([np.zeros(1, np.int64), steps.cumsum()])
    here = np.arange(total) - np.repeat(np.arange(lengths.size), lengths)
    starts = outlines.starts.cumsum()
    base = (size + 1).cumsum() - size - 1  # so that all can be sorted at once
    starts += (base - np.concatenate([[0], starts])[tracks.cumsum() - tracks])[owner]
    numbers = sums[here] + np.repeat(starts - sums[heads - np.arange(lengths.size)], lengths)
    numbers = _sorted(numbers, int((size + 1).sum()))
    points = np.bincount(owner, lengths, tracks.size).astype(np.int64)
    mask = np.repeat(np.arange(tracks.size), points)
    numbers -= base[mask]
    if total and (numbers.min() < 0 or (numbers > size[mask]).any()):
        raise InputError("expected outlines within the frame, found one that leaves it")
    bounds = np.zeros(total + 2 * tracks.size, np.int64)  # of the runs: 0, the numbers, the size
    bounds[np.arange(1, total + 1) + 2 * mask] = numbers
    stop = points.cumsum() + 2 * np.arange(1, tracks.size + 1)
    bounds[stop - 1] = size
    runs = np.diff(bounds)
    return [
        runs[a : b - 1] for a, b in zip((stop - points - 2).tolist(), stop.tolist(), strict=True)
    ]


def _sorted(numbers: Ints, stop: int) -> Ints:
    """Sort numbers of which those that are not damaged are in [0, stop)."""
    small = stop < 2**31 and numbers.size and numbers.min() >= 0 and numbers.max() < stop
    return np.sort(numbers.astype(np.int32)).astype(np.int64) if small else np.sort(numbers)


def _predecessors(numbers: Ints, height: Ints, group: Ints) -> Ints:
    """For each number the one before it on its track, itself if it is the first; int64 [P].

    Linked are those of one group, beginnings or ends of foreground of a mask, that are nearest to
    each other once one of them is moved by a column.
    """
    order = np.argsort(group, kind="stable")
    reach = np.minimum(MAX_STEP, height[order] - 1)  # a later number stays a later one
    key = numbers[order] + group[order] * int(numbers.max() + height.max() + 2 * MAX_STEP)
    after, before = _nearest(key, key + height[order]), _nearest(key, key - height[order])
    here = np.arange(key.size)
    linked = (before[after] == here) & (np.abs(key[after] - key - height[order]) <= reach)
    found = here.copy()
    found[after[linked]] = here[linked]
    result = np.empty_like(found)
    result[order] = order[found]
    return result


def _nearest(key: Ints, wanted: Ints) -> Ints:
    """The places of the values of `key`, ascending, that are nearest to those wanted."""
    right = np.searchsorted(key, wanted).clip(1, max(1, key.size - 1))
    right = np.minimum(right, key.size - 1)
    left = np.maximum(right - 1, 0)
    nearest: Ints = np.where(wanted - key[left] <= key[right] - wanted, left, right)
    return nearest


def _heads(before: Ints) -> tuple[Ints, Ints]:
    """Of every number the first one of its track and its place after it, both int64 [P]."""
    first = before
    place = (before != np.arange(before.size)).astype(np.int64)
    while True:
        further = first[first]
        if np.array_equal(further, first):
            return first, place
        place = place + place[first]
        first = further
