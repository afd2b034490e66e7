"""Mouse traces between JSON and arrays.

A release holds tens of millions of positions: the columns of a part are checked as a whole, and
looked at one by one only to name what is wrong.
"""

from __future__ import annotations

from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.vidln.checked_fields import MAX_NUMBER, as_int, object_at, present, shown
from pointvos.vidln.narrative import TracePart

POINT_KEYS = ("x", "y", "time_ms_since_epoch", "kf_idx")
MAX_POSITION = 100.0  # frame sizes beside the frame; farther no mouse goes
_values = itemgetter(*POINT_KEYS)


def parse_part(value: Any, where: str) -> TracePart:
    """One part of a trace.

    Args:
        value: a list of positions.
        where: file, line and field, for messages.

    Raises:
        InputError: naming the position and its field.
    """
    if not isinstance(value, list):
        raise InputError(f"{where}: expected a list of positions, found {shown(value)}")
    try:
        rows = list(map(_values, value))
    except (KeyError, TypeError, IndexError):
        raise _first_error(value, where) from None
    x, y, time, keyframe = zip(*rows, strict=True) if rows else ((), (), (), ())
    if not ({*map(type, x), *map(type, y)} <= {float, int}) or not (
        {*map(type, time), *map(type, keyframe)} <= {int}
    ):
        rows = [_checked(point, f"{where}[{i}]") for i, point in enumerate(value)]
        x, y, time, keyframe = zip(*rows, strict=True)
    try:
        positions = np.array([x, y], np.float64).T.reshape(-1, 2)
        times, keyframes = np.array(time, np.int64), np.array(keyframe, np.int64)
    except OverflowError:
        raise _first_error(value, where) from None
    if not (
        _within(positions, MAX_POSITION)
        and _within(times, MAX_NUMBER)
        and _within(keyframes, MAX_NUMBER)
    ):
        raise _first_error(value, where)
    other = {
        i: {name: item for name, item in point.items() if name not in POINT_KEYS}
        for i, point in enumerate(value)
        if len(point) > len(POINT_KEYS)
    }
    return TracePart(positions, times, keyframes, other)


def part_to_json(part: TracePart) -> list[dict[str, Any]]:
    """The JSON value of a part."""
    rows = zip(part.positions.tolist(), part.time_ms.tolist(), part.keyframe.tolist(), strict=True)
    return [
        dict(zip(POINT_KEYS, (x, y, time, keyframe), strict=True)) | dict(part.other.get(i, {}))
        for i, ((x, y), time, keyframe) in enumerate(rows)
    ]


def _within(numbers: NDArray[Any], bound: float) -> bool:
    """Whether all numbers are at most so far from 0; nan is not."""
    return bool(numbers.min(initial=0) >= -bound and numbers.max(initial=0) <= bound)


def _first_error(value: list[Any], where: str) -> InputError:
    for i, point in enumerate(value):
        try:
            _checked(point, f"{where}[{i}]")
        except InputError as error:
            return error
    raise AssertionError(f"{where}: a part was refused without a reason")


def _checked(value: Any, where: str) -> tuple[float, float, int, int]:
    point = object_at(value, where)
    for name in ("x", "y"):
        number = present(point, name, where)
        if type(number) not in (float, int) or not abs(number) <= MAX_POSITION:
            raise InputError(
                f"{where}.{name}: expected a share of the frame, found {shown(number)}"
            )
    time, keyframe = (
        as_int(present(point, name, where), f"{where}.{name}") for name in POINT_KEYS[2:]
    )
    return float(point["x"]), float(point["y"]), time, keyframe
