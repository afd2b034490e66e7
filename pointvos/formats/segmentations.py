"""One mask as COCO files hold it: run lengths, compressed or not, or polygons."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.masks import Rle
from pointvos.core.run_lengths import check_mask_size, checked_runs

MAX_CORNERS = 1_000_000  # of all polygons of a mask


def read_segmentation(value: Any, height: int, width: int) -> Rle:
    """A segmentation as compressed run lengths that fill the frame.

    Args:
        value: ``{"size": [height, width], "counts": text or list}``, or a list of polygons
            ``[x0, y0, x1, y1, ...]`` in pixels, of which the union is taken as `pycocotools` does.
        height: of the frame, in pixels.
        width: of the frame, in pixels.

    Raises:
        InputError: it is neither, of another size than the frame, does not fill it or leads far out
            of it.
    """
    check_mask_size(height, width)
    if isinstance(value, dict):
        return _read_run_lengths(value, height, width)
    if isinstance(value, list):
        return _read_polygons(value, height, width)
    raise InputError(f"expected run lengths, polygons or null, found {value!r:.40}")


def stored_segmentation(
    value: Any, object_id: str, frame: str, height: int, width: int, *, score: float | None = None
) -> StoredMask:
    """A segmentation as a mask of an object on a frame; see `read_segmentation`.

    Raises:
        InputError: as there, with the frame.
    """
    try:
        rle = read_segmentation(value, height, width)
        return StoredMask.from_rle(object_id, frame, rle, score=score)
    except InputError as error:
        raise InputError(f"frame {frame}: {error}") from error


def _read_run_lengths(value: dict[str, Any], height: int, width: int) -> Rle:
    size, counts = value.get("size"), value.get("counts")
    if size != [height, width]:
        raise InputError(
            f"expected run lengths of the size [height, width] = [{height}, {width}], found "
            f"{size!r:.40}"
        )
    if isinstance(counts, list):
        counts = _compressed(counts, height, width)
    if not isinstance(counts, str):
        raise InputError(f"expected counts as text or a list, found {counts!r:.40}")
    checked_runs(counts.encode("utf-8", "surrogatepass"), height, width)
    return Rle(size=[height, width], counts=counts)


def _compressed(counts: list[Any], height: int, width: int) -> str:
    pixels = height * width
    whole = all(type(run) is int and 0 <= run <= pixels for run in counts)
    if not whole or sum(counts) != pixels:
        found = f"a sum of {sum(counts)}" if whole else "another value among them"
        raise InputError(f"expected runs that add up to {width}x{height} = {pixels}, found {found}")
    encoded = coco_mask.frPyObjects({"size": [height, width], "counts": counts}, height, width)
    text: str = encoded["counts"].decode()
    return text


def _read_polygons(polygons: list[Any], height: int, width: int) -> Rle:
    if not polygons:
        raise InputError("expected polygons, found an empty list; null says not annotated")
    if sum(len(one) for one in polygons if isinstance(one, list)) > 2 * MAX_CORNERS:
        raise InputError(f"expected at most {MAX_CORNERS} corners, found more")
    parts = [_polygon(one, height, width).tolist() for one in polygons]
    merged = coco_mask.merge(coco_mask.frPyObjects(parts, height, width))
    return Rle(size=[height, width], counts=merged["counts"].decode())


def _polygon(corners: Any, height: int, width: int) -> NDArray[np.float64]:
    """The coordinates of a polygon, float64 [2 P]."""
    numbers = isinstance(corners, list) and all(type(one) in (int, float) for one in corners)
    if not numbers or len(corners) < 6 or len(corners) % 2:
        raise InputError(f"expected polygons [x0, y0, x1, y1, x2, y2, ...], found {corners!r:.60}")
    # pycocotools walks along every edge: a corner far outside costs memory and time.
    for place, side in enumerate((width, height)):
        for one in corners[place::2]:
            if not -side <= one <= 2 * side:  # nor is NaN
                raise InputError(
                    f"expected polygons within a frame of {width}x{height} or a little outside, "
                    f"found the coordinate {one!r:.40}"
                )
    return np.array(corners, np.float64)
