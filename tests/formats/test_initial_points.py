"""Initial points from records, from the form for one video, and from a point image."""

import json

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.frames import ArrayFrames
from pointvos.core.points import Points
from pointvos.formats.initial_points import read_initial_points
from pointvos.formats.point_png import write_point_png

HEIGHT, WIDTH = 20, 30


@pytest.fixture
def frames():
    return ArrayFrames([np.zeros((HEIGHT, WIDTH, 3), np.uint8)] * 12, name="bike")


def write(path, value):
    path.write_text(json.dumps(value))
    return path


def one(x=3, y=4, frame="00000", status="ACCEPTED"):
    return {"x": x, "y": y, "frame_id": frame, "status": status}


def record(*points, video="bike", **more):
    return {"video_name": video, "object_name": "rider", "annotated_points": list(points)} | more


def single(*points, object_id=1, frame="00000", **more):
    return {"objects": [{"id": object_id, "frame": frame, "points": list(points)} | more]}


# ------------------------------------------------------------------ the form for one video


def test_the_form_for_one_video(tmp_path, frames):
    path = write(
        tmp_path / "points.json",
        {
            "objects": [
                {"id": 7, "name": "dog", "frame": "00003", "points": [[5, 5, 1]]},
                {"id": 1, "name": "bike", "frame": "00000", "points": [[3, 4, 1], [9, 9, 0]]},
                {"id": 2, "frame": "00003", "points": [[6, 6, 1], [7, 7, 1]]},
            ]
        },
    )
    initial = read_initial_points(path, frames)
    assert list(initial.by_frame) == ["00000", "00003"]
    assert initial.by_frame["00000"][1].xy.tolist() == [[3.5, 4.5], [9.5, 9.5]]
    assert initial.by_frame["00000"][1].labels.tolist() == [1, 0]
    assert initial.by_frame["00003"].keys() == {7, 2}
    assert initial.names == {7: "dog", 1: "bike"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (single([3, 4, 1], [30, 4, 1]), r"inside 30x20, found \(30, 4\)"),
        (single([3, 4, 1], [3, 20, 0]), r"inside 30x20, found \(3, 20\)"),
        (single([-1, 4, 1]), r"inside 30x20, found \(-1, 4\)"),
        (single([3, 4, 1], [3, 4, 1]), r"every point once, found \(3, 4\) twice"),
        (single([3, 4, 1], [3, 4, 0]), r"every point once, found \(3, 4\) twice"),
        (single([3, 4, 0]), r"object 1, frame 00000: expected at least one foreground point"),
        (single(), r"expected at least one foreground point"),
        (single([3, 4, 1], frame="00099"), r"frame: expected a frame of bike .*, found '00099'"),
        (single([3, 4, 1], object_id=0), r"object id 1 \.\. 254"),
        (single([3, 4, 1], object_id=255), r"object id 1 \.\. 254"),
        (single([3, 4, 1], object_id="1"), r"objects\[0\]\.id: expected an integer, found '1'"),
        (single([3, 4, 1], object_id=True), r"objects\[0\]\.id: expected an integer, found True"),
        (single([3, 4, 1], name=5), r"objects\[0\]\.name: expected text, found 5"),
        (single([3, 4]), r"objects\[0\]\.points\[0\]: expected \[x, y, label\]"),
        (single([3.5, 4, 1]), r"points\[0\]: expected \[x, y, label\] with whole pixels"),
        (single([3, 4, 2]), r"points\[0\]: expected \[x, y, label\]"),
        (single([10**40, 4, 1]), r"points\[0\]: expected \[x, y, label\]"),
        ({"objects": []}, r"expected points of an object, found none"),
        ({"objects": [5]}, r"objects\[0\]: expected an object with id, frame and points"),
        ({"objects": [{"id": 1, "frame": "00000"}]}, r"objects\[0\]\.points: expected a list"),
        (
            {"objects": single([3, 4, 1])["objects"] * 2},
            r"object 1, frame 00000: expected the object once a frame, found it twice",
        ),
    ],
)
def test_bad_points_are_named(tmp_path, frames, value, message):
    path = write(tmp_path / "points.json", value)
    with pytest.raises(InputError, match=rf"points\.json: .*{message}") as error:
        read_initial_points(path, frames)
    assert "\n" not in str(error.value)


def test_one_object_may_start_again_on_a_later_frame(tmp_path, frames):
    value = {"objects": [single([3, 4, 1], frame=f)["objects"][0] for f in ("00008", "00002")]}
    assert list(read_initial_points(write(tmp_path / "p.json", value), frames).by_frame) == [
        "00002",
        "00008",
    ]


# ------------------------------------------------------------------ records


def test_records_of_the_video_are_chosen(tmp_path, frames):
    path = write(
        tmp_path / "points.json",
        {
            "bike/1": record(one(), object_id=1),
            "bike/9": record(one(8, 8, "00004"), object_id=9),
            "dog/1": record(one(25, 5), video="dog", object_id=1),
        },
    )
    initial = read_initial_points(path, frames)
    assert list(initial.by_frame) == ["00000", "00004"]
    assert initial.by_frame["00004"][9].pixels().tolist() == [[8, 8]]
    assert initial.names == {1: "rider", 9: "rider"}
    dog = read_initial_points(path, frames, video="dog")
    assert dog.by_frame["00000"][1].pixels().tolist() == [[25, 5]]


