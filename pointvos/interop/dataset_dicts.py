"""Detectron2's standard dataset dicts, as plain dictionaries: boxes, categories, annotations.

Nothing here needs detectron2. A box is [x0, y0, x1, y1] in continuous pixels, the outer edges of
the outermost pixels, so that one of a single pixel is 1 wide and 1 high; that is the box of COCO,
whose width is x1 - x0, and what detectron2 calls ``BoxMode.XYXY_ABS``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.images import image_size
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.points import PointLabel, Points
from pointvos.core.run_lengths import checked_runs

NAMES = "names"  # categories are the names that the annotations give
CLASS_AGNOSTIC = ("object",)
COUNTS = "pointvos_counts"  # our own key among the metadata

Box = list[float]


@dataclass(frozen=True)
class DatasetDicts:
    """What a source gave.

    Attributes:
        dicts: one an image, in detectron2's standard format.
        metadata: for the MetadataCatalog; `COUNTS` says what was taken and what was left out.
    """

    dicts: list[dict[str, Any]]
    metadata: Mapping[str, Any]


class DictSource(Protocol):
    """Annotations that can be read as dataset dicts."""

    def known_metadata(self) -> dict[str, Any]:
        """What can be said without reading anything."""

    def read(self, box_mode: int) -> DatasetDicts:
        """Read everything; the same every time.

        Args:
            box_mode: the value that says [x0, y0, x1, y1] in pixels, ``BoxMode.XYXY_ABS``.

        Raises:
            FileNotFoundError: a file or folder is missing.
            InputError: the files are not as expected.
        """


def box_of_mask(mask: StoredMask) -> Box | None:
    """The box of a mask from its run lengths; None where it is empty.

    Raises:
        InputError: the run lengths are damaged.
    """
    try:
        runs = checked_runs(mask.counts, mask.height, mask.width)
    except InputError as error:
        raise InputError(f"object {mask.object_id}, frame {mask.frame}: {error}") from error
    ends = np.cumsum(runs)[1::2]
    lengths = runs[1::2]
    ends, lengths = ends[lengths > 0], lengths[lengths > 0]
    if not lengths.size:
        return None
    first, last = ends - lengths, ends - 1  # pixels, counted down the columns
    left, right = int(first[0]) // mask.height, int(last[-1]) // mask.height
    top, bottom = int((first % mask.height).min()), int((last % mask.height).max())
    if (first // mask.height != last // mask.height).any():  # on into the next column
        top, bottom = 0, mask.height - 1
    return [float(left), float(top), float(right + 1), float(bottom + 1)]


def box_of_pixels(pixels: NDArray[np.integer]) -> Box | None:
    """The box around integer (x, y) pixels [P, 2]; None without any."""
    if not len(pixels):
        return None
    (left, top), (right, bottom) = pixels.min(axis=0), pixels.max(axis=0)
    return [float(left), float(top), float(right + 1), float(bottom + 1)]


def image_dict(file: Path, image_id: str | int) -> dict[str, Any]:
    """What every dict says of its image; its size is read from the header.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no image.
    """
    height, width = image_size(file)
    return {
        "file_name": str(file.absolute()),
        "height": height,
        "width": width,
        "image_id": image_id,
    }


def point_annotation(
    points: Points, box: Box, *, box_mode: int, category_id: int
) -> dict[str, Any]:
    """An object with points, as PointSup's mapper reads them.

    ``point_coords`` are the integer pixels (x, y), and not their centres: PointSup's mapper itself
    adds the half pixel before it moves the points with the image and samples the prediction with
    ``align_corners=False``. Centres would be half a pixel off there. ``point_labels`` are 1 on the
    object and 0 off it. Ambiguous points are left out: PointSup knows no such label. It refuses
    masks beside points, so that there is no ``segmentation``.
    """
    certain = points.take(points.labels != PointLabel.AMBIGUOUS)
    return {
        "bbox": box,
        "bbox_mode": box_mode,
        "category_id": category_id,
        "point_coords": certain.pixels().tolist(),
        "point_labels": certain.labels.tolist(),
    }


def mask_annotation(
    mask: StoredMask, box: Box, *, box_mode: int, category_id: int
) -> dict[str, Any]:
    """An object with its mask in COCO's compressed run lengths.

    The counts are text and not bytes: pycocotools takes both, JSON only text.
    """
    return {
        "bbox": box,
        "bbox_mode": box_mode,
        "category_id": category_id,
        "segmentation": dict(mask.rle),
    }


def fixed_classes(categories: str | Sequence[str] | None) -> list[str] | None:
    """The categories that are known before anything is read; None if the names decide.

    Args:
        categories: None for one category, "object"; "names" for those that the annotations name;
            or a list.

    Raises:
        InputError: it is another word, empty, or names a category twice.
    """
    if categories is None:
        return list(CLASS_AGNOSTIC)
    if isinstance(categories, str):
        if categories != NAMES:
            raise InputError(
                f"categories: expected {NAMES!r}, a list of names or nothing, found {categories!r}"
            )
        return None
    listed = list(categories)
    if not listed or len(set(listed)) < len(listed):
        raise InputError(f"categories: expected different names, found {listed}")
    return listed


class Categories:
    """Numbers of categories: places in a list that is given, or that is sorted by name."""

    def __init__(
        self, categories: str | Sequence[str] | None, names: Iterable[str | None] = ()
    ) -> None:
        """Fix the list.

        Args:
            categories: as `fixed_classes` takes them.
            names: all that the annotations hold, for "names"; None is skipped.

        Raises:
            InputError: as `fixed_classes`, or there are no names at all.
        """
        fixed = fixed_classes(categories)
        self.classes = sorted({name for name in names if name}) if fixed is None else fixed
        self.agnostic = categories is None
        if not self.classes:
            raise InputError(
                f"categories: expected objects with names for {NAMES!r}, found none; leave "
                "categories out to call all of them 'object'"
            )
        self._ids = {name: number for number, name in enumerate(self.classes)}

    def id_of(self, name: str | None, *, source: str) -> int:
        """The number of a name; 0 for any where there is one category only.

        Raises:
            InputError: naming `source`: the name is not among the categories, or there is none.
        """
        if self.agnostic:
            return 0
        if name is None or name not in self._ids:
            raise InputError(
                f"{source}: expected a name among {len(self.classes)} categories, found {name!r}; "
                "add it to categories, or leave them out to call all objects 'object'"
            )
        return self._ids[name]
