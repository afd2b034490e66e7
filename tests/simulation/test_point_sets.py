"""Point sets drawn from whole videos."""

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel
from pointvos.formats.davis import read_davis
from pointvos.formats.initial_points import initial_points_of
from pointvos.formats.open_dataset import open_dataset
from pointvos.simulation.point_counts import PointCounts
from pointvos.simulation.point_sets import (
    BACKGROUND,
    PointSampling,
    benchmark_records,
    choose_frames,
    sample_frame,
    training_records,
)
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask, two_objects, write_davis

RULE = PointSampling(min_distance=4)


@pytest.fixture
def video(tmp_path):
    return read_davis(write_davis(tmp_path, {"bike": two_objects(12)}), "train")[0]


def test_a_frame_gets_points_of_each_object_and_of_the_background():
    mask = square_mask({1: (2, 5, 20), 5: (35, 20, 18)})
    mask[:, -6:] = 255  # void gets no points
    drawn = sample_frame(mask, RULE, video="bike", frame="00000")
    assert drawn.keys() == {BACKGROUND, 1, 5}
    for object_id, pixels in drawn.items():
        assert len(pixels) == 10
        assert (mask[pixels[:, 1], pixels[:, 0]] == object_id).all()


def test_a_draw_depends_on_seed_video_frame_and_object_and_on_nothing_else():
    mask = square_mask({1: (2, 5, 20), 5: (35, 20, 18)})
    drawn = sample_frame(mask, RULE, video="bike", frame="00000")
    without_5 = np.where(mask == 5, 0, mask).astype(np.uint8)
    alone = sample_frame(without_5, RULE, video="bike", frame="00000")
    assert np.array_equal(drawn[1], alone[1])
    for other in (
        sample_frame(mask, RULE, video="bik", frame="00000"),
        sample_frame(mask, RULE, video="bike", frame="00001"),
        sample_frame(mask, PointSampling(min_distance=4, seed=1), video="bike", frame="00000"),
    ):
        assert not np.array_equal(drawn[1], other[1])


def test_farthest_points_can_be_asked_for():
    mask = square_mask({1: (2, 5, 21)})
    rule = PointSampling(sampling="farthest", min_distance=4)
    drawn = sample_frame(mask, rule, video="bike", frame="00000")
    assert drawn[1][0].tolist() == [12, 15]
    again = sample_frame(
        mask, PointSampling(sampling="farthest", min_distance=4, seed=9), video="", frame=""
    )
    assert np.array_equal(drawn[1], again[1])


def test_training_records_share_the_background_points(video):
    first, late = training_records(video, RULE, frames=4)
    assert (first.key, late.key) == ("bike/1", "bike/5")
    assert (first.object_id, late.object_id, late.video_name) == (1, 5, "bike")
    assert first.frame_ids == late.frame_ids == ["00000", "00004", "00007", "00011"]
    for frame in first.frame_ids:
        shared = first.points(frame).background.pixels()
        assert len(shared) == 10
        assert np.array_equal(shared, late.points(frame).background.pixels())
        mask = video.read_mask(frame)
        for record in (first, late):
            on = record.points(frame).foreground.pixels()
            assert len(on) == (10 if (mask == record.object_id).any() else 0)
            assert (mask[on[:, 1], on[:, 0]] == record.object_id).all()
        assert (mask[shared[:, 1], shared[:, 0]] == 0).all()


def test_frames_without_any_object_are_replaced(tmp_path):
    masks = [
        np.zeros((HEIGHT, WIDTH), np.uint8) if index in (0, 9) else mask
        for index, mask in enumerate(two_objects(10))
    ]
    video = read_davis(write_davis(tmp_path, {"surf": masks}), "train")[0]
    chosen = choose_frames(video, 4)
    assert list(chosen) == ["00001", "00003", "00006", "00008"]
    assert all(mask.any() for mask in chosen.values())
    random = choose_frames(video, 8, choice="random", seed=3)
    assert list(random) == [f"{index:05d}" for index in range(1, 9)]


