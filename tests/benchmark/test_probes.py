"""Telling methods that follow points from methods that follow what is salient."""

import numpy as np
import pytest

from pointvos.benchmark.methods import Method, open_method
from pointvos.benchmark.probes import (
    OWN,
    PROBES,
    ProbeRun,
    check_probes,
    farthest_background,
    probe_runs,
    score_probes,
    summarise_probes,
)
from pointvos.benchmark.protocol import BenchmarkProtocol, draw_points
from pointvos.core.errors import InputError
from pointvos.metrics.rules import DAVIS_WITH_ID_GAPS, YOUTUBE_VOS
from tests.benchmark.coloured_squares import (
    COLOURS,
    GREEN_COMES_LATE,
    RED,
    RED_AND_BLUE,
    scene,
)
from tests.tiny_datasets import square_mask


class Salient:
    """Segments everything red from the frame on which it is given anything."""

    def __init__(self):
        self._object_id = 0

    def step(self, frame, new_objects=None):
        for object_id in new_objects or {}:
            self._object_id = object_id
        red = (frame.astype(int) - COLOURS[1]).__abs__().sum(axis=2) < 60
        return (red * self._object_id).astype(np.uint8)


def probed(video, method, rules=DAVIS_WITH_ID_GAPS):
    (points,) = draw_points(video, BenchmarkProtocol())
    return score_probes(method, video, probe_runs(video, points, PROBES, rules), rules)


@pytest.fixture
def pair(tmp_path):
    (video,) = scene(tmp_path, {"pair": RED_AND_BLUE})
    return video


def test_points_of_each_probe(pair):
    (points,) = draw_points(pair, BenchmarkProtocol())
    runs = probe_runs(pair, points, PROBES, DAVIS_WITH_ID_GAPS)
    assert set(runs) == {ProbeRun(kind, i) for kind in (OWN, *PROBES) for i in (1, 2)}
    mask = RED_AND_BLUE[0]
    for run, given in runs.items():
        assert list(given) == ["00000"]
        (object_id,) = given["00000"]
        assert object_id == run.object_id
        points = given["00000"][object_id]
        assert len(points) == len(points.foreground) > 0
        x, y = points.pixels().T
        shown = {OWN: object_id, "swapped": 3 - object_id, "background": 0, "missing": 0}
        assert (mask[y, x] == shown[run.kind]).all()


def test_a_method_that_follows_the_points(pair):
    objects = probed(pair, open_method("nearest_colour"))
    assert [one.object_id for one in objects] == [1, 2]
    found = summarise_probes(objects)
    assert list(found) == list(PROBES)
    assert all(one.objects == 2 for one in found.values())
    assert found["swapped"].own > 0.9
    assert all(one.probed < 0.1 for one in found.values())


def test_a_method_that_follows_what_is_salient(pair):
    objects = probed(pair, Method("salient", Salient))
    red, blue = objects
    assert all(red.scores[kind].j > 0.95 for kind in (OWN, *PROBES))
    assert all(blue.scores[kind].j < 0.05 for kind in (OWN, *PROBES))
    for summary in summarise_probes(objects).values():
        assert summary.own == summary.probed == pytest.approx(0.5, abs=0.05)


def test_a_single_object_has_no_other_points(tmp_path):
    (video,) = scene(tmp_path, {"red": RED})
    (one,) = probed(video, open_method("nearest_colour"))
    assert set(one.scores) == {OWN, "background", "missing"}
    assert set(summarise_probes([one])) == {"background", "missing"}


def test_late_objects_are_probed_where_they_are_scored(tmp_path):
    (video,) = scene(tmp_path, {"late": GREEN_COMES_LATE})
    assert [one.object_id for one in probed(video, open_method("nearest_colour"))] == [1]
    objects = probed(video, open_method("nearest_colour"), YOUTUBE_VOS)
    assert [one.object_id for one in objects] == [1, 5]
    assert all("swapped" not in one.scores for one in objects)  # they start on different frames
    assert all(one.scores[OWN].j > 0.9 for one in objects)


def test_an_object_without_a_scored_frame_is_left_out(tmp_path):
    masks = [*RED[:-1], square_mask({1: (19, 5, 7), 2: (40, 30, 7)})]
    (video,) = scene(tmp_path, {"last": masks})
    objects = probed(video, open_method("hull"), YOUTUBE_VOS)
    assert [one.object_id for one in objects] == [1]


def test_farthest_background():
    points = farthest_background(square_mask({1: (0, 0, 40), 2: (50, 0, 4)}))
    assert points.pixels().tolist() == [[63, 47]]
    assert len(points.foreground) == 1
    assert len(farthest_background(np.ones((8, 8), np.uint8))) == 0


def test_a_probe_that_fits_nothing_is_refused(tmp_path):
    (video,) = scene(tmp_path, {"red": RED})
    (points,) = draw_points(video, BenchmarkProtocol())
    runs = probe_runs(video, points, PROBES, DAVIS_WITH_ID_GAPS)
    check_probes([runs], ["background", "missing"])
    with pytest.raises(InputError, match=r"probe swapped: .* no frame shows two new objects"):
        check_probes([runs], ["background", "swapped"])
