"""A strict reading of detectron2's standard dataset dicts, as its documentation describes them."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from pycocotools import mask as coco_mask

XYXY_ABS = 0  # the value of detectron2.structures.BoxMode.XYXY_ABS
IMAGE_KEYS = {"file_name", "height", "width", "image_id"}
OBJECT_KEYS = {"bbox", "bbox_mode", "category_id"}
POINT_KEYS = {"point_coords", "point_labels"}
PANOPTIC_KEYS = {"pan_seg_file_name", "segments_info"}


def check_points(dicts: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> int:
    """Dicts as PointSup reads them; returns the number of objects."""
    check_images(dicts, set())
    for image in dicts:
        assert image["annotations"]
        for one in image["annotations"]:
            assert set(one) == OBJECT_KEYS | POINT_KEYS  # masks are refused beside points
            check_object(one, image, metadata)
            xy, labels = one["point_coords"], one["point_labels"]
            assert isinstance(xy, list)
            assert isinstance(labels, list)
            assert len(xy) == len(labels) > 0
            assert all(type(value) is int for pair in xy for value in pair)
            assert all(len(pair) == 2 for pair in xy)
            assert all(0 <= x < image["width"] and 0 <= y < image["height"] for x, y in xy)
            assert set(map(type, labels)) == {int}
            assert 1 in labels
            assert set(labels) <= {0, 1}
    return sum(len(image["annotations"]) for image in dicts)


def check_masks(dicts: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any]) -> int:
    """Dicts for instance segmentation with bitmasks; returns the number of objects."""
    check_images(dicts, set())
    for image in dicts:
        assert image["annotations"]
        for one in image["annotations"]:
            assert set(one) == OBJECT_KEYS | {"segmentation"}
            check_object(one, image, metadata)
            check_segmentation(one, image)
    return sum(len(image["annotations"]) for image in dicts)


def check_panoptic(
    dicts: Sequence[Mapping[str, Any]], metadata: Mapping[str, Any], *, more: set[str]
) -> int:
    """Dicts for panoptic and instance segmentation; returns the number of objects."""
    check_images(dicts, PANOPTIC_KEYS | more)
    for image in dicts:
        shown = check_segments(image, metadata)
        things = [one for one in image["segments_info"] if one["isthing"]]
        assert len(image["annotations"]) == len(things)
        for one, segment in zip(image["annotations"], things, strict=True):
            assert set(one) == OBJECT_KEYS | {"segmentation", "iscrowd"}
            assert one["iscrowd"] in (0, 1)
            assert (one["iscrowd"], one["category_id"]) == (
                segment["iscrowd"],
                segment["category_id"],
            )
            check_object(one, image, metadata)
            mask = check_segmentation(one, image)
            assert np.array_equal(mask, shown == segment["id"])
    return sum(len(image["annotations"]) for image in dicts)


def check_images(dicts: Sequence[Mapping[str, Any]], more: set[str]) -> None:
    assert isinstance(dicts, list)
    assert dicts
    ids = [image["image_id"] for image in dicts]
    assert len(set(ids)) == len(ids)
    assert len({type(one) for one in ids}) == 1
    json.dumps(dicts)  # detectron2 caches datasets as JSON
    for image in dicts:
        assert set(image) == IMAGE_KEYS | {"annotations"} | more
        assert isinstance(image["image_id"], str | int)
        assert isinstance(image["file_name"], str)
        assert Path(image["file_name"]).is_absolute()
        assert type(image["height"]) is type(image["width"]) is int
        with Image.open(image["file_name"]) as opened:
            assert opened.size == (image["width"], image["height"])


def check_object(
    one: Mapping[str, Any], image: Mapping[str, Any], metadata: Mapping[str, Any]
) -> None:
    assert isinstance(one["bbox"], list)
    assert [type(side) for side in one["bbox"]] == [float] * 4
    left, top, right, bottom = one["bbox"]
    assert 0 <= left < right <= image["width"]
    assert 0 <= top < bottom <= image["height"]
    assert one["bbox_mode"] == XYXY_ABS
    assert type(one["category_id"]) is int
    assert 0 <= one["category_id"] < len(metadata["thing_classes"])


def check_segmentation(one: Mapping[str, Any], image: Mapping[str, Any]) -> np.ndarray:
    """The mask, whose box must be the one that is given."""
    rle = one["segmentation"]
    assert isinstance(rle, dict)
    assert set(rle) == {"size", "counts"}
    assert rle["size"] == [image["height"], image["width"]]
    assert isinstance(rle["counts"], str | bytes)
    mask = coco_mask.decode(rle)
    assert mask.dtype == np.uint8
    assert mask.any()
    rows, columns = np.nonzero(mask)
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    assert one["bbox"] == box
    return mask


def check_segments(image: Mapping[str, Any], metadata: Mapping[str, Any]) -> np.ndarray:
    """The panoptic PNG as ids, all of which are described or unlabelled."""
    with Image.open(image["pan_seg_file_name"]) as opened:
        assert opened.mode == "RGB"
        rgb = np.asarray(opened).astype(int)
    shown = rgb[..., 0] + 256 * rgb[..., 1] + 256**2 * rgb[..., 2]
    assert shown.shape == (image["height"], image["width"])
    ids = [segment["id"] for segment in image["segments_info"]]
    assert len(set(ids)) == len(ids)
    assert set(ids) <= set(np.unique(shown).tolist())
    for segment in image["segments_info"]:
        assert set(segment) == {"id", "category_id", "iscrowd", "isthing"}
        assert 0 <= segment["category_id"] < len(metadata["stuff_classes"])
        assert segment["isthing"] == (segment["category_id"] < len(metadata["thing_classes"]))
        assert segment["iscrowd"] in (0, 1)
    return shown