def test_random_frames_depend_on_the_seed(video):
    drawn = {tuple(choose_frames(video, 3, choice="random", seed=seed)) for seed in range(8)}
    assert len(drawn) > 3
    assert list(choose_frames(video, 100)) == list(video.annotated)


def test_benchmark_records_start_where_an_object_appears(video):
    first, late = benchmark_records(video, RULE)
    assert (first.frame_ids, late.frame_ids) == (["00000"], ["00002"])
    assert first.points("00000").labels.tolist() == [PointLabel.FOREGROUND] * 10 + [0] * 10
    assert len(late.points("00002").background) == 10


def test_benchmark_settings_are_nested_and_in_random_order(video):
    initial = initial_points_of(benchmark_records(video, RULE), video.frames, source="memory")
    ten = initial.first(10).by_frame["00000"][1].pixels()
    assert len(ten) == 10
    for count in (1, 2, 5):
        few = initial.first(count).by_frame["00000"][1].pixels()
        assert np.array_equal(few, ten[:count])
    reading_order = ten[np.lexsort((ten[:, 0], ten[:, 1]))]
    assert not np.array_equal(ten, reading_order)


def test_categories_name_the_objects(video):
    video.categories[5] = "ball"
    assert [record.object_name for record in benchmark_records(video, RULE)] == ["object 1", "ball"]


def test_a_video_of_empty_masks_is_refused(tmp_path):
    masks = [np.zeros((HEIGHT, WIDTH), np.uint8)] * 3
    video = read_davis(write_davis(tmp_path, {"void": masks}), "train")[0]
    for draw in (training_records, benchmark_records):
        with pytest.raises(InputError, match="void: expected masks that show an object"):
            draw(video, RULE)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"points": 0}, "points: expected points >= 1"),
        ({"background_points": -1}, "background_points >= 0"),
        ({"min_distance": -1.0}, "min_distance: expected pixels >= 0, found -1.0"),
        ({"min_distance": float("nan")}, "min_distance: expected pixels >= 0"),
        ({"seed": -1}, "seed: expected an integer >= 0"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings, message):
    with pytest.raises(InputError, match=message):
        PointSampling(**settings)


def test_no_frames_cannot_be_chosen(video):
    with pytest.raises(InputError, match="frames: expected at least 1, found 0"):
        choose_frames(video, 0)


def test_counts_are_those_of_the_papers_table(video):
    counts = PointCounts()
    counts.add_video(training_records(video, RULE, frames=4))
    assert counts == PointCounts(
        videos=1, objects=2, frames=4, object_frames=6, positive=60, negative=40
    )
    assert "object-frames" in counts.table()
    counts.add_video([])
    assert counts.videos == 1


@pytest.mark.data
def test_davis_train_gives_what_the_paper_counts(data_dir):
    """30 of the paper's 60 videos: 10 frames each, and 10 background points on every one."""
    counts = PointCounts()
    for video in read_davis(data_dir / "davis16", "train"):
        records = training_records(video, PointSampling())
        counts.add_video(records)
        for record in records:
            for points in record.by_frame().values():
                assert points.inside(video.frames.height, video.frames.width).all()
    assert (counts.videos, counts.objects, counts.frames) == (30, 30, 300)
    assert counts.negative == 3000
    assert 2900 < counts.positive <= 3000


@pytest.mark.data
def test_objects_of_youtube_vos_start_where_they_appear(data_dir):
    for video in open_dataset("youtube_vos", data_dir / "ytvos_demo", "train"):
        records = benchmark_records(video, PointSampling())
        assert [record.object_id for record in records] == video.object_ids()
        for record in records:
            (frame,) = record.frame_ids
            pixels = record.points(frame).foreground.pixels()
            assert (video.read_mask(frame)[pixels[:, 1], pixels[:, 0]] == record.object_id).all()
            gaps = np.linalg.norm(pixels[:, None] - pixels[None], axis=-1)
            assert gaps[~np.eye(len(pixels), dtype=bool)].min(initial=20.0) >= 20.0
