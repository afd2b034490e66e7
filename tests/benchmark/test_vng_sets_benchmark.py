"""The corpora that the building of VNG sets is timed on."""

import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from benchmarks.benchmark_vng_sets import BenchmarkSettings, build
from benchmarks.vng_corpus import CAPTIONS, make_track, write_corpus
from pointvos.core.mask_store.reader import MaskStore
from pointvos.formats.point_vos_files import read_records
from pointvos.vidln.reader import NarrativeReader

SETTINGS = BenchmarkSettings(frames=4, points=3, positions=10, height=90, width=160)
VIDEOS = len(CAPTIONS)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("benchmark") / "corpus"
    rng = np.random.default_rng(0)
    tracks = [make_track(rng, SETTINGS) for _ in range(12)]
    write_corpus(root, VIDEOS, tracks, SETTINGS)
    return root


def test_points_and_strokes_lie_on_the_masks(corpus):
    records = read_records(corpus / "points.jsonl")
    store = MaskStore.open(corpus / "masks")
    assert len(records) == 5 * VIDEOS
    assert len(store) == VIDEOS
    for key, record in records.items():
        masks = store.read(record.video_name).objects[key]
        for frame, mask in masks.items():
            points = record.points(frame)
            inside = mask.decode()[tuple(points.pixels().T[::-1])]
            assert inside.tolist() == (points.labels == 1).tolist()
            assert len(points) == (6 if mask.area else 3)
    for narrative in NarrativeReader(corpus / "vidln.jsonl"):
        (actor,) = narrative.actor_narratives
        named = [one for one in records.values() if one.video_name == narrative.video_id]
        assert sorted(actor.caption.count(f" {one.object_name}") > 0 for one in named) == [True] * 5
        assert len(actor.traces) == 5


@pytest.mark.slow
def test_the_tool_links_nearly_all_objects(corpus):
    run = build(corpus, SETTINGS)
    assert 0 < run.before <= run.peak
    assert run.processor > 0
    results = json.loads((corpus / "set/results.json").read_text())
    assert results["records"] == 5 * VIDEOS
    rules = Counter(results["linked_by"])
    assert rules["TEXT"] >= 3 * VIDEOS
    assert rules["TEXT_BY_TRACE"] == 4  # two captions name two objects alike
