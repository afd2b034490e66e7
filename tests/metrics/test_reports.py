"""Scores as text."""

from __future__ import annotations

import json

import numpy as np
import pytest

from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.reports import davis_csv, davis_csv_names, scores_record, scores_table
from pointvos.metrics.summary import summarise


@pytest.fixture
def scores():
    dog = ObjectScores("dog", 1, ("1", "2"), np.array([1.0, 0.5]), np.array([0.25, 0.75]), 1)
    cat = ObjectScores("a, b", 3, ("1",), np.array([0.0]), np.array([0.0]), 3)
    return summarise([SequenceScores("dog", (dog,), (2,)), SequenceScores("a, b", (cat,), ())])


def test_davis_csv(scores):
    names, texts = davis_csv_names("val"), davis_csv(scores)
    assert names == ("global_results-val.csv", "per-sequence_results-val.csv")
    assert texts.global_results == (
        "J&F-Mean,J-Mean,J-Recall,J-Decay,F-Mean,F-Recall,F-Decay\n"
        "0.312,0.375,0.250,0.250,0.250,0.250,-0.250\n"
    )
    assert texts.per_sequence_results == (
        'Sequence,J-Mean,F-Mean\ndog_1,0.750,0.500\n"a, b_3",0.000,0.000\n'
    )


def test_tables(scores):
    plain = scores_table(scores).splitlines()
    assert plain[0].split("  ")[0] == "object"
    assert " ".join(plain[1].split()) == "dog_1 62.5 75.0 50.0 50.0 50.0 50.0 -50.0 2"
    assert " ".join(plain[-1].split()) == (
        "mean over objects 31.2 37.5 25.0 25.0 25.0 25.0 -25.0 3"
    )
    assert len({len(line) for line in plain}) == 1  # aligned
    markdown = scores_table(scores, markdown=True).splitlines()
    assert len({line.count("|") for line in markdown}) == 1
    assert [cell.strip() for cell in markdown[2].strip("|").split("|")] == plain[1].split()


def test_record_is_json_with_lists_over_frames(scores):
    record = json.loads(json.dumps(scores_record(scores)))
    assert (record["j_mean"], record["f_mean"], record["j_and_f"]) == (0.375, 0.25, 0.3125)
    assert record["unscored_objects"] == [{"sequence": "dog", "object_id": 2}]
    assert record["per_object"][0] == {
        "sequence": "dog",
        "object_id": 1,
        "proposal": 1,
        "j_mean": 0.75,
        "f_mean": 0.5,
        "frames": ["1", "2"],
        "j": [1.0, 0.5],
        "f": [0.25, 0.75],
    }