def test_the_reference_frame_is_the_first_with_foreground(tmp_path, frames):
    value = record(
        one(1, 1, "00007"), one(2, 2, "00003"), one(3, 3, "00000", "REJECTED"), object_id=4
    )
    initial = read_initial_points(write(tmp_path / "points.json", {"bike/4": value}), frames)
    assert list(initial.by_frame) == ["00003"]


def test_released_records_are_numbered_and_found_by_the_last_part_of_the_name(tmp_path, frames):
    path = tmp_path / "val.jsonl"
    rows = [
        {"hash a": record(one(frame="000002"), video="val/bike")},
        {"hash b": record(one(5, 5, "000002"), video="val/bike", object_name="dog")},
        {"hash c": record(one(), video="val/other")},
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    initial = read_initial_points(path, frames)
    assert initial.by_frame.keys() == {"00002"}  # six digits in the release, five here
    assert initial.by_frame["00002"].keys() == {1, 2}
    assert initial.names == {1: "rider", 2: "dog"}


def test_a_file_of_one_video_needs_no_matching_name(tmp_path, frames):
    path = write(tmp_path / "points.json", {"clip/1": record(one(), video="clip", object_id=1)})
    assert read_initial_points(path, frames).by_frame.keys() == {"00000"}
    with pytest.raises(InputError, match="expected points of video 'bikes', found 1 other videos"):
        read_initial_points(path, frames, video="bikes")


def test_a_video_that_is_not_there_is_named_with_the_nearest(tmp_path, frames):
    value = {f"{name}/1": record(one(), video=name, object_id=1) for name in ("bikes", "dog")}
    message = "expected points of video 'bike', found 2 other videos, nearest: bikes"
    with pytest.raises(InputError, match=message):
        read_initial_points(write(tmp_path / "points.json", value), frames)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (record(one(30, 4)), r"frame 00000: expected points inside 30x20, found \(30, 4\)"),
        (record(one(), one(3, 20, "00005")), r"frame 00005: .* inside 30x20, found \(3, 20\)"),
        (record(one(), one()), r"expected every pixel of a frame once"),
        (record(one(status="REJECTED")), r"expected at least one foreground point"),
        (record(), r"expected at least one foreground point"),
        (record(one(frame="00044")), r"expected a frame of bike .*, found '00044'"),
        (record(one(status="YES")), r"status: expected ACCEPTED"),
    ],
)
def test_bad_records_are_named(tmp_path, frames, value, message):
    with pytest.raises(InputError, match=rf"points\.json: .*{message}"):
        read_initial_points(write(tmp_path / "points.json", {"bike/1": value}), frames)


def test_object_ids_are_given_to_all_or_to_none(tmp_path, frames):
    value = {"a": record(one(), object_id=1), "b": record(one(5, 5))}
    with pytest.raises(InputError, match="expected object_id in all records of bike or in none"):
        read_initial_points(write(tmp_path / "points.json", value), frames)


# ------------------------------------------------------------------ images and settings


def test_a_point_image_belongs_to_the_frame_of_its_name_or_to_the_first(tmp_path, frames):
    points = Points.from_pixels([[3, 4], [9, 9]], [1, 0])
    for name, frame in (("00005", "00005"), ("clicks", "00000")):
        write_point_png(tmp_path / f"{name}.png", points, HEIGHT, WIDTH)
        initial = read_initial_points(tmp_path / f"{name}.png", frames)
        assert initial.by_frame[frame][1].foreground.pixels().tolist() == [[3, 4]]


def test_a_point_image_of_another_size_is_refused(tmp_path, frames):
    write_point_png(tmp_path / "a.png", Points.from_pixels([[3, 4]], [1]), HEIGHT, WIDTH + 1)
    with pytest.raises(InputError, match=r"a\.png: expected an image of 30x20 .*, found 31x20"):
        read_initial_points(tmp_path / "a.png", frames)


def test_other_files_are_refused(tmp_path, frames):
    (tmp_path / "points.txt").write_text("3 4 1")
    with pytest.raises(InputError, match=r"points\.txt: expected points in a \.json"):
        read_initial_points(tmp_path / "points.txt", frames)
    with pytest.raises(FileNotFoundError, match=r"gone\.json"):
        read_initial_points(tmp_path / "gone.json", frames)


def test_settings_with_fewer_points_are_nested(tmp_path, frames):
    points = [[9, 9, 0], *([x, 2, 1] for x in range(10, 0, -1))]
    initial = read_initial_points(write(tmp_path / "points.json", single(*points)), frames)
    chosen = {k: initial.first(k).by_frame["00000"][1] for k in (1, 2, 5, 10, 50)}
    assert chosen[2].pixels().tolist() == [[10, 2], [9, 2]]
    assert [len(points) for points in chosen.values()] == [1, 2, 5, 10, 10]
    assert all((points.labels == 1).all() for points in chosen.values())
