"""COCO run lengths from untrusted files, checked before a pixel is allocated.

pycocotools takes the counts of a mask at their word: where they end early, its decoder returns
whatever the memory held before.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.images import MAX_PIXELS

# Of the compressed form: every character holds five bits of a number and whether another follows.
_FIRST_CHARACTER = 48
_VALUE_BITS, _MORE, _SIGN = 0x1F, 0x20, 0x10
_VALUE_SIZE = 5
_MAX_CHARACTERS = 7  # 35 bits, more than any run of an image has


def run_lengths(counts: bytes) -> NDArray[np.int64]:
    """The lengths of the runs of compressed counts, background first, int64 [R].

    From the fourth on, a run is written as its difference to the run two before.

    >>> run_lengths(b"211").tolist()
    [2, 1, 1]

    Raises:
        InputError: these are no counts: another character, an unfinished number, a negative run.
    """
    code = np.frombuffer(counts, np.uint8).astype(np.int64) - _FIRST_CHARACTER
    if not code.size:
        return code
    if code.min() < 0 or code.max() > 63:
        raise InputError("expected the characters '0' to 'o' in run lengths, found another")
    last = np.flatnonzero(code & _MORE == 0)
    if not last.size or last[-1] != code.size - 1:
        raise InputError("expected whole run lengths, found them cut off")
    first = np.concatenate([[0], last[:-1] + 1])
    characters = last - first + 1
    if characters.max() > _MAX_CHARACTERS:
        raise InputError(f"expected run lengths below {MAX_PIXELS}, found a larger number")
    place = np.arange(code.size) - np.repeat(first, characters)
    runs = np.add.reduceat((code & _VALUE_BITS) << (5 * place), first)
    runs -= np.where(code[last] & _SIGN, np.int64(1) << (5 * characters), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    if runs.min() < 0:
        raise InputError("expected run lengths of at least 0, found a negative one")
    return runs


def compressed_runs(runs: Sequence[NDArray[np.int64]]) -> list[bytes]:
    """Lengths of runs as compressed counts, those of many masks at once; undoes `run_lengths`.

    >>> compressed_runs([np.array([2, 1, 1])])
    [b'211']
    """
    if not runs:
        return []
    sizes = np.array([one.size for one in runs])
    lengths = np.concatenate(runs)
    values = lengths.copy()
    values[2:] -= lengths[:-2]
    starts = sizes.cumsum() - sizes
    for place in range(3):  # the first three of a mask are no differences
        whole = starts[sizes > place] + place
        values[whole] = lengths[whole]
    values = values.astype(np.int32)  # of images of at most MAX_PIXELS
    # Numbers of n characters are in [-2^(5n - 1), 2^(5n - 1)).
    magnitude = values ^ (values >> 31)  # one's complement of those below 0
    characters, limit = np.ones(values.size, np.int64), 1 << 4
    more = np.flatnonzero(magnitude >= limit)
    while more.size:
        characters[more] += 1
        limit <<= _VALUE_SIZE
        more = more[magnitude[more] >= limit]
    stops = characters.cumsum()
    text = np.empty(int(stops[-1]), np.uint8)
    first, left = stops - characters, characters
    while first.size:
        unfinished = left > 1
        character = (values & _VALUE_BITS).astype(np.uint8) + np.uint8(_FIRST_CHARACTER)
        text[first] = character + unfinished.view(np.uint8) * np.uint8(_MORE)
        more = np.flatnonzero(unfinished)
        first, values, left = first[more] + 1, values[more] >> _VALUE_SIZE, left[more] - 1
    data, ends = text.tobytes(), stops[sizes.cumsum() - 1].tolist()
    return [data[a:b] for a, b in zip([0, *ends[:-1]], ends, strict=True)]


def check_mask_size(height: int, width: int) -> None:
    """Refuse masks of no pixels or of absurdly many.

    Raises:
        InputError: the size is not positive or has more than `MAX_PIXELS` pixels.
    """
    if height <= 0 or width <= 0 or height * width > MAX_PIXELS:
        raise InputError(
            f"expected a mask of 1 to {MAX_PIXELS} pixels, found a size of {width}x{height}"
        )


def checked_runs(counts: bytes, height: int, width: int) -> NDArray[np.int64]:
    """The run lengths of a mask of this size, int64 [R].

    Raises:
        InputError: these are no counts, or they do not add up to the size.
    """
    check_mask_size(height, width)
    runs = run_lengths(counts)
    if runs.sum() != height * width:
        raise InputError(
            f"expected runs that add up to {width}x{height} = {height * width} pixels, found "
            f"{runs.sum()}"
        )
    return runs


def decode_runs(counts: bytes, height: int, width: int) -> NDArray[np.bool_]:
    """Compressed counts as a bool mask [H, W].

    Raises:
        InputError: these are no counts, or they do not add up to the size.
    """
    runs = checked_runs(counts, height, width)
    foreground = np.arange(runs.size) % 2 == 1
    return np.repeat(foreground, runs).reshape(width, height).T
