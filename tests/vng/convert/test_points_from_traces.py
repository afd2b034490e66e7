"""Records from traces alone, by a backend that needs no weights."""

from pathlib import Path

import pytest

from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel
from pointvos.formats.point_vos import parse_record, record_to_json
from pointvos.pseudomask.grabcut import GrabCut
from pointvos.simulation.point_sets import PointSampling
from pointvos.vidln.narrative_json import parse_narrative
from tests.tiny_datasets import HEIGHT, WIDTH
from tests.tiny_vng_input import masks_of, told_actor, told_video, write_video_frames
from tests.vidln.narratives import actor, point
from vng.convert.points_from_traces import PointsFromTraces


@pytest.fixture
def maker(tmp_path: Path, finder) -> PointsFromTraces:
    write_video_frames(tmp_path, "oops_train/bike")
    sampling = PointSampling(points=5, background_points=4, min_distance=4)
    return PointsFromTraces(tmp_path, GrabCut(side=64, iterations=2), finder, sampling)


def made(maker: PointsFromTraces, *actors, **changed):
    value = told_video("bike", 3, **({"actors": list(actors)} if actors else {}), **changed)
    return list(maker.records(parse_narrative(value, source="test")))


def test_a_record_for_every_noun_with_a_trace(maker):
    dog, ball = made(maker)
    assert [record.object_name for record in (dog, ball)] == ["dog", "ball"]
    for record, number in ((dog, 1), (ball, 5)):
        assert record.video_name == "oops_train/bike"
        assert record.frame_ids == ["00002"]
        points = record.points("00002")
        truth = masks_of("bike")[2] == number
        for label, right in ((PointLabel.FOREGROUND, truth), (PointLabel.BACKGROUND, ~truth)):
            x, y = points.of(label).pixels().T
            assert len(x) >= 3
            assert right[y, x].mean() >= 0.75  # the masks are predicted
        assert record.other["points_verified"] is False
        assert parse_record(record.key, record_to_json(record), source="x") == record
    assert dog.other["noun_span"] == [2, 5]
    assert (dog.other["vidln_id"], dog.other["actor_idx"]) == (3, 0)
    assert dog.key != ball.key
    counts = maker.counts
    assert (counts.nouns, counts.records, counts.without_trace) == (2, 2, 0)


def test_the_same_records_again(maker):
    assert made(maker) == made(maker)


def test_nouns_nobody_pointed_at_are_counted(maker):
    assert made(maker, actor(traces=None), told_actor())[0].other["actor_idx"] == 1
    assert (maker.counts.nouns, maker.counts.without_trace) == (4, 2)


def test_a_trace_that_leaves_the_frame_and_one_of_a_single_position(maker):
    over = [(-0.2, 0.2), (12 / WIDTH, 14 / HEIGHT), (1.3, 0.2)]
    traces = [
        [point(x, y, 500 + place) for place, (x, y) in enumerate(over)],
        [point(44 / WIDTH, 32 / HEIGHT, 2000)],
    ]
    _, ball = made(maker, actor(traces=traces))
    x, y = ball.points("00002").foreground.pixels().T
    assert (masks_of("bike")[2] == 5)[y, x].mean() >= 0.5


@pytest.mark.parametrize(
    ("changed", "where", "why"),
    [
        ({"video_id": "gone"}, "oops_train, narrative 3", "expected frames of oops_train/gone in"),
        (
            {"keyframe_names": ["000077", "000003"]},
            "oops_train, narrative 3, key-frame 000077",
            "expected a frame of oops_train/bike (00000 .. 00005), found none",
        ),
    ],
)
def test_what_cannot_be_used_is_named(maker, changed, where, why):
    assert made(maker, **changed) == []
    ((found, reason),) = maker.counts.left_out.items()
    assert found == where
    assert why in reason


def test_a_damaged_frame_is_named(maker, tmp_path):
    (tmp_path / "oops_train/bike/00002.jpg").write_bytes(b"no picture")
    assert made(maker) == []
    ((_, reason),) = maker.counts.left_out.items()
    assert "00002.jpg" in reason


def test_names_never_lead_out_of_the_folder(maker):
    with pytest.raises(InputError, match="inside the data folder"):
        made(maker, video_id="../secret")
