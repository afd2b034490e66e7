"""Images whose segments have categories, told in sentences."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.datasets.left_out import LeftOutVideos
from tests.vng.data.panoptic_scene import (
    CAT,
    CATEGORIES,
    GRASS,
    LEFT_DOG,
    RIGHT_DOG,
    SKY,
    segment_map,
    write_scene,
)
from vng.data.category_nouns import NounSettings
from vng.data.category_reader import CategoryReader
from vng.data.coco_words import words_of
from vng.data.panoptic_images import read_panoptic_images
from vng.data.samples import NarratedClip

MEANT = {  # all that a word of the scene can mean
    "dog": {(LEFT_DOG,), (RIGHT_DOG,)},
    "dogs": {(LEFT_DOG, RIGHT_DOG)},
    "cat": {(CAT,)},
    "sky": {(SKY,)},
    "grass": {(GRASS,)},
    "lawn": {(GRASS,)},
    "animals": {(LEFT_DOG, RIGHT_DOG, CAT)},
}


def reader(root: Path, **changes: Any) -> CategoryReader:
    images, categories = read_panoptic_images(root, "train")
    return CategoryReader("scene", images, categories, nouns=NounSettings(**changes))


def clips(found: CategoryReader, count: int = 150) -> list[NarratedClip]:
    return [found.clip(0, 1, np.random.default_rng([9, seed])) for seed in range(count)]


def nouns_of(clip: NarratedClip) -> list[tuple[str, np.ndarray]]:
    return [
        (clip.text[start:end].lower(), clip.masks[noun, 0])
        for noun, (start, end) in enumerate(clip.spans)
    ]


def test_nouns_mean_what_they_say(tmp_path: Path) -> None:
    ids = segment_map()
    seen: Counter[str] = Counter()
    for clip in clips(reader(write_scene(tmp_path), absent=0, shared=0.3)):
        assert clip.still
        assert clip.known.all()
        for word, mask in nouns_of(clip):
            seen[word] += 1
            assert any((mask == np.isin(ids, meant)).all() for meant in MEANT[word]), clip.text
    assert set(seen) == set(MEANT)


def test_words_of_place_are_true(tmp_path: Path) -> None:
    ids = segment_map()
    told = 0
    for clip in clips(reader(write_scene(tmp_path), absent=0, place=1.0)):
        for (start, end), mask in zip(clip.spans, clip.masks[:, 0], strict=True):
            if clip.text[start:end].lower() == "dog":
                around = clip.text[max(0, start - 10) : end + 20].lower()
                meant = LEFT_DOG if (mask & (ids == LEFT_DOG)).any() else RIGHT_DOG
                assert (mask == (ids == meant)).all()
                other = "right" if meant == LEFT_DOG else "left"
                before = clip.text[max(0, start - 12) : start].lower()
                after = clip.text[end : end + 14].lower()
                side = "left" if meant == LEFT_DOG else "right"
                assert side in before.split()[-1:] or side in after or f"{side}-hand" in before, (
                    around,
                    other,
                )
                told += 1
    assert told > 60


def test_a_crowd_is_neither_named_nor_absent(tmp_path: Path) -> None:
    found = clips(reader(write_scene(tmp_path), absent=0.6))
    words = {word for clip in found for word, _ in nouns_of(clip)}
    assert not words & {form for forms in words_of("person") for form in forms}


def test_absent_nouns_have_empty_masks_and_are_of_other_categories(tmp_path: Path) -> None:
    found = [nouns_of(clip) for clip in clips(reader(write_scene(tmp_path), absent=0.3), 300)]
    absent = [word for nouns in found for word, mask in nouns if not mask.any()]
    share = len(absent) / sum(len(nouns) for nouns in found)
    # Two categories are free, so that at most two nouns of a text can be absent.
    assert 0.2 < share < 0.4
    allowed = {form for name in ("bottle", "toaster") for forms in words_of(name) for form in forms}
    assert set(absent) <= allowed
    assert {"bottle", "toaster"} <= set(absent)  # the one that is rare as well


def test_no_noun_is_absent_unless_asked(tmp_path: Path) -> None:
    assert all(clip.shown.all() for clip in clips(reader(write_scene(tmp_path), absent=0)))


def test_texts_hold_few_and_many_nouns(tmp_path: Path) -> None:
    counts = Counter(
        len(clip.spans) for clip in clips(reader(write_scene(tmp_path), absent=0, most_nouns=3))
    )
    assert set(counts) == {1, 2, 3}


def test_a_clip_depends_on_the_generator_alone(tmp_path: Path) -> None:
    found = reader(write_scene(tmp_path))
    one, same, other = (found.clip(0, 3, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.text == same.text
    assert (one.masks == same.masks).all()
    assert one.text != other.text
    assert one.rgb.shape[0] == 3


def test_nothing_large_enough(tmp_path: Path) -> None:
    found = reader(write_scene(tmp_path), min_area=0.9)
    with pytest.raises(InputError, match=r"scene: 000000000009: expected a category with at least"):
        found.clip(0, 1, np.random.default_rng(0))


def test_missing_files_are_counted(tmp_path: Path) -> None:
    root = write_scene(tmp_path, names=("a", "b"))
    (root / "train2017/a.png").unlink()
    images, categories = read_panoptic_images(root, "train")
    with pytest.raises(InputError, match=r"scene: a: expected a\.png, found none"):
        CategoryReader("scene", images, categories)
    left_out = LeftOutVideos("scene", 1)
    assert len(CategoryReader("scene", images, categories, left_out=left_out)) == 1
    assert left_out.reasons == {"a": "none, not a.png"}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"most_nouns": 0}, "most_nouns: expected at least 1"),
        ({"absent": 1.0}, "absent: expected a share below 1, found 1"),
        ({"place": 1.5}, "place: expected a share"),
        ({"min_area": -0.1}, "min_area: expected a share"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        NounSettings(**changes)


def test_panoptic_images(tmp_path: Path) -> None:
    root = write_scene(tmp_path)
    (image,), categories = read_panoptic_images(root, "train2017")
    assert categories == tuple(name for _, name, _ in CATEGORIES)
    assert [segment.category for segment in image.segments].count("dog") == 2
    assert [segment.crowd for segment in image.segments].count(True) == 1
    frame = image.read()
    assert frame.index is not None
    assert frame.index[0, 0] == 0
    numbers = {segment.id: number for number, segment in enumerate(image.segments, start=1)}
    assert (frame.index[segment_map() == CAT] == numbers[CAT]).all()
    Image.new("RGB", (3, 3)).save(image.png)
    with pytest.raises(InputError, match="expected the size of its image, 60x40, found 3x3"):
        image.read()


def test_panoptic_json_that_is_none(tmp_path: Path) -> None:
    root = write_scene(tmp_path)
    path = root / "annotations/panoptic_train2017.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "annotations": []}))
    with pytest.raises(InputError, match="expected images with segments, found none"):
        read_panoptic_images(root, "train")
    path.write_text(json.dumps({**content, "categories": []}))
    with pytest.raises(InputError, match="expected COCO panoptic annotations, found KeyError"):
        read_panoptic_images(root, "train")
    content["images"][0]["file_name"] = "../../x.png"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=r"\.\./\.\./x\.png"):
        read_panoptic_images(root, "train")


@pytest.mark.data
def test_real_images(data_dir: Path) -> None:
    images, categories = read_panoptic_images(data_dir / "coco_panoptic", "train")
    found = CategoryReader("coco", images, categories)
    assert (len(found), len(categories)) == (100, 133)
    for item in range(0, 100, 9):
        clip = found.clip(item, 1, np.random.default_rng(item))
        assert clip.shown.any()
        assert clip.masks[clip.shown].reshape(clip.shown.sum(), -1).sum(axis=1).min() > 100
