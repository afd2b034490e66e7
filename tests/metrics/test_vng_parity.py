"""The numbers that the official VNG evaluator gave, from its files with the rules of the preset."""

from __future__ import annotations

import json
from pathlib import PurePosixPath

import pytest

from pointvos.core.masks import decode_rle, read_binary_png
from pointvos.metrics.rules import VNG
from pointvos.metrics.sequence import score_sequence
from pointvos.metrics.summary import summarise

pytestmark = [pytest.mark.parity, pytest.mark.data]

TOLERANCE = 1e-9


def annotations(folder):
    """{object id: [(frame, bool mask or None)]} of both mask files; the first of an id wins."""
    tracks = {}
    for name in ("orig_masks.json", "extra_masks.json"):
        content = json.loads((folder / name).read_text())
        videos = {video["id"]: video for video in content["videos"]}
        for record in content["annotations"]:
            frames = [PurePosixPath(path).stem for path in videos[record["video_id"]]["file_names"]]
            masks = [rle and decode_rle(rle) for rle in record["segmentations"]]
            tracks.setdefault(record["id"], list(zip(frames, masks, strict=True)))
    return tracks


@pytest.mark.parametrize("name", ["vng_eval", "vng_eval_uvo"])
def test_official_vng_scores(golden_dir, name):
    folder = golden_dir / name
    expected = json.loads((folder / "expected.json").read_text())
    videos = json.loads((folder / "meta_expressions.json").read_text())["videos"]
    tracks = annotations(folder)
    found = {}
    for video, content in videos.items():
        for expression, record in content["expressions"].items():
            results = folder / "results" / video / expression
            frames = (
                (frame, mask, None if mask is None else read_binary_png(results / f"{frame}.png"))
                for frame, mask in tracks[record["obj_id"]]
            )
            found[video, expression] = score_sequence(VNG, frames, f"{video}/{expression}")
    for key, metric in (("J_per_expression", "j_mean"), ("F_per_expression", "f_mean")):
        recorded = expected[key]
        if name == "vng_eval_uvo":  # recorded without its only video
            recorded = {"vidU": recorded}
        assert {
            (video, expression): getattr(scores.objects[0], metric)
            for (video, expression), scores in found.items()
        } == pytest.approx(
            {
                (video, expression): value
                for video, values in recorded.items()
                for expression, value in values.items()
            },
            abs=TOLERANCE,
        )
    scores = summarise(found.values(), VNG.averaging)
    assert (scores.j.mean, scores.f.mean, scores.j_and_f) == pytest.approx(
        (expected["J"], expected["F"], expected["J&F"]), abs=TOLERANCE
    )
