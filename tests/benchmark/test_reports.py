"""Tables and records of an evaluation."""

import json

import numpy as np
import pytest

from pointvos.benchmark.evaluation import MethodScores
from pointvos.benchmark.probes import ProbedObject
from pointvos.benchmark.protocol import Run
from pointvos.benchmark.reports import Spread, mean_over_draws, report, spreads
from pointvos.metrics.frame_scores import FrameScore
from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.rules import AveragingUnit
from pointvos.metrics.summary import summarise

OBJECT = AveragingUnit.OBJECT


def sequence(name, *values):
    """One object a value, with J on two frames around it and F a tenth below."""
    objects = [
        ObjectScores(name, n, ("1", "2"), np.array([v - 0.1, v + 0.1]), np.array([v - 0.2, v]), n)
        for n, v in enumerate(values, start=1)
    ]
    return SequenceScores(name, tuple(objects), ())


@pytest.fixture
def methods():
    network = MethodScores(
        "network",
        "abc",
        {
            Run("1", 0): [sequence("dog", 0.4), sequence("cats", 0.3, 0.5)],
            Run("10", 0): [sequence("dog", 0.8), sequence("cats", 0.6, 0.7)],
            Run("1", 1): [sequence("dog", 0.6), sequence("cats", 0.5, 0.7)],
            Run("10", 1): [sequence("dog", 0.8), sequence("cats", 0.6, 0.7)],
        },
        [
            ProbedObject("dog", 1, {"own": FrameScore(0.8, 0.6), "missing": FrameScore(0.1, 0.3)}),
            ProbedObject(
                "cats",
                1,
                {
                    "own": FrameScore(0.5, 0.5),
                    "missing": FrameScore(0.0, 0.0),
                    "swapped": FrameScore(0.2, 0.0),
                },
            ),
        ],
    )
    hull = MethodScores(
        "hull",
        "",
        {run: [sequence("dog", 0.2), sequence("cats", 0.2, 0.2)] for run in network.runs},
        [],
    )
    return [network, hull]


def test_spread():
    assert (Spread((50.0,)).std, str(Spread((50.0,)))) == (0.0, "50.0")
    spread = Spread((50.0, 52.0, 54.0))
    assert (spread.mean, spread.std, str(spread)) == (52.0, 2.0, "52.0 ± 2.0")


def test_spreads_by_setting_and_of_the_mean(methods):
    found = spreads(methods[0], OBJECT)
    assert list(found) == ["1", "10", "mean"]
    assert found["1"].draws == pytest.approx((35.0, 55.0))
    assert found["10"].draws == pytest.approx((65.0, 65.0))
    assert found["mean"].draws == pytest.approx((50.0, 60.0))


def test_mean_over_draws_averages_scores_frame_by_frame():
    draws = [summarise([sequence("dog", 0.4)]), summarise([sequence("dog", 0.8)])]
    found = mean_over_draws(draws)
    assert found.j_and_f == pytest.approx(np.mean([one.j_and_f for one in draws]))
    (one,) = found.objects
    assert one.j.tolist() == pytest.approx([0.5, 0.7])
    assert found.j.mean == pytest.approx(one.j_mean)
    assert found.j.recall == np.mean([one.j.recall for one in draws])  # not of the averaged curve
    assert mean_over_draws(draws[:1]) is draws[0]


def test_report(methods):
    found = report(methods, OBJECT)
    record = json.loads(json.dumps(found.record, allow_nan=False))
    assert (record["model"], record["setting"], record["draws"]) == ("network", "10", 2)
    assert record["j_and_f"] == pytest.approx(0.65)
    assert record["by_points"] == pytest.approx({"1": 45.0, "10": 65.0, "mean": 55.0})
    assert [(row["sequence"], row["object_id"]) for row in record["per_object"]] == [
        ("dog", 1),
        ("cats", 1),
        ("cats", 2),
    ]
    network, hull = record["methods"]["network"], record["methods"]["hull"]
    spread = network["spread"]["1"]
    assert spread.pop("draws") == pytest.approx([35.0, 55.0])
    assert spread == pytest.approx({"std": 200**0.5, "min": 35.0, "max": 55.0})
    assert network["by_sequence"]["cats"] == pytest.approx({"1": 45.0, "10": 60.0})
    assert network["probes"]["missing"] == pytest.approx(
        {"objects": 2, "own": 60.0, "probed": 10.0}
    )
    assert network["probes"]["swapped"] == pytest.approx(
        {"objects": 1, "own": 50.0, "probed": 10.0}
    )
    assert network["weights_sha256"] == "abc"
    assert hull["weights_sha256"] is None
    assert "probes" not in hull


def test_tables(methods):
    found = report(methods, OBJECT)
    lines = [" ".join(line.split()) for line in found.summary.splitlines()]
    assert lines[0] == "method 1 point 10 points mean"
    assert lines[1] == "network 45.0 ± 14.1 65.0 ± 0.0 55.0 ± 7.1"
    assert lines[2].startswith("hull 15.0 ± 0.0")
    assert "network, points of another object 1 50.0 10.0" in lines
    assert "network, one far background point 2 60.0 10.0" in lines
    assert "2 draws" in found.page.splitlines()[0]
    assert "| dog " in found.page
