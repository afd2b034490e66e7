"""A PV set by video: simulated, release style, with holes, and damaged."""

import json

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.pseudomask.annotated_videos import read_annotated_videos
from tests.tiny_point_set import VIDEOS, record, write_json, write_point_set


def test_a_simulated_set(tmp_path):
    points, frames = write_point_set(tmp_path)
    found = read_annotated_videos(points, frames)
    assert list(found.videos) == sorted(VIDEOS)
    assert found.unnamed == ()
    video = found.videos["train/eagle"]
    assert video.path == frames / "train/eagle"
    assert [(one.key, one.number) for one in video.objects] == [
        ("train/eagle/1", 1),
        ("train/eagle/5", 5),
    ]
    assert video.frame_ids == ["00000", "00002", "00005"]
    first, late = (one.points("00000") for one in video.objects)
    assert (len(first.foreground), len(late.foreground)) == (4, 0)
    assert (first.background.pixels() == late.background.pixels()).all()
    listed = json.loads(points.read_text())["train/eagle/1"]["annotated_points"]
    pixels = [[one["x"], one["y"]] for one in listed if one["frame_id"] == "00002"]
    assert video.objects[0].points("00002").pixels().tolist() == pixels
    assert len(video.objects[0].points("00001")) == 0


def test_release_style_with_one_folder_an_object_and_with_one_a_video(tmp_path):
    for folder in ("f00d", "shared"):
        (tmp_path / "frames" / folder).mkdir(parents=True)
    points = write_json(
        tmp_path / "points.json",
        record("f00d", "gone from the web", [(1, 2, "000003", "ACCEPTED")]),
        record("beef", "shared", [(1, 2, "000003", "ACCEPTED"), (3, 2, "000003", "AMBIGUOUS")]),
        record("cafe", "shared", [(5, 2, "000004", "REJECTED")]),
        record("dead", "nowhere", [(5, 2, "000004", "ACCEPTED")]),
        record("0000", None, [(5, 2, "000004", "ACCEPTED")]),
    )
    found = read_annotated_videos(points, tmp_path / "frames")
    assert list(found.videos) == ["f00d", "nowhere", "shared"]
    assert found.unnamed == ("0000",)
    assert found.videos["f00d"].path == tmp_path / "frames" / "f00d"
    assert found.videos["nowhere"].path is None
    shared = found.videos["shared"]
    assert [(one.key, one.number) for one in shared.objects] == [("beef", 1), ("cafe", 2)]
    assert shared.frame_ids == ["000003", "000004"]
    assert shared.objects[0].points("000003").labels.tolist() == [1, 2]


def test_points_without_a_frame_are_left_out_and_a_record_may_be_without_points(tmp_path):
    (tmp_path / "frames" / "dog").mkdir(parents=True)
    value = record("a", "dog", [(1, 2, "00000", "ACCEPTED")])
    value["a"]["annotated_points"].append({**value["a"]["annotated_points"][0], "frame_id": None})
    points = write_json(tmp_path / "points.json", value, record("b", "dog", []))
    video = read_annotated_videos(points, tmp_path / "frames").videos["dog"]
    assert [len(one.labels) for one in video.objects] == [1, 0]
    assert video.objects[0].pixels.dtype == np.uint16
    assert video.objects[0].frame_of.dtype == np.uint8
    assert video.frame_ids == ["00000"]


ONE = [(1, 2, "0", "ACCEPTED")]
BAD_SETS = {
    "empty": ([], "points.json: expected records, found none"),
    "a pixel on and off": (
        [record("a", "dog", [*ONE, (1, 2, "0", "REJECTED")])],
        "expected every pixel of a frame once",
    ),
    "ids on some": (
        [record("a", "dog", ONE), record("b", "dog", ONE, object_id=2)],
        "expected object_id in all records of dog or in none",
    ),
    "ids twice": (
        [record("a", "dog", ONE, object_id=2), record("b", "dog", ONE, object_id=2)],
        "expected every object of dog once, found 2 twice",
    ),
    "a name that leaves": ([record("a", "../dog", ONE)], "expected a name inside the data folder"),
}


@pytest.mark.parametrize("case", BAD_SETS)
def test_bad_sets(tmp_path, case):
    records, message = BAD_SETS[case]
    (tmp_path / "frames" / "dog").mkdir(parents=True)
    with pytest.raises(InputError, match=message):
        read_annotated_videos(write_json(tmp_path / "points.json", *records), tmp_path / "frames")


def test_a_missing_folder_of_frames(tmp_path):
    points = write_json(tmp_path / "points.json", record("a", "dog", ONE))
    with pytest.raises(FileNotFoundError, match="expected a folder with the frames of videos"):
        read_annotated_videos(points, tmp_path / "frames")
