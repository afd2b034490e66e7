"""COCO panoptic images with all their segments, things and stuff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.jsonfile import read_json
from pointvos.core.masks import MAX_OBJECT_ID
from pointvos.core.safe_names import safe_join
from pointvos.datasets.samples import AnnotatedFrame
from pointvos.formats.coco_panoptic import read_segment_ids


class PanopticSegment(NamedTuple):
    """A segment of an image.

    Attributes:
        id: colour in the PNG.
        category: name.
        thing: whether its category can be counted.
        crowd: whether it covers several things that nobody told apart.
    """

    id: int
    category: str
    thing: bool
    crowd: bool


@dataclass(frozen=True)
class PanopticImage:
    """An image with its segments; segment i has the number i + 1 in `read`.

    Attributes:
        name: stem of the image file.
        image: its file.
        png: colours of its segments.
        segments: in the order of the annotation.
    """

    name: str
    image: Path
    png: Path
    segments: tuple[PanopticSegment, ...]

    def read(self) -> AnnotatedFrame:
        """The image with its segments as an index mask; 0 is what nobody labelled.

        Raises:
            FileNotFoundError: a file is missing.
            InputError: one is damaged, or they differ in size.
        """
        rgb = read_image(self.image)
        ids = read_segment_ids(self.png)
        if ids.shape != rgb.shape[:2]:
            raise InputError(
                f"{self.png}: expected the size of its image, {rgb.shape[1]}x{rgb.shape[0]}, found "
                f"{ids.shape[1]}x{ids.shape[0]}"
            )
        numbers = {segment.id: number for number, segment in enumerate(self.segments, start=1)}
        found, place = np.unique(ids, return_inverse=True)
        index = np.array([numbers.get(int(one), 0) for one in found], np.uint8)
        return AnnotatedFrame(rgb, index[place.reshape(ids.shape)], {})


def read_panoptic_images(
    root: str | Path, split: str
) -> tuple[list[PanopticImage], tuple[str, ...]]:
    """The images of a split in the order of their names, and the names of all categories.

    Args:
        root: the folder that holds ``annotations`` and the folders of images.
        split: ``train``, ``val`` or in full, ``train2017``.

    Raises:
        FileNotFoundError: a file is missing.
        InputError: the JSON is not as expected, or names no image with segments.
    """
    split = split if any(digit.isdigit() for digit in split) else f"{split}2017"
    source = Path(root) / "annotations" / f"panoptic_{split}.json"
    content = read_json(source)
    try:
        categories = {
            int(row["id"]): (str(row["name"]), bool(row["isthing"]))
            for row in content["categories"]
        }
        files = {int(row["id"]): str(row["file_name"]) for row in content["images"]}
        images = [
            _image(Path(root) / split, source, files[int(row["image_id"])], row, categories)
            for row in content["annotations"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(
            f"{source}: expected COCO panoptic annotations, found {type(error).__name__}: {error}"
        ) from error
    images = sorted((one for one in images if one.segments), key=lambda one: one.name)
    if not images:
        raise InputError(f"{source}: expected images with segments, found none")
    return images, tuple(name for name, _ in categories.values())


def _image(
    folder: Path,
    source: Path,
    file_name: str,
    row: Mapping[str, Any],
    categories: Mapping[int, tuple[str, bool]],
) -> PanopticImage:
    segments = tuple(
        PanopticSegment(int(one["id"]), *categories[int(one["category_id"])], bool(one["iscrowd"]))
        for one in row["segments_info"]
    )
    if len(segments) > MAX_OBJECT_ID:
        raise InputError(
            f"{source}: {file_name}: expected at most {MAX_OBJECT_ID} segments, found "
            f"{len(segments)}"
        )
    image = safe_join(folder, file_name, source=source)
    png = safe_join(source.with_suffix(""), str(row["file_name"]), source=source)
    return PanopticImage(image.stem, image, png, segments)
