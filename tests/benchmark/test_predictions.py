"""Scoring folders of predicted masks."""

import numpy as np
import pytest
from PIL import Image

from pointvos.benchmark.predictions import score_predictions
from pointvos.core.errors import InputError
from pointvos.core.masks import write_index_png
from pointvos.formats.davis import read_davis
from pointvos.metrics.rules import DAVIS_2016, DAVIS_WITH_ID_GAPS, YOUTUBE_VOS
from pointvos.metrics.sequence import score_sequence
from tests.benchmark.coloured_squares import (
    GREEN_COMES_LATE,
    RED,
    RED_AND_BLUE,
    shifted,
    write_predictions,
    write_scene,
)

VIDEOS = {"red": RED, "pair": RED_AND_BLUE}


@pytest.fixture
def videos(tmp_path):
    return read_davis(write_scene(tmp_path / "davis", VIDEOS), "val", masks_only=True)


def test_perfect_predictions(tmp_path, videos):
    folder = write_predictions(tmp_path / "masks", VIDEOS)
    found = score_predictions(videos, folder, DAVIS_WITH_ID_GAPS)
    objects = [(one.sequence, one.object_id) for s in found.sequences for one in s.objects]
    assert objects == [("red", 1), ("pair", 1), ("pair", 2)]
    for sequence in found.sequences:
        for one in sequence.objects:
            assert one.frame_names == ("00001", "00002", "00003", "00004")
            assert one.j.tolist() == one.f.tolist() == [1.0] * 4
    assert (found.extra_frames, found.extra_sequences) == (0, 0)


def test_shifted_predictions_score_as_the_metric_says(tmp_path, videos):
    moved = {name: shifted(masks) for name, masks in VIDEOS.items()}
    folder = write_predictions(tmp_path / "masks", moved)
    found = score_predictions(videos, folder, DAVIS_WITH_ID_GAPS)
    for sequence in found.sequences:
        pairs = zip(VIDEOS[sequence.name], moved[sequence.name], strict=True)
        frames = [(f"{t:05d}", truth, predicted) for t, (truth, predicted) in enumerate(pairs)]
        expected = score_sequence(DAVIS_WITH_ID_GAPS, frames, sequence.name)
        for ours, theirs in zip(sequence.objects, expected.objects, strict=True):
            assert 0 < ours.j_mean < 1
            np.testing.assert_array_equal(ours.j, theirs.j)
            np.testing.assert_array_equal(ours.f, theirs.f)
    red = found.sequences[0].objects[0]
    np.testing.assert_allclose(red.j, (7 - 2) / (7 + 2))  # a square of 7 moved by 2


def test_what_has_no_ground_truth_is_ignored_and_counted(tmp_path, videos):
    folder = write_predictions(tmp_path / "masks", {**VIDEOS, "another": RED})
    write_index_png(folder / "red" / "00099.png", RED[0])
    (folder / "red" / "notes.txt").write_text("no mask")
    found = score_predictions(videos, folder, DAVIS_WITH_ID_GAPS)
    assert (found.extra_frames, found.extra_sequences) == (1, 1)
    assert all(one.j_mean == 1 for s in found.sequences for one in s.objects)


def test_frames_without_ground_truth_are_not_scored(tmp_path):
    root = write_scene(tmp_path / "davis", {"red": RED})
    for odd in ("00001", "00003", "00005"):
        (root / "Annotations" / "480p" / "red" / f"{odd}.png").unlink()
    videos = read_davis(root, "val", masks_only=True)
    folder = write_predictions(tmp_path / "masks", {"red": RED})
    found = score_predictions(videos, folder, DAVIS_WITH_ID_GAPS)
    assert found.sequences[0].objects[0].frame_names == ("00002",)
    assert found.extra_frames == 3


