"""COCO panoptic images, as videos of one frame."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.formats.coco_panoptic import read_coco_panoptic
from pointvos.formats.open_dataset import open_dataset
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask, write_frames

# Segment id -> (category, crowd); ids need more than one byte.
SEGMENTS = {70_000: (1, 0), 300: (2, 0), 5: (100, 0), 9: (1, 1)}
SQUARES = {1: (0, 0, 10), 2: (20, 5, 12), 3: (40, 30, 15), 4: (50, 0, 9)}  # of those, in order


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_frames(tmp_path / "train2017", ["000009"])
    drawn = square_mask(SQUARES)
    ids = np.array([0, *SEGMENTS])[drawn]
    ids[drawn == 0] = 5  # stuff around the things; only one corner is unlabelled
    ids[-3:, -3:] = 0
    rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    folder = tmp_path / "annotations" / "panoptic_train2017"
    folder.mkdir(parents=True)
    Image.fromarray(rgb).save(folder / "000009.png")
    write_json(tmp_path, content())
    return tmp_path


def content() -> dict[str, Any]:
    segments = [
        {"id": i, "category_id": category, "iscrowd": crowd}
        for i, (category, crowd) in SEGMENTS.items()
    ]
    return {
        "images": [{"id": 9, "file_name": "000009.jpg"}],
        "annotations": [{"image_id": 9, "file_name": "000009.png", "segments_info": segments}],
        "categories": [
            {"id": 1, "name": "person", "isthing": 1},
            {"id": 2, "name": "dog", "isthing": 1},
            {"id": 100, "name": "grass", "isthing": 0},
        ],
    }


def write_json(root: Path, value: Any) -> None:
    (root / "annotations" / "panoptic_train2017.json").write_text(json.dumps(value))


@pytest.mark.parametrize("split", ["train", "train2017"])
def test_things_are_objects_stuff_is_background_crowds_are_void(root: Path, split: str) -> None:
    (video,) = open_dataset("coco_panoptic", root, split)
    assert (video.name, list(video.annotated)) == ("000009", ["000009"])
    assert video.categories == {1: "person", 2: "dog"}
    mask = video.read_mask("000009")
    expected = square_mask({1: SQUARES[1], 2: SQUARES[2], 255: SQUARES[4]})
    expected[-3:, -3:] = 255
    np.testing.assert_array_equal(mask, expected)
    (frame,) = video.frames.read()
    assert frame.rgb.shape == (HEIGHT, WIDTH, 3)


def test_stuff_can_be_the_objects(root: Path) -> None:
    (video,) = read_coco_panoptic(root, "train", stuff=True)
    assert video.categories == {1: "grass"}
    mask = video.read_mask("000009")
    expected = np.ones_like(mask)
    for left, top, side in (SQUARES[1], SQUARES[2]):
        expected[top : top + side, left : left + side] = 0
    left, top, side = SQUARES[4]
    expected[top : top + side, left : left + side] = 255
    expected[-3:, -3:] = 255
    np.testing.assert_array_equal(mask, expected)
    value = content()
    value["categories"][2]["isthing"] = 1
    write_json(root, value)
    with pytest.raises(InputError, match="expected images with stuff, found none"):
        read_coco_panoptic(root, "train", stuff=True)


def test_images_without_things_are_left_out(root: Path) -> None:
    value = content()
    stuff = {"image_id": 10, "file_name": "000010.png", "segments_info": []}
    value["images"].append({"id": 10, "file_name": "000010.jpg"})
    value["annotations"].append(stuff)
    write_json(root, value)
    assert [video.name for video in read_coco_panoptic(root, "train")] == ["000009"]
    value["annotations"] = [stuff]
    write_json(root, value)
    with pytest.raises(InputError, match="expected images with things, found none"):
        read_coco_panoptic(root, "train")


@pytest.mark.parametrize("field", ["images", "annotations", "categories"])
def test_a_missing_part_is_named(root: Path, field: str) -> None:
    value = content()
    del value[field]
    write_json(root, value)
    with pytest.raises(InputError, match=rf"panoptic_train2017\.json: expected COCO .*{field}"):
        read_coco_panoptic(root, "train")


@pytest.mark.parametrize("place", ["images", "annotations"])
def test_names_stay_inside_the_folder(root: Path, place: str) -> None:
    value = content()
    value[place][0]["file_name"] = "../../secret.png"
    write_json(root, value)
    with pytest.raises(InputError, match="expected a name inside the data folder"):
        read_coco_panoptic(root, "train")


@pytest.mark.data
def test_the_sample_of_coco(data_dir: Path) -> None:
    videos = open_dataset("coco_panoptic", data_dir / "coco_panoptic", "val")
    assert 50 < len(videos) <= 60
    for video in videos[:5]:
        shown = set(np.unique(video.read_mask(video.name)).tolist()) - {0, 255}
        assert shown == set(video.categories)
