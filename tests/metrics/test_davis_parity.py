"""Every number that davis2017-evaluation gave on recorded masks."""

from __future__ import annotations

import csv
import io
import json
import zlib

import numpy as np
import pytest

from pointvos.core.masks import read_index_png
from pointvos.metrics.boundary import boundary_map, boundary_radius
from pointvos.metrics.frame_scores import boundary_accuracy, region_similarity, score_frame
from pointvos.metrics.frame_statistics import frame_statistics
from pointvos.metrics.reports import GLOBAL_COLUMNS, davis_csv
from pointvos.metrics.rules import DAVIS_SEMI_SUPERVISED, DAVIS_UNSUPERVISED, DAVIS_WITH_ID_GAPS
from pointvos.metrics.sequence import SequenceScorer
from pointvos.metrics.summary import summarise

pytestmark = [pytest.mark.parity, pytest.mark.data]

TOLERANCE = 1e-9
SEED = 0
MAX_BINNED = 255  # from 256 frames on the official decay is lost in an overflow


@pytest.fixture(scope="module")
def davis_eval(golden_dir):
    return golden_dir / "davis_eval"


def score_tree(root, annotations, rules):
    names = (root / "DAVIS" / "ImageSets" / "2017" / "val.txt").read_text().split()
    sequences = []
    for name in names:
        scorer = SequenceScorer(rules, name)
        for path in sorted((root / "DAVIS" / annotations / "480p" / name).glob("*.png")):
            prediction = read_index_png(root / "results" / name / path.name)
            scorer.add(path.stem, read_index_png(path), prediction)
        sequences.append(scorer.result())
    return summarise(sequences, rules.averaging)


@pytest.mark.parametrize(
    ("task", "annotations", "rules"),
    [
        ("semi-supervised", "Annotations", DAVIS_SEMI_SUPERVISED),
        ("semi-supervised", "Annotations", DAVIS_WITH_ID_GAPS),  # there are no gaps in DAVIS
        ("unsupervised", "Annotations_unsupervised", DAVIS_UNSUPERVISED),
    ],
)
def test_both_tasks(davis_eval, task, annotations, rules):
    expected = json.loads((davis_eval / "expected.json").read_text())[task]
    scores = score_tree(davis_eval, annotations, rules)
    found = {f"{row.sequence}_{row.object_id}": row for row in scores.objects}
    assert set(found) == set(expected["per_object"])
    for key, row in found.items():
        recorded = expected["per_object"][key]
        assert row.j == pytest.approx(recorded["J_per_frame"], abs=TOLERANCE)
        assert row.f == pytest.approx(recorded["F_per_frame"], abs=TOLERANCE)
        assert row.j_statistics._asdict() == pytest.approx(recorded["J"], abs=TOLERANCE)
        assert row.f_statistics._asdict() == pytest.approx(recorded["F"], abs=TOLERANCE)
    overall = dict(zip(GLOBAL_COLUMNS, (scores.j_and_f, *scores.j, *scores.f), strict=True))
    assert overall == pytest.approx(expected["global"], abs=TOLERANCE)
    (line,) = csv.DictReader(io.StringIO(davis_csv(scores).global_results))
    assert line == {key: f"{value:.3f}" for key, value in expected["global"].items()}


def test_single_frames(davis_eval):
    with np.load(davis_eval / "frame_cases.npz") as cases:
        recorded = {key: cases[key] for key in cases.files}
    assert len(recorded["names"]) == 15
    assert boundary_radius(*recorded["gt"].shape[1:]) == recorded["bound_pix"]
    for case, name in enumerate(recorded["names"]):
        truth, prediction, void = (recorded[key][case] for key in ("gt", "pred", "void"))
        found = {
            "J": region_similarity(prediction, truth),
            "F": boundary_accuracy(prediction, truth),
            "J_void": region_similarity(prediction, truth, void),
            "F_void": boundary_accuracy(prediction, truth, void),
        }
        expected = {key: recorded[key][case] for key in found}
        assert found == pytest.approx(expected, abs=TOLERANCE), name
        assert score_frame(prediction, truth, void) == (found["J_void"], found["F_void"]), name
        np.testing.assert_array_equal(
            boundary_map(truth), recorded["boundary_of_gt"][case], err_msg=name
        )


def test_statistics(davis_eval):
    recorded = json.loads((davis_eval / "statistics.json").read_text())["mean_recall_decay"]
    lengths = [int(key) for key in recorded if key.isdigit()]
    assert lengths == [3, 4, 5, 10, 67, 255, 256, 257, 300, 600]
    for length in lengths:
        rng = np.random.default_rng(zlib.crc32(f"stat{length}".encode()) + SEED)
        found = frame_statistics(rng.random(length))
        mean, recall, decay = recorded[str(length)]
        assert (found.mean, found.recall) == pytest.approx((mean, recall), abs=TOLERANCE)
        if length <= MAX_BINNED:
            assert found.decay == pytest.approx(decay, abs=TOLERANCE)
        else:
            assert decay == "nan"
            assert abs(found.decay) < 1
