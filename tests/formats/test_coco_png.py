"""Narratives of COCO-PNG and where their nouns stand."""

import json
from pathlib import Path
from typing import Any

import pytest

from pointvos.core.errors import InputError
from pointvos.formats.coco_png import locate, read_coco_png


def segment(utterance: str, *ids: int | str, noun: bool = True, **more: Any) -> dict[str, Any]:
    return {"utterance": utterance, "noun": noun, "segment_ids": list(ids), **more}


def write(path: Path, *rows: Any) -> Path:
    path.write_text(json.dumps(list(rows), ensure_ascii=False), encoding="utf-8")
    return path


def test_nouns_have_their_place_in_the_caption(tmp_path: Path) -> None:
    segments = [
        segment("Two", noun=False),
        segment("dogs", 7, "9", plural=True),
        segment("near", noun=False),
        segment("sky"),
    ]
    row = {"image_id": "12", "caption": "Two dogs near the sky.", "segments": segments}
    (narrative,) = read_coco_png(write(tmp_path / "png.json", row))
    assert narrative.image_id == 12
    assert [one.span for one in narrative.utterances] == [(0, 3), (4, 8), (9, 13), (18, 21)]
    (dogs,) = narrative.grounded  # the sky names no segment
    assert (dogs.segment_ids, dogs.plural) == ((7, 9), True)


def test_without_the_field_several_segments_are_plural(tmp_path: Path) -> None:
    row = {
        "image_id": 1,
        "caption": "dogs cat",
        "segments": [segment("dogs", 1, 2), segment("cat", 3)],
    }
    (narrative,) = read_coco_png(write(tmp_path / "png.json", row))
    assert [one.plural for one in narrative.utterances] == [True, False]


@pytest.mark.parametrize(
    ("utterances", "caption", "expected"),
    [
        (["man", "man"], "a man and a man", [(2, 5), (12, 15)]),
        (["cat"], "a category", [None]),  # whole words only
        (["dog"], "\U0001f600 a dog", [(4, 7)]),  # characters, not bytes or UTF-16 units
        (["A", ",", "b"], "a , b", [(0, 1), (2, 3), (4, 5)]),
        (["", "  ", "b"], "a b", [None, None, (2, 3)]),
        (["(x"], "see (x) here", [(4, 6)]),  # no pattern
        # The missing "the" must not take the one at the end, or "dog" would not be found.
        (["the", "dog"], "a dog " + "runs and " * 10 + "the end", [None, (2, 5)]),
    ],
)
def test_locate(
    utterances: list[str], caption: str, expected: list[tuple[int, int] | None]
) -> None:
    assert locate(utterances, caption) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "expected narratives of COCO-PNG, a list"),
        ([], "expected narratives, found none"),
        ([{"image_id": 1, "caption": "x"}], "segments.*narrative 0"),
        ([{"image_id": "x", "caption": "x", "segments": []}], "ValueError.*narrative 0"),
        ([{"image_id": 1, "caption": None, "segments": []}], "caption None"),
        ([{"image_id": 1, "caption": "x", "segments": [{"utterance": 5}]}], "narrative 0"),
    ],
)
def test_other_files_are_refused(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "png.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_coco_png(path)


@pytest.mark.data
def test_every_noun_of_the_real_narratives_is_found(data_dir: Path) -> None:
    for split, images, nouns in (("train", 35, 178), ("val", 60, 333)):
        narratives = read_coco_png(data_dir / "coco_png" / f"png_coco_{split}2017.json")
        assert len(narratives) == images
        assert sum(len(one.grounded) for one in narratives) == nouns
        for narrative in narratives:
            for one in narrative.grounded:
                assert one.span is not None
                assert narrative.caption[slice(*one.span)] == one.text
