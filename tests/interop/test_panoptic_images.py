"""COCO panoptic images and their narratives as dataset dicts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.interop.dataset_dicts import COUNTS
from pointvos.interop.panoptic_images import PanopticImages
from tests.interop.standard_format import XYXY_ABS, check_panoptic
from tests.tiny_datasets import square_mask, write_frames

# Segment id -> (category, crowd); ids need more than one byte. Stuff comes first in the file.
SEGMENTS = {5: (100, 0), 70_000: (3, 0), 300: (7, 0), 9: (3, 1)}
CATEGORIES = [
    {"id": 100, "name": "grass", "isthing": 0},
    {"id": 7, "name": "dog", "isthing": 1},
    {"id": 3, "name": "person", "isthing": 1},
]
CAPTION = "A man , his  dog and Grass ."


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Image 9 with things and stuff, image 12 with stuff alone."""
    write_frames(tmp_path / "train2017", ["000009", "000012"])
    folder = tmp_path / "annotations" / "panoptic_train2017"
    folder.mkdir(parents=True)
    drawn = square_mask({2: (0, 0, 10), 3: (20, 5, 12), 4: (40, 30, 15)})
    ids = np.array([5, 0, 70_000, 300, 9])[drawn]
    ids[-3:, -3:] = 0  # unlabelled
    write_png(folder / "000009.png", ids)
    write_png(folder / "000012.png", np.full_like(ids, 5))
    write(tmp_path, content())
    return tmp_path


def write_png(path: Path, ids: np.ndarray) -> None:
    rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    Image.fromarray(rgb).save(path)


def content() -> dict[str, Any]:
    segments = [
        {"id": one, "category_id": category, "iscrowd": crowd, "area": 1, "bbox": [0, 0, 1, 1]}
        for one, (category, crowd) in SEGMENTS.items()
    ]
    return {
        "images": [{"id": i, "file_name": f"{i:06d}.jpg"} for i in (12, 9)],
        "annotations": [
            {"image_id": 12, "file_name": "000012.png", "segments_info": segments[:1]},
            {"image_id": 9, "file_name": "000009.png", "segments_info": segments},
        ],
        "categories": CATEGORIES,
    }


def write(root: Path, value: Any) -> None:
    (root / "annotations" / "panoptic_train2017.json").write_text(json.dumps(value))


def write_narratives(root: Path, *, image_id: int = 9, dog: Any = "300") -> Path:
    segments = [
        {"utterance": "A", "noun": False, "segment_ids": [], "plural": False},
        {"utterance": "man", "noun": True, "segment_ids": ["70000", "9"], "plural": True},
        {"utterance": "dog", "noun": True, "segment_ids": [dog]},
    ]
    path = root / "png_coco_train2017.json"
    path.write_text(json.dumps([{"image_id": image_id, "caption": CAPTION, "segments": segments}]))
    return path


@pytest.mark.parametrize("split", ["train", "train2017"])
def test_things_are_annotations_and_all_are_segments(root: Path, split: str) -> None:
    found = PanopticImages(root=root, split=split).read(XYXY_ABS)

    assert check_panoptic(found.dicts, found.metadata, more=set()) == 3
    first, second = found.dicts
    assert (first["image_id"], second["image_id"]) == (9, 12)
    assert [one["bbox"] for one in first["annotations"]] == [
        [0.0, 0.0, 10.0, 10.0],
        [20.0, 5.0, 32.0, 17.0],
        [40.0, 30.0, 55.0, 45.0],
    ]
    assert [one["category_id"] for one in first["segments_info"]] == [2, 0, 1, 0]
    assert [one["iscrowd"] for one in first["annotations"]] == [0, 0, 1]
    assert second["annotations"] == []
    assert found.metadata["thing_classes"] == ["person", "dog"]
    assert found.metadata["stuff_classes"] == ["person", "dog", "grass"]
    assert found.metadata["thing_dataset_id_to_contiguous_id"] == {3: 0, 7: 1}
    assert found.metadata["stuff_dataset_id_to_contiguous_id"] == {100: 2}
    assert found.metadata["panoptic_json"].endswith("annotations/panoptic_train2017.json")
    assert found.metadata[COUNTS] == {
        "images": 2,
        "objects": 3,
        "images_without_things": 1,
        "images_without_narrative": 0,
    }


