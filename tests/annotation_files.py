"""Small annotation files for tests: two videos, three objects, every kind of mask."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pointvos.core.masks import encode_rle

HEIGHT, WIDTH = 6, 8
LARGE_ID = 9_000_000_000_000_000_001


def box(left: int, right: int) -> dict[str, Any]:
    """The run lengths of some columns."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[1:5, left:right] = True
    return dict(encode_rle(mask))


EMPTY = box(0, 0)


def vng(*, sparse: bool = False) -> dict[str, Any]:
    """Of VNG: with a frame without masks, an object without any, and an id of 19 digits."""
    frames = [0, 4, 8] if sparse else [0, 1, 2]
    sides = {"width": WIDTH, "height": HEIGHT}
    videos: list[dict[str, Any]] = [
        {
            "id": number,
            **sides,
            "length": 3,
            "file_names": [f"{name}/{frame}.png" for frame in frames],
            **({"ytid": name} if sparse else {}),
        }
        for number, name in ((3, "b"), (7, "a"))
    ]
    rows = [
        (LARGE_ID, 3, [box(0, 3), None, EMPTY]),
        (2, 7, [None, box(2, 5), None]),
        (5, 3, [box(4, 8), None, box(3, 8)]),
        (6, 7, [None, None, None]),
    ]
    annotations = [
        {
            "id": number,
            "video_id": video,
            **sides,
            "video_name": {3: "b", 7: "a"}[video],
            "note": "é",
            "segmentations": masks,
        }
        for number, video, masks in rows
    ]
    return {"info": {"year": 2023}, "videos": videos, "annotations": annotations}


def ytvis() -> dict[str, Any]:
    """Of YouTube-VIS: the same masks with categories, without ids of 19 digits."""
    value = vng()
    value["categories"] = [{"id": 4, "name": "dog"}]
    for record in value["annotations"]:
        if record["id"] == LARGE_ID:
            record["id"] = 1
        record["category_id"], record["iscrowd"] = 4, 0
        del record["video_name"]
    return value


def coco() -> dict[str, Any]:
    """Images with polygons and run lengths."""
    image = {"width": WIDTH, "height": HEIGHT}
    return {
        "images": [
            {"id": 11, "file_name": "000011.jpg", **image},
            {"id": 12, "file_name": "000012.jpg", **image},
        ],
        "categories": [{"id": 1, "name": "cat"}],
        "annotations": [
            {
                "id": 1000,
                "image_id": 11,
                "category_id": 1,
                "iscrowd": 0,
                "bbox": [1, 1, 4, 4],
                "segmentation": [[1, 1, 5, 1, 5, 5, 1, 5]],
            },
            {
                "id": 1001,
                "image_id": 11,
                "category_id": 1,
                "iscrowd": 1,
                "segmentation": {"size": [HEIGHT, WIDTH], "counts": [0, 6, 42]},
            },
        ],
    }


def write(path: Path, value: Any) -> Path:
    """As a JSON file."""
    path.write_text(json.dumps(value))
    return path
