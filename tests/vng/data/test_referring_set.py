"""Referring expressions: sentences that mean an object of the masks of a data set."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.masks import write_index_png
from vng.data.referring_set import ReferringSet

FRAMES = ["00000", "00005", "00010"]


def write(root: Path, **changes: Any) -> tuple[Path, Path]:
    """Object 2 on the first and last frame; the one between is not annotated."""
    video = {
        "frames": FRAMES,
        "expressions": {
            "0": {"exp": "the left cat", "obj_id": "2"},
            "7": {"exp": " a cat asleep  ", "obj_id": 2},
        },
        **changes,
    }
    path = root / "meta_expressions.json"
    path.write_text(json.dumps({"videos": {"clip": video}}))
    for t, frame in enumerate(FRAMES):
        if t != 1:
            index = np.zeros((6, 8), np.uint8)
            index[:, :2], index[:, 5:] = 1, 2 * (t == 0)
            write_index_png(root / "masks/clip" / f"{frame}.png", index)
    return path, root / "masks"


def test_a_sentence_is_a_narrative_and_its_noun(tmp_path: Path) -> None:
    found = ReferringSet.open(*write(tmp_path))
    video = found.videos["clip"]
    assert [video.noun(one) for one in video.expressions] == ["the left cat", "a cat asleep"]
    assert video.text(video.expressions[1]) == " a cat asleep  "
    assert [one.narrative for one in video.expressions] == [0, 1]
    assert found.ids["clip"] == ("0", "7")
    assert found.sparse
    first, between, last = found.masks(video, 2)
    assert between is None
    assert first is not None
    assert last is not None
    assert (first.area, last.area) == (18, 0)
    assert found.has_masks(video, 2)
    assert not found.has_masks(video, 3)
    assert [number for _, number, _ in found] == [0, 1]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"expressions": []}, r"clip\.expressions: expected expressions, found \[\]"),
        ({"expressions": {"0": {"obj_id": "1"}}}, r"expressions\.0\.exp: expected a sentence"),
        ({"expressions": {"0": {"exp": " ", "obj_id": "1"}}}, "expected a sentence, found ' '"),
        (
            {"expressions": {"0": {"exp": "a cat", "obj_id": "x"}}},
            r"expressions\.0\.obj_id: expected the number of an object .* found 'x'",
        ),
        ({"expressions": {"0": {"exp": "a cat"}}}, "obj_id: expected the number.*None"),
        ({"expressions": {"0": {"exp": "a cat", "obj_id": 999}}}, "1 to 254, found 999"),
        ({"frames": ["00000", "00000"]}, "expected every frame once"),
        ({"frames": ["../x"]}, "frames"),
    ],
)
def test_damaged_files(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        ReferringSet.open(*write(tmp_path, **changes))


def test_no_masks(tmp_path: Path) -> None:
    path, masks = write(tmp_path)
    with pytest.raises(FileNotFoundError, match="expected a folder of masks"):
        ReferringSet.open(path, tmp_path / "none")
    for file in masks.rglob("*.png"):
        file.unlink()
    with pytest.raises(FileNotFoundError, match="expected masks of the frames of 'clip'"):
        ReferringSet.open(path, masks)
    path.write_text("{}")
    with pytest.raises(InputError, match="with videos, found none"):
        ReferringSet.open(path, masks)


@pytest.mark.data
def test_ref_davis(data_dir: Path) -> None:
    found = ReferringSet.open(
        data_dir / "refdavis/meta_expressions_val_public.json",
        data_dir / "davis16/Annotations/480p",
    )
    assert len(found.videos) == 8
    assert not found.sparse
    assert len(list(found)) == 32
    assert all(found.has_masks(video, 1) for video in [found.videos["blackswan"]])