def test_without_masks_nothing_is_decoded(root: Path) -> None:
    (root / "annotations" / "panoptic_train2017" / "000009.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"000009\.png: expected an image"):
        PanopticImages(root=root, split="train").read(XYXY_ABS)
    found = PanopticImages(root=root, split="train", masks=False).read(XYXY_ABS)
    assert all("annotations" not in image for image in found.dicts)
    assert [len(image["segments_info"]) for image in found.dicts] == [4, 1]
    (root / "annotations" / "panoptic_train2017" / "000009.png").unlink()
    with pytest.raises(FileNotFoundError, match=r"000009\.png: expected the segments of an image"):
        PanopticImages(root=root, split="train", masks=False).read(XYXY_ABS)


def test_narratives_choose_the_images_and_keep_their_text(root: Path) -> None:
    path = write_narratives(root)
    found = PanopticImages(root=root, split="train", narratives=path).read(XYXY_ABS)
    assert check_panoptic(found.dicts, found.metadata, more={"narratives"}) == 3
    ((narrative,),) = [image["narratives"] for image in found.dicts]
    assert narrative["caption"] == CAPTION
    assert narrative["segments"][1] == {
        "utterance": "man",
        "noun": True,
        "segment_ids": [70_000, 9],
    }
    assert found.metadata[COUNTS]["images_without_narrative"] == 1


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"image_id": 10}, "expected narratives of images in .*found image 10 and 0 more"),
        ({"dog": 301}, r"image 9: expected segments of .*000009\.png, found 301 for 'dog'"),
        ({"dog": None}, "expected narratives of COCO-PNG, found TypeError"),
        ({"dog": "dog"}, "expected narratives of COCO-PNG, found ValueError"),
    ],
)
def test_narratives_that_do_not_fit(root: Path, more: dict[str, Any], message: str) -> None:
    path = write_narratives(root, **more)
    with pytest.raises(InputError, match=message):
        PanopticImages(root=root, split="train", narratives=path).read(XYXY_ABS)


@pytest.mark.parametrize("text", ["[]", '{"image_id": 9}', "[3]"])
def test_files_that_are_no_narratives(root: Path, text: str) -> None:
    (root / "png.json").write_text(text)
    with pytest.raises(InputError, match=r"png\.json: expected narratives"):
        PanopticImages(root=root, split="train", narratives=root / "png.json").read(XYXY_ABS)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda it: it.pop("categories"), "expected COCO panoptic annotations, found KeyError"),
        (lambda it: it["annotations"][1].update(image_id=3), "found KeyError: 3"),
        (lambda it: it["annotations"][1].update(image_id="x"), "found ValueError"),
        (lambda it: it["annotations"].clear(), "expected images, found none"),
        (lambda it: it["images"][1].update(file_name="../9.jpg"), "inside the data folder"),
        (
            lambda it: it["annotations"][1]["segments_info"].append(
                {"id": 77, "category_id": 3, "iscrowd": 0}
            ),
            r"000009\.png: expected pixels of segment 77, which is listed, found none",
        ),
    ],
)
def test_damaged_annotations(root: Path, change: Any, message: str) -> None:
    value = content()
    change(value)
    write(root, value)
    with pytest.raises(InputError, match=message):
        PanopticImages(root=root, split="train").read(XYXY_ABS)


def test_segments_of_another_size(root: Path) -> None:
    path = root / "annotations" / "panoptic_train2017" / "000009.png"
    write_png(path, np.full((5, 6), 5))
    with pytest.raises(InputError, match=r"000009\.png: expected segments of 64x48 as .*found 6x5"):
        PanopticImages(root=root, split="train").read(XYXY_ABS)


@pytest.mark.data
def test_real_images_and_narratives(data_dir: Path) -> None:
    source = PanopticImages(
        root=data_dir / "coco_panoptic",
        split="val",
        narratives=data_dir / "coco_png" / "png_coco_val2017.json",
    )
    found = source.read(XYXY_ABS)

    check_panoptic(found.dicts, found.metadata, more={"narratives"})
    assert len(found.dicts) == 60
    assert (len(found.metadata["thing_classes"]), len(found.metadata["stuff_classes"])) == (80, 133)
    # The boxes that COCO gives are those of our masks.
    listed = {
        (row["image_id"], segment["id"]): segment["bbox"]
        for row in json.loads(source.json_file.read_text())["annotations"]
        for segment in row["segments_info"]
    }
    compared = 0
    for image in found.dicts:
        things = [segment for segment in image["segments_info"] if segment["isthing"]]
        for one, segment in zip(image["annotations"], things, strict=True):
            left, top, width, height = listed[image["image_id"], segment["id"]]
            assert one["bbox"] == [left, top, left + width, top + height]
            compared += 1
    assert compared == found.metadata[COUNTS]["objects"] > 100
