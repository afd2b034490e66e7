"""COCO-PNG as narrated videos of one frame."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from vng.data.coco_png_set import CocoPngSet

CAPTION = "Two dogs near a tree , and the dogs sleep ."


def write_coco(root: Path, *, segment: int = 300) -> Path:
    """One image whose left quarter is 300, the next 70000, the right half 5."""
    (root / "annotations/panoptic_val2017").mkdir(parents=True)
    (root / "val2017").mkdir()
    Image.new("RGB", (16, 8), (9, 9, 9)).save(root / "val2017/000000000009.jpg")
    ids = np.repeat([300, 70000, 5, 5], 4)[None].repeat(8, axis=0)
    rgb = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1).astype(np.uint8)
    Image.fromarray(rgb).save(root / "annotations/panoptic_val2017/000000000009.png")
    annotation = {
        "image_id": 9,
        "file_name": "000000000009.png",
        "segments_info": [{"id": one} for one in (segment, 70000, 5)],
    }
    content = {
        "images": [{"id": 9, "file_name": "000000000009.jpg"}],
        "annotations": [annotation],
    }
    (root / "annotations/panoptic_val2017.json").write_text(json.dumps(content))
    return root


def narratives(root: Path, *, image_id: int = 9, tree: int = 5, **changes: Any) -> Path:
    def word(text: str, *ids: int) -> dict[str, Any]:
        return {"utterance": text, "noun": bool(ids), "segment_ids": list(ids)}

    row = {
        "image_id": image_id,
        "caption": CAPTION,
        "segments": [
            word("Two"),
            word("dogs", 300, 70000),
            word("tree", tree),
            word("dogs", 70000, 300),
            word("bird", 5),  # not in the caption
        ],
        **changes,
    }
    path = root / "png.json"
    path.write_text(json.dumps([row]))
    return path


def test_nouns_mean_unions_of_segments(tmp_path: Path) -> None:
    root = write_coco(tmp_path)
    found = CocoPngSet.open(narratives(root), root, "val")
    (video,) = found.videos.values()
    assert (video.name, video.frames) == ("000000000009", ("000000000009",))
    assert [(video.noun(e), e.obj_id, dict(e.other)) for e in video.expressions] == [
        ("dogs", 1, {"plural": True}),
        ("tree", 2, {}),
        ("dogs", 1, {"plural": True}),
    ]
    assert [e.start for e in video.expressions] == [4, 16, 31]
    (dogs,) = found.masks(video, 1)
    (tree,) = found.masks(video, 2)
    assert dogs is not None
    assert tree is not None
    assert (dogs.decode() == (np.arange(16) < 8)).all()
    assert (tree.decode() == (np.arange(16) >= 8)).all()
    assert found.nouns_not_in_text == 1
    assert not found.sparse
    assert [number for _, number, _ in found] == [0, 1, 2]
    assert found.images[video.name].name == "000000000009.jpg"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"image_id": 10}, "narratives of images in .*, found image 10, which is not there"),
        ({"tree": 6}, "9: expected segments of the image, found 6 for 'tree'"),
    ],
)
def test_narratives_that_do_not_fit(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    root = write_coco(tmp_path)
    with pytest.raises(InputError, match=message):
        CocoPngSet.open(narratives(root, **changes), root, "val")


def test_a_segment_without_pixels_is_refused(tmp_path: Path) -> None:
    root = write_coco(tmp_path, segment=301)
    path = narratives(root)
    path.write_text(path.read_text().replace("300", "301"))
    found = CocoPngSet.open(path, root, "val2017")
    with pytest.raises(InputError, match=r"000000000009\.png: expected pixels of segment 301"):
        found.masks(found.videos["000000000009"], 1)


def test_other_json_is_refused(tmp_path: Path) -> None:
    root = write_coco(tmp_path)
    path = root / "annotations/panoptic_val2017.json"
    path.write_text('{"images": [{"id": 9}], "annotations": []}')
    with pytest.raises(InputError, match="expected COCO panoptic annotations, found KeyError"):
        CocoPngSet.open(narratives(root), root, "val")
    path.unlink()
    with pytest.raises(FileNotFoundError):
        CocoPngSet.open(narratives(root), root, "val")


@pytest.mark.data
@pytest.mark.parametrize(
    ("split", "images", "objects", "nouns"), [("train", 35, 177, 178), ("val", 60, 324, 333)]
)
def test_real_narratives(data_dir: Path, split: str, images: int, objects: int, nouns: int) -> None:
    found = CocoPngSet.open(
        data_dir / "coco_png" / f"png_coco_{split}2017.json", data_dir / "coco_panoptic", split
    )
    assert len(found.videos) == images
    assert len(list(found)) == nouns
    assert sum(map(len, found.segments.values())) == objects
    video = next(iter(found.videos.values()))
    for object_id in found.segments[video.name]:
        (mask,) = found.masks(video, object_id)
        assert mask is not None
        assert mask.area > 0