def test_predictions_that_no_rule_looks_at_may_be_missing(tmp_path, videos):
    folder = write_predictions(tmp_path / "masks", VIDEOS)
    for name in ("00000.png", "00005.png"):
        (folder / "red" / name).unlink()
    assert len(score_predictions(videos, folder, DAVIS_WITH_ID_GAPS).sequences) == 2
    with pytest.raises(FileNotFoundError, match=r"red.00005\.png: expected a predicted mask"):
        score_predictions(videos, folder, YOUTUBE_VOS)


def test_youtube_vos_scores_objects_after_they_appear(tmp_path):
    root = write_scene(tmp_path / "davis", {"late": GREEN_COMES_LATE})
    videos = read_davis(root, "val", masks_only=True)
    folder = write_predictions(tmp_path / "masks", {"late": GREEN_COMES_LATE})
    (scores,) = score_predictions(videos, folder, YOUTUBE_VOS).sequences
    frames = {one.object_id: one.frame_names for one in scores.objects}
    assert frames == {
        1: ("00001", "00002", "00003", "00004", "00005"),
        5: ("00003", "00004", "00005"),
    }


@pytest.mark.parametrize("mode", ["P", "L", "1", "RGB"])
def test_davis_2016_takes_any_image_of_one_foreground(tmp_path, mode):
    root = write_scene(tmp_path / "davis", {"red": RED}, year="2016")
    videos = read_davis(root, "val", masks_only=True)
    (tmp_path / "masks" / "red").mkdir(parents=True)
    for index, mask in enumerate(RED):
        image = Image.fromarray(mask * np.uint8(255)).convert(mode)
        image.save(tmp_path / "masks" / "red" / f"{index:05d}.png")
    (scores,) = score_predictions(videos, tmp_path / "masks", DAVIS_2016).sequences
    assert scores.objects[0].j_mean == scores.objects[0].f_mean == 1.0


def test_grey_0_255_masks_are_those_of_davis_2016(tmp_path):
    grey = [mask * np.uint8(255) for mask in RED]
    for year in ("2016", "2017"):
        root = write_scene(tmp_path / year, {"red": RED}, year=year)
        videos = read_davis(root, "val", masks_only=True)
        folder = tmp_path / year / "masks"
        (folder / "red").mkdir(parents=True)
        for index, mask in enumerate(grey):
            Image.fromarray(mask).save(folder / "red" / f"{index:05d}.png")
        if year == "2016":
            (scores,) = score_predictions(videos, folder, DAVIS_WITH_ID_GAPS).sequences
            assert scores.objects[0].j_mean == 1.0
        else:
            with pytest.raises(InputError, match=r"00000\.png: expected a palette PNG"):
                score_predictions(videos, folder, DAVIS_WITH_ID_GAPS)


def test_missing_folders(tmp_path, videos):
    with pytest.raises(FileNotFoundError, match="masks: expected a folder of predictions"):
        score_predictions(videos, tmp_path / "masks", DAVIS_WITH_ID_GAPS)
    write_predictions(tmp_path / "masks", {"red": RED})
    with pytest.raises(FileNotFoundError, match=r"masks.pair: expected the predicted masks of"):
        score_predictions(videos, tmp_path / "masks", DAVIS_WITH_ID_GAPS)


def test_a_prediction_of_another_size(tmp_path, videos):
    folder = write_predictions(tmp_path / "masks", VIDEOS)
    write_index_png(folder / "pair" / "00003.png", np.zeros((24, 32), np.uint8))
    message = r"pair.00003\.png: expected a mask of 64x48 like the ground truth, found 32x24"
    with pytest.raises(InputError, match=message):
        score_predictions(videos, folder, DAVIS_WITH_ID_GAPS)


def test_a_prediction_of_an_unknown_object(tmp_path, videos):
    folder = write_predictions(tmp_path / "masks", VIDEOS)
    write_index_png(folder / "red" / "00003.png", np.full((48, 64), 7, np.uint8))
    with pytest.raises(InputError, match=r"red/00003: expected predicted labels among.*found 7"):
        score_predictions(videos, folder, DAVIS_WITH_ID_GAPS)
