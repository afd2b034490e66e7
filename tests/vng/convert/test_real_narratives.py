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


def test_objects_are_linked_to_the_nouns_they_came_from(built):
    records = read_records(built / "points.jsonl")
    outcome: Counter[str] = Counter()
    for text in (built / "linking.jsonl").read_text(encoding="utf-8").splitlines():
        line = json.loads(text)
        origin = records[line["key"]].other
        if line["rule"] is None:
            outcome[line["reason"]] += 1
            continue
        found = (line["dataset_id"], line["vidln_id"], line["actor"], line["span"])
        names = ("dataset_id", "vidln_id", "actor_idx", "noun_span")
        outcome["right" if found == tuple(origin[name] for name in names) else "wrong"] += 1
    assert outcome.total() == len(records) >= 100  # of 127 nouns, 115 have a trace
    assert outcome["wrong"] <= 3
    assert outcome["right"] >= 0.9 * len(records)


def test_the_set_is_read_back_equal_and_every_object_has_masks(built, tmp_path):
    videos = read_expressions(built / "meta_expressions.json")
    assert len(videos) == 6
    write_expressions(tmp_path / "again.json", videos)
    assert read_expressions(tmp_path / "again.json") == videos
    assert not MaskStore.open(built / "masks").verify()
    opened = VngSet.open(built)
    assert opened.sparse
    for video, _, one in opened:
        masks = opened.masks(video, one.obj_id)
        assert len(masks) == 10
        assert any(mask is not None and mask.area for mask in masks)
    declared = json.loads((built / "set.json").read_text())
    assert declared["points_verified"] is False
    assert declared["counts"]["expressions"] == sum(len(one.expressions) for one in videos)
