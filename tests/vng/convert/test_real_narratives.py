"""The six videos of the sample of VidLN: their nouns as objects, linked back to themselves.

GrabCut makes the masks, which needs no weights and takes seconds; the numbers of the interactive
segmenter stand in docs/vng_sets.md.
"""

import json
from collections import Counter
from pathlib import Path

import pytest

from pointvos.core.command_line import run_tool
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.points import PointLabel
from pointvos.formats.point_vos_files import read_records
from tools.build_vng_sets import main
from vng.convert.settings import VngSetSettings
from vng.data.expressions import read_expressions, write_expressions
from vng.data.vng_set import VngSet

pytestmark = [pytest.mark.data, pytest.mark.slow]


@pytest.fixture(scope="module")
def built(data_dir: Path, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    (folder / "backend.yaml").write_text("kind: grabcut\nside: 160\niterations: 1\n")
    run_tool(
        main,
        VngSetSettings,
        "",
        [
            *("--narratives", str(data_dir / "vidln/vidlns/sample_combined.jsonl")),
            *("--frames", str(data_dir / "vidln/frames"), "--points_from_traces", "true"),
            *("--backend", str(folder / "backend.yaml"), "--output", str(folder / "out")),
        ],
    )
    return folder / "out"


def test_every_noun_becomes_an_object_or_is_accounted_for(built):
    counts = json.loads((built / "trace_counts.json").read_text())
    assert counts == {
        "videos": 6,
        "nouns": 127,
        "without_trace": 7,
        "stop_nouns": 16,
        "empty_masks": 0,
        "records": 104,
        "left_out": {},
    }
    records = read_records(built / "points.jsonl")
    assert len(records) == 104
    for record in records.values():
        (frame,) = record.frame_ids  # the key-frame on which the trace has the largest area
        labels = record.points(frame).labels.tolist()
        assert 1 <= labels.count(PointLabel.FOREGROUND) <= 10
        assert labels.count(PointLabel.BACKGROUND) == 10


def test_objects_are_linked_to_the_nouns_they_came_from(built):
    records = read_records(built / "points.jsonl")
    outcome: Counter[str] = Counter()
    rules: Counter[str] = Counter()
    for text in (built / "linking.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        origin = records[line["key"]].other
        if line["rule"] is None:
            outcome[line["reason"]] += 1
            continue
        rules[line["rule"]] += 1
        found = (line["dataset_id"], line["vidln_id"], line["actor"], line["span"])
        names = ("dataset_id", "vidln_id", "actor_idx", "noun_span")
        right = found == tuple(origin[name] for name in names)
        outcome["right" if right else "wrong"] += 1
        # A noun that is said once is found by its text, whatever the mask.
        assert right or line["rule"] == "TEXT_BY_TRACE"
        assert line["noun"].casefold() == records[line["key"]].object_name.casefold()
    # The names are nouns of the captions, so nothing is left to rules by dictionary form or head.
    assert set(rules) == {"TEXT", "TEXT_BY_TRACE"}
    assert rules["TEXT"] == 49
    assert outcome.total() == 104
    assert outcome["right"] >= 101
    assert outcome["wrong"] <= 1
    assert outcome["AMBIGUOUS"] <= 2
    assert set(outcome) <= {"right", "wrong", "AMBIGUOUS"}


def test_the_set_is_read_back_equal_and_every_object_has_its_mask(built, tmp_path):
    videos = read_expressions(built / "meta_expressions.json")
    assert len(videos) == 6
    assert sum(len(one.narratives) for one in videos) == 22  # every caption of the sample
    write_expressions(tmp_path / "again.json", videos)
    assert read_expressions(tmp_path / "again.json") == videos
    assert not MaskStore.open(built / "masks").verify()
    records = read_records(built / "points.jsonl")
    opened = VngSet.open(built)
    assert opened.sparse
    objects = 0
    for video, _, one in opened:
        masks = opened.masks(video, one.obj_id)
        assert len(masks) == len(video.frames) == 10
        record = records[one.other["point_vos_key"]]
        (frame,) = record.frame_ids
        known = {name: mask for name, mask in zip(video.frames, masks, strict=True) if mask}
        assert list(known) == [frame]
        points = record.points(frame)
        inside = known[frame].decode()[tuple(points.pixels().T[::-1])]
        assert inside.tolist() == (points.labels == PointLabel.FOREGROUND).tolist()
        objects += 1
    declared = json.loads((built / "set.json").read_text())
    assert declared["points_verified"] is False
    assert declared["counts"]["expressions"] == declared["counts"]["masks"] == objects
    assert objects >= 102  # all of the 104 but the ambiguous ones
