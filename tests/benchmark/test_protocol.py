"""Which points start which run."""

import numpy as np
import pytest

from pointvos.benchmark.protocol import (
    BenchmarkProtocol,
    Run,
    draw_points,
    points_from_file,
    runs_of_video,
    scoring_rules,
)
from pointvos.core.errors import InputError
from pointvos.formats.point_vos_files import write_records
from pointvos.metrics.rules import DAVIS_2016, DAVIS_WITH_ID_GAPS, YOUTUBE_VOS
from pointvos.simulation.point_sets import PointSampling, benchmark_records
from tests.benchmark.coloured_squares import GREEN_COMES_LATE, RED, RED_AND_BLUE, scene

PROTOCOL = BenchmarkProtocol(point_counts=(1, 2, 3), draws=2, seed=4)


@pytest.fixture
def late(tmp_path):
    (video,) = scene(tmp_path, {"late": GREEN_COMES_LATE})
    return video


def test_points_are_nested_on_the_object_and_where_it_first_appears(tmp_path):
    big = [np.kron(mask, np.ones((4, 4), np.uint8)) for mask in GREEN_COMES_LATE]
    (video,) = scene(tmp_path, {"late": big})
    runs = runs_of_video(video, draw_points(video, PROTOCOL), PROTOCOL)

    assert list(runs) == [Run(n, draw) for draw in (0, 1) for n in ("1", "2", "3")]
    for run, given in runs.items():
        assert {frame: list(objects) for frame, objects in given.items()} == {
            "00000": [1],
            "00002": [5],
        }
        for frame, objects in given.items():
            for object_id, points in objects.items():
                x, y = points.pixels().T
                assert (video.read_mask(frame)[y, x] == object_id).all()
                assert len(points) == len(points.foreground) == int(run.setting)
                three = runs[Run("3", run.draw)][frame][object_id]
                np.testing.assert_array_equal(three.xy[: len(points)], points.xy)
    first, second = (runs[Run("3", draw)]["00000"][1].xy for draw in (0, 1))
    assert not np.array_equal(first, second)


def test_draws_take_consecutive_seeds(late):
    one = BenchmarkProtocol(point_counts=(1, 2, 3), seed=5)
    (alone,) = draw_points(late, one)
    second = draw_points(late, PROTOCOL)[1]
    np.testing.assert_array_equal(second.by_frame["00000"][1].xy, alone.by_frame["00000"][1].xy)


def test_a_small_object_starts_with_the_points_it_has(late):
    points = draw_points(late, PROTOCOL)  # 7 x 7 pixels hold one, at 20 pixels apart
    runs = runs_of_video(late, points, PROTOCOL)
    assert len(runs[Run("3", 0)]["00000"][1]) == len(points[0].by_frame["00000"][1].foreground) < 3


def test_masks_start_objects_where_they_first_appear(late):
    runs = runs_of_video(late, [], BenchmarkProtocol(init="mask"))
    assert list(runs) == [Run("mask", 0)]
    given = runs[Run("mask", 0)]
    assert {frame: list(objects) for frame, objects in given.items()} == {
        "00000": [1],
        "00002": [5],
    }
    np.testing.assert_array_equal(given["00002"][5], GREEN_COMES_LATE[2] == 5)


def test_settings():
    assert BenchmarkProtocol().settings == ("1", "2", "5", "10")
    assert BenchmarkProtocol(init="mask").settings == ("mask",)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"point_counts": ()}, r"point_counts: expected ascending numbers >= 1, found \(\)"),
        ({"point_counts": (0, 1)}, r"found \(0, 1\)"),
        ({"point_counts": (2, 1)}, r"found \(2, 1\)"),
        ({"draws": 0}, "expected draws >= 1 and seed >= 0, found 0 and 0"),
        ({"seed": -1}, "found 1 and -1"),
        ({"init": "mask", "draws": 3}, "draws: expected 1 with --init mask, found 3"),
    ],
)
def test_refuses(wrong, message):
    with pytest.raises(InputError, match=message):
        BenchmarkProtocol(**wrong)


def test_rules_by_name():
    assert scoring_rules("auto", "davis") is DAVIS_WITH_ID_GAPS
    assert scoring_rules("auto", "youtube_vos") is YOUTUBE_VOS
    assert scoring_rules("davis_2016", "youtube_vos") is DAVIS_2016
    with pytest.raises(InputError, match=r"rules: expected auto, davis, .*, found 'davis16'"):
        scoring_rules("davis16", "davis")
    with pytest.raises(InputError, match=r"for dataset 'other', found auto, which knows davis"):
        scoring_rules("auto", "other")


def records_file(path, videos):
    write_records(path, [r for video in videos for r in benchmark_records(video, PointSampling())])
    return path


@pytest.mark.parametrize("count", [1, 2])
def test_points_from_a_file_are_those_it_was_made_of(tmp_path, count):
    videos = scene(tmp_path, {"red": RED, "pair": RED_AND_BLUE})[-count:]
    found = points_from_file(records_file(tmp_path / "points.json", videos), videos)
    assert list(found) == [video.name for video in videos]
    for video in videos:
        (drawn,) = draw_points(video, BenchmarkProtocol())
        (points,) = found[video.name]
        assert points.by_frame.keys() == drawn.by_frame.keys()
        for object_id, expected in drawn.by_frame["00000"].items():
            np.testing.assert_array_equal(points.by_frame["00000"][object_id].xy, expected.xy)


def test_a_file_must_have_every_video_and_object(tmp_path):
    red, pair = scene(tmp_path, {"red": RED, "pair": RED_AND_BLUE})
    file = records_file(tmp_path / "points.json", [red])
    with pytest.raises(InputError, match=r"points\.json: expected points of video 'pair'"):
        points_from_file(file, [red, pair])
    write_records(file, benchmark_records(pair, PointSampling())[:1])
    with pytest.raises(InputError, match=r"pair: expected points of the objects \[1, 2\].*\[1\]"):
        points_from_file(file, [pair])
