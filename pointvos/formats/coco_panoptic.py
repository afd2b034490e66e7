"""COCO panoptic images as videos of one frame, with every thing an object.

``<split>/<image>.jpg``, ``annotations/panoptic_<split>.json`` and, beside it, the folder
``annotations/panoptic_<split>/`` of PNGs whose colour is the id of a segment: R + 256 G + 65536 B.
Things get the ids 1, 2, ... in the order of the file; stuff is background; crowds and what nobody
labelled are void. Or the other way round, with stuff as objects and things as background.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.jsonfile import read_json
from pointvos.core.masks import MAX_OBJECT_ID, VOID
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.static_images import StaticImage, choose_images

UNLABELLED = 0  # COCO: the colour of pixels that belong to no segment


def read_coco_panoptic(
    root: str | Path,
    split: str,
    *,
    videos: Sequence[str] | None = None,
    masks_only: bool = False,
    stuff: bool = False,
) -> list[MaskedVideo]:
    """The images of a split that show at least one thing, in the order of their names.

    Args:
        root: the folder that holds ``annotations`` and the folders of images.
        split: ``train``, ``val`` or in full, ``train2017``.
        videos: keep only the images of these names.
        masks_only: do not look at the images (scoring needs none).
        stuff: make stuff the objects instead of things.

    Raises:
        FileNotFoundError: a file or folder is missing.
        InputError: the JSON is not as expected, or no image shows a thing (or stuff).
    """
    split = split if any(digit.isdigit() for digit in split) else f"{split}2017"
    source = Path(root) / "annotations" / f"panoptic_{split}.json"
    content = read_json(source)
    try:
        names = {
            row["id"]: row["name"]
            for row in content["categories"]
            if bool(row["isthing"]) is not stuff
        }
        images = {row["id"]: row["file_name"] for row in content["images"]}
        found = [
            _image(Path(root) / split, source, images[row["image_id"]], row, names)
            for row in content["annotations"]
        ]
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{source}: expected COCO panoptic annotations, found {type(error).__name__}: {error}"
        ) from error
    found = sorted((image for image in found if image.categories), key=lambda image: image.name)
    if not found:
        kind = "stuff" if stuff else "things"
        raise InputError(f"{source}: expected images with {kind}, found none")
    return choose_images(found, videos, masks_only=masks_only, source=source)


def _image(
    images: Path, source: Path, file_name: str, row: Mapping[str, Any], names: Mapping[int, str]
) -> StaticImage:
    """One image with its things."""
    masks = source.with_suffix("")
    slots: dict[int, int] = {UNLABELLED: VOID}
    categories: dict[int, str] = {}
    for segment in row["segments_info"]:
        if segment["iscrowd"]:
            slots[int(segment["id"])] = VOID
        elif segment["category_id"] in names:
            categories[len(categories) + 1] = names[segment["category_id"]]
            slots[int(segment["id"])] = len(categories)
    if len(categories) > MAX_OBJECT_ID:
        raise InputError(
            f"{file_name}: expected at most {MAX_OBJECT_ID} things, found {len(categories)}"
        )
    path = safe_join(images, file_name, source=source)
    return StaticImage(
        name=path.stem,
        frame_folder=images,
        annotated={path.stem: safe_join(masks, row["file_name"], source=source)},
        categories=categories,
        read_png=partial(_read_things, slots),
        image=path,
    )


def _read_things(slots: Mapping[int, int], path: Path) -> NDArray[np.uint8]:
    """Object ids of a panoptic PNG, uint8 [H, W]."""
    segments = read_segment_ids(path)
    ids, place = np.unique(segments, return_inverse=True)
    return np.array([slots.get(int(one), 0) for one in ids], np.uint8)[
        place.reshape(segments.shape)
    ]


def read_segment_ids(path: str | Path) -> NDArray[np.int64]:
    """The segment of every pixel of a panoptic PNG, int64 [H, W]: R + 256 G + 65536 B.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is damaged.
    """
    ids: NDArray[np.int64] = read_image(path).astype(np.int64) @ np.array([1, 256, 256 * 256])
    return ids
