"""A PV set by video: numbers, splits, frames, records that stand twice."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from tests.tiny_point_set import record, write_json
from vng.convert import point_objects
from vng.convert.point_objects import MAX_OBJ_ID, object_number, read_point_set

ON = [(5, 6, "00000", "ACCEPTED"), (9, 9, "00001", "REJECTED")]


@pytest.fixture
def frames(tmp_path: Path) -> Path:
    for name in ("bike", "train/dog"):
        (tmp_path / "frames" / name).mkdir(parents=True)
    return tmp_path / "frames"


def read(frames: Path, *records, **more):
    return read_point_set(write_json(frames.parent / "points.json", *records), frames, **more)


def lists(frames: Path, **names: str) -> list[Path]:
    found = []
    for name, text in names.items():
        found.append(frames.parent / f"{name}.txt")
        found[-1].write_text(text.replace(" ", "\n"))
    return found


@given(st.text(min_size=1))
def test_numbers_fit_and_depend_on_the_key_alone(key):
    assert 0 < object_number(key) < MAX_OBJ_ID
    assert object_number(key) == object_number(key)


def test_objects_by_video(frames):
    found = read(
        frames,
        record("b", "train/dog", ON, object_name="dog"),
        record("a", "bike", ON, object_name=None),
        record("c", "train/dog", ON, object_name="ball"),
        record("d", None, ON),
    )
    assert list(found.videos) == ["bike", "train/dog"]
    dog = found.videos["train/dog"]
    assert [(one.about.key, one.name) for one in dog.objects] == [("b", "dog"), ("c", "ball")]
    assert dog.path == frames / "train/dog"
    assert found.unnamed == ("d",)
    assert (found.not_chosen, found.not_found) == (0, 0)


def test_a_video_without_frames_has_no_path(frames):
    assert read(frames, record("a", "gone", ON)).videos["gone"].path is None


def test_frames_in_a_folder_of_any_of_the_objects(frames):
    (frames / "b").mkdir()
    found = read(frames, record("a", "clip", ON), record("b", "clip", ON))
    assert found.videos["clip"].path == frames / "b"


def test_a_record_that_stands_twice_is_known_by_name_and_points(frames):
    found = read(
        frames,
        record("a", "bike", ON, object_name="dog"),
        record("b", "bike", ON, object_name="cat"),
        record("c", "bike", ON[:1], object_name="dog"),
        record("d", "bike", ON, object_name="dog"),
        record("e", "train/dog", ON, object_name="dog"),
    )
    same = {one.about.key: one.same_as for v in found.videos.values() for one in v.objects}
    assert same == {"a": None, "b": None, "c": None, "d": "a", "e": None}
    assert [one.key for one in found.videos["bike"].annotated().objects] == ["a", "b", "c"]


def test_two_records_without_points_are_not_the_same(frames):
    found = read(frames, record("a", "bike", []), record("b", "bike", []))
    assert [one.same_as for one in found.videos["bike"].objects] == [None, None]


def test_splits_by_record_or_video(frames):
    records = [record(key, "bike", ON) for key in "ab"] + [record("c", "train/dog", ON)]
    files = lists(frames, train="a b nobody", test="train/dog")
    found = read(frames, *records, split_files=files)
    assert {name: video.split for name, video in found.videos.items()} == {
        "bike": "train",
        "train/dog": "test",
    }
    assert (found.not_chosen, found.not_found) == (0, 1)
    found = read(frames, *records, split_files=files[1:])
    assert list(found.videos) == ["train/dog"]
    assert found.not_chosen == 2


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ({"x": "a", "y": "bike"}, "found bike in x (record a) and in y (record a)"),
        ({"x": "a", "y": "a"}, "expected every record and video in one split, found 'a' in x"),
        ({"x": "a", "y": "z"}, "y.txt: expected keys of records of"),
        ({"x": ""}, "x.txt: expected names, one a line, found none"),
    ],
)
def test_splits_that_do_not_fit(frames, names, message):
    records = [record(key, "bike", ON) for key in "ab"]
    with pytest.raises(InputError) as error:
        read(frames, *records, split_files=lists(frames, **names))
    assert message in str(error.value)


def test_two_lists_of_one_name(frames):
    files = [*lists(frames, x="a"), frames.parent / "more" / "x.txt"]
    files[1].parent.mkdir()
    files[1].write_text("b")
    with pytest.raises(InputError, match="split_file: expected files of different names"):
        read(frames, record("a", "bike", ON), split_files=files)


def test_equal_numbers_are_refused(frames, monkeypatch):
    monkeypatch.setattr(point_objects, "MAX_OBJ_ID", 2)  # leaves one number for all
    with pytest.raises(InputError, match="found 1 for a and b; rename one of the records"):
        read(frames, record("a", "bike", ON), record("b", "train/dog", ON))


def test_a_hash_that_stands_twice_is_refused(frames):
    path = frames.parent / "points.json"
    text = json.dumps(record("a", "bike", ON))
    path.write_text(f"{text[:-1]}, {text[1:]}")
    with pytest.raises(InputError, match="expected the name of a member, found 'a' twice"):
        read_point_set(path, frames)
    lines = frames.parent / "points.jsonl"
    lines.write_text(f"{text}\n{text}\n")
    with pytest.raises(InputError, match="jsonl:2: expected every key once, found 'a' on line 1"):
        read_point_set(lines, frames)
