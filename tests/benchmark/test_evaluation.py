"""Methods over videos, stopped and taken up again."""

import numpy as np
import pytest

from pointvos.benchmark.baselines import HullBaseline
from pointvos.benchmark.evaluation import Evaluation, evaluate, finished_sequences
from pointvos.benchmark.methods import Method, open_method
from pointvos.benchmark.protocol import BenchmarkProtocol, Run
from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.errors import InputError
from pointvos.core.masks import read_index_png
from pointvos.metrics.rules import DAVIS_WITH_ID_GAPS, YOUTUBE_VOS
from tests.benchmark.coloured_squares import GREEN_COMES_LATE, RED, RED_AND_BLUE, scene

PROTOCOL = BenchmarkProtocol(point_counts=(1, 2), draws=2)
VIDEOS = {"red": RED, "pair": RED_AND_BLUE}


class StoppedError(Exception):
    pass


def stops_on_video(number):
    """A hull baseline whose run is killed when it starts the n-th video."""
    started = []

    def start():
        started.append(1)
        if len(started) > 4 * (number - 1):  # 2 counts x 2 draws a video
            raise StoppedError
        return HullBaseline()

    return Method("hull", start)


def counting_hull():
    started = []

    def start():
        started.append(1)
        return HullBaseline()

    return Method("hull", start), started


@pytest.fixture
def evaluation(tmp_path):
    videos = scene(tmp_path / "davis", VIDEOS)
    return Evaluation(videos=videos, protocol=PROTOCOL, rules=DAVIS_WITH_ID_GAPS)


def flat(scores):
    return [
        (one.method, run, sequence.name, row.object_id, row.frame_names, row.j.tolist())
        for one in scores
        for run, sequences in one.runs.items()
        for sequence in sequences
        for row in sequence.objects
    ]


def test_every_run_scores_every_sequence(tmp_path, evaluation):
    methods = [open_method("nearest_colour"), open_method("hull")]
    colour, hull = evaluate(evaluation, methods, PartialResults(tmp_path / "partial", {}))
    assert (colour.method, hull.method) == ("nearest_colour", "hull")
    for scores in (colour, hull):
        assert set(scores.runs) == {Run(n, draw) for n in ("1", "2") for draw in (0, 1)}
        for sequences in scores.runs.values():
            assert [sequence.name for sequence in sequences] == ["red", "pair"]
    assert all(s.objects[0].j_mean > 0.9 for s in colour.runs[Run("2", 0)][:1])
    assert hull.runs[Run("1", 0)][0].objects[0].j_mean < 0.05  # one pixel


def test_a_stopped_run_goes_on_where_it_was(tmp_path, evaluation):
    folder, settings = tmp_path / "partial", {"seed": 0}
    method, started = counting_hull()
    whole = evaluate(evaluation, [method], PartialResults(tmp_path / "whole", settings))
    assert len(started) == 8

    with pytest.raises(StoppedError):
        evaluate(evaluation, [stops_on_video(2)], PartialResults(folder, settings))
    partial = PartialResults(folder, settings)
    method, started = counting_hull()
    assert finished_sequences(evaluation, [method], partial) == 1
    resumed = evaluate(evaluation, [method], partial)
    assert len(started) == 4
    assert flat(resumed) == flat(whole)
    partial.remove()
    assert not folder.exists()


def test_results_of_other_settings_are_not_taken_up(tmp_path, evaluation):
    folder = tmp_path / "partial"
    with pytest.raises(StoppedError):
        evaluate(evaluation, [stops_on_video(2)], PartialResults(folder, {"seed": 0, "rules": "a"}))
    message = "partial: expected the unfinished results .* seed was 0 and is 1; delete the folder"
    with pytest.raises(InputError, match=message):
        PartialResults(folder, {"seed": 1, "rules": "a"})


def test_damage_in_the_last_video_is_found_before_the_first_run(tmp_path, evaluation):
    frame = tmp_path / "davis" / "JPEGImages" / "480p" / "pair" / "00004.jpg"
    frame.write_bytes(frame.read_bytes()[:-200])
    method, started = counting_hull()
    with pytest.raises(InputError, match=r"pair.00004\.jpg: expected a whole image"):
        evaluate(evaluation, [method], PartialResults(tmp_path / "partial", {}))
    assert started == []
    assert not (tmp_path / "partial").exists()


def test_masks_of_the_first_method_and_draw(tmp_path, evaluation):
    masks = tmp_path / "masks"
    methods = [open_method("nearest_colour"), open_method("hull")]
    evaluate(evaluation, methods, PartialResults(tmp_path / "partial", {}), masks_folder=masks)
    assert sorted(path.name for path in masks.iterdir()) == ["1", "2"]
    assert sorted(path.name for path in (masks / "2").iterdir()) == ["pair", "red"]
    files = sorted((masks / "2" / "red").iterdir())
    assert [path.stem for path in files] == [f"{t:05d}" for t in range(6)]
    saved = read_index_png(files[3])
    assert ((saved == 1) & (RED[3] == 1)).sum() / ((saved == 1) | (RED[3] == 1)).sum() > 0.9


@pytest.mark.parametrize(("rules", "scored"), [(DAVIS_WITH_ID_GAPS, [1]), (YOUTUBE_VOS, [1, 5])])
def test_late_objects_are_followed_and_scored_as_the_rules_say(tmp_path, rules, scored):
    videos = scene(tmp_path / "davis", {"late": GREEN_COMES_LATE})
    evaluation = Evaluation(videos=videos, protocol=BenchmarkProtocol(init="mask"), rules=rules)
    (scores,) = evaluate(
        evaluation,
        [open_method("nearest_colour")],
        PartialResults(tmp_path / "partial", {}),
        masks_folder=tmp_path / "masks",
    )
    (sequence,) = scores.runs[Run("mask", 0)]
    assert [one.object_id for one in sequence.objects] == scored
    assert all(one.j_mean > 0.95 for one in sequence.objects)
    late = read_index_png(tmp_path / "masks" / "mask" / "late" / "00004.png")
    assert set(np.unique(late)) == {0, 1, 5}


def test_probes_survive_a_stop(tmp_path):
    videos = scene(tmp_path / "davis", VIDEOS)
    evaluation = Evaluation(
        videos=videos,
        protocol=BenchmarkProtocol(point_counts=(1, 5)),
        rules=DAVIS_WITH_ID_GAPS,
        probes=("swapped", "background"),
    )
    folder = tmp_path / "partial"
    first = evaluate(evaluation, [open_method("hull")], PartialResults(folder, {}))
    again = evaluate(evaluation, [open_method("hull")], PartialResults(folder, {}))
    assert first[0].probed == again[0].probed
    kinds = {(one.sequence, one.object_id): set(one.scores) for one in first[0].probed}
    assert kinds == {
        ("red", 1): {"own", "background"},
        ("pair", 1): {"own", "swapped", "background"},
        ("pair", 2): {"own", "swapped", "background"},
    }


def test_probes_need_points(tmp_path):
    with pytest.raises(InputError, match="probe: expected none with --init mask"):
        Evaluation(
            videos=[],
            protocol=BenchmarkProtocol(init="mask"),
            rules=DAVIS_WITH_ID_GAPS,
            probes=("missing",),
        )
