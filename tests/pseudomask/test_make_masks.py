"""Masks of one video: which points go in, what comes out, what is left out and said."""

from dataclasses import replace

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.masks import read_index_png
from pointvos.core.video_writer import write_video
from pointvos.pseudomask.annotated_videos import AnnotatedVideo, read_annotated_videos
from pointvos.pseudomask.backend import MaskResult, checked_prompts
from pointvos.pseudomask.grabcut import GrabCut
from pointvos.pseudomask.make_masks import make_masks
from pointvos.pseudomask.mask_rule import ALL_POINTS, MaskRule
from tests.tiny_datasets import HEIGHT, WIDTH, two_objects
from tests.tiny_point_set import frame_of, record, write_json, write_point_set

BACKEND = GrabCut(side=64, iterations=2)


@pytest.fixture
def video(tmp_path) -> AnnotatedVideo:
    """Object 1 on frames 0, 2 and 5; object 5 on frame 2 alone."""
    points, frames = write_point_set(tmp_path, ["bike"])
    return read_annotated_videos(points, frames).videos["bike"]


class Asked:
    """A real backend that remembers what it was asked."""

    def __init__(self) -> None:
        self.calls = []

    def masks(self, image, prompts, *, background=None):
        self.calls.append((image, list(prompts)))
        return BACKEND.masks(image, prompts, background=background)


class Fixed:
    """Gives the masks it is told to, after the checks of every backend."""

    def __init__(self, *masks, scores=None) -> None:
        self.results = [
            MaskResult(mask, score)
            for mask, score in zip(masks, scores or [0.5] * len(masks), strict=True)
        ]

    def masks(self, image, prompts, *, background=None):
        checked_prompts(image, prompts, background)
        return self.results[: len(prompts)]


def test_every_annotated_frame_in_one_call_for_all_its_objects(video, tmp_path):
    backend = Asked()
    made = make_masks(video, backend, MaskRule())
    assert [len(prompts) for _, prompts in backend.calls] == [1, 2, 1]
    assert made.frames == 3
    assert made.without_foreground == 2  # object 5 is not on frames 0 and 5
    assert made.left_out == {}
    masks = made.masks[ALL_POINTS]
    assert [(mask.object_id, mask.frame) for mask in masks] == [
        ("bike/1", "00000"),
        ("bike/1", "00002"),
        ("bike/5", "00002"),
        ("bike/1", "00005"),
    ]
    for mask, row in zip(masks, made.quality, strict=True):
        truth = read_index_png(tmp_path / f"davis/Annotations/480p/bike/{mask.frame}.png")
        truth = truth == int(mask.object_id[-1])
        found = mask.decode()
        assert (found & truth).sum() / (found | truth).sum() > 0.4  # GrabCut is what it is
        assert (row.object_id, row.frame) == (mask.object_id, mask.frame)
        assert (row.score, row.area) == (mask.score, mask.area)
        assert row.area_share == row.area / (HEIGHT * WIDTH)
        assert (row.foreground, row.foreground_inside) == (4, 4)
        assert (row.background, row.background_outside) == (3, 3)
        assert row.unseen_foreground is None


def test_training_gives_all_points_and_validation_the_first_foreground_points(video):
    training, validation = Asked(), Asked()
    make_masks(video, training, MaskRule())
    made = make_masks(video, validation, MaskRule(use="validation", point_counts=(1, 3, 9)))
    given = [prompts[0].points for _, prompts in training.calls]
    first = [prompts[0].points for _, prompts in validation.calls[:3]]  # frame 0: k = 1, 3, 9
    assert [len(points) for points in given] == [7, 7, 7]
    listed = video.objects[0].points("00000").foreground.xy
    assert [len(points) for points in first] == [1, 3, 4]
    for points in first:
        assert (points.xy == listed[: len(points)]).all()
        assert (points.labels == 1).all()
    assert set(made.masks) == {1, 3, 9}
    assert [len(masks) for masks in made.masks.values()] == [4, 4, 4]
    unseen = {row.setting: (row.unseen_foreground, row.unseen_background) for row in made.quality}
    assert unseen == {1: (3, 3), 3: (1, 3), 9: (0, 3)}


def test_ambiguous_points_are_never_given(tmp_path, video):
    points = write_json(
        tmp_path / "set.json",
        record("a", "bike", [(8, 10, "00000", "ACCEPTED"), (9, 12, "00000", "AMBIGUOUS")]),
    )
    backend = Asked()
    read = read_annotated_videos(points, video.path.parent)
    make_masks(read.videos["bike"], backend, MaskRule())
    ((_, (prompt,)),) = backend.calls
    assert prompt.points.labels.tolist() == [1]


def test_points_held_out_judge_a_second_mask_and_the_first_stays(video):
    backend = Asked()
    plain = make_masks(video, BACKEND, MaskRule())
    judged = make_masks(video, backend, MaskRule(hold_out=0.5, seed=3))
    assert judged.masks == plain.masks
    assert len(backend.calls) == 6
    first, second = (prompts[0].points for _, prompts in backend.calls[:2])
    assert (len(first), len(second)) == (7, 3)  # half of 4 and of 3 are held out
    row = judged.quality[0]
    assert (row.unseen_foreground, row.unseen_background) == (2, 2)
    assert row.unseen_background_outside == 2
    again = make_masks(video, BACKEND, MaskRule(hold_out=0.5, seed=3))
    assert again.quality == judged.quality


def test_overlaps_are_resolved_or_kept(video):
    everywhere = np.ones((HEIGHT, WIDTH), bool)
    backend = Fixed(everywhere, everywhere)
    kept = make_masks(video, backend, MaskRule(overlaps="keep"))
    assert {mask.area for mask in kept.masks[ALL_POINTS]} == {HEIGHT * WIDTH}
    resolved = make_masks(video, backend, MaskRule())
    one, other = (mask for mask in resolved.masks[ALL_POINTS] if mask.frame == "00002")
    assert one.area + other.area == HEIGHT * WIDTH
    rows = [row for row in resolved.quality if row.frame == "00002"]
    assert [row.given_away for row in rows] == [HEIGHT * WIDTH - one.area, one.area]
    assert [row.foreground_inside for row in rows] == [4, 4]


def test_an_empty_mask_is_counted_and_not_stored(video):
    nothing = np.zeros((HEIGHT, WIDTH), bool)
    made = make_masks(video, Fixed(nothing, nothing), MaskRule())
    assert made.masks == {ALL_POINTS: []}
    assert [row.area for row in made.quality] == [0, 0, 0, 0]
    assert [row.foreground_inside for row in made.quality] == [0, 0, 0, 0]


def test_a_video_file_and_frames_named_by_number(tmp_path):
    write_video(tmp_path / "frames" / "clip.mp4", [frame_of(mask) for mask in two_objects(6)], 25)
    points = write_json(
        tmp_path / "points.json",
        record("a", "clip", [(12, 15, "000002", "ACCEPTED"), (60, 3, "2", "REJECTED")]),
    )
    video = read_annotated_videos(points, tmp_path / "frames").videos["clip"]
    made = make_masks(video, BACKEND, MaskRule())
    assert made.left_out == {}
    assert made.frames == 1
    (mask,) = made.masks[ALL_POINTS]
    assert mask.frame == "00002"
    assert 300 < mask.area < 500  # a square of 20
    assert (made.quality[0].foreground, made.quality[0].background) == (1, 1)


def damage_frame(video):
    path = video.path / "00002.jpg"
    path.write_bytes(path.read_bytes()[:-400])


def remove_frame(video):
    (video.path / "00002.jpg").unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (damage_frame, "00002.jpg: expected a whole image"),
        (remove_frame, "(00000 .. 00005), found none of this name"),
    ],
)
def test_a_frame_that_cannot_be_used_is_left_out_by_name(video, damage, message):
    damage(video)
    made = make_masks(video, BACKEND, MaskRule())
    assert list(made.left_out) == ["00002"]
    assert message in made.left_out["00002"]
    assert made.frames == 3
    assert {mask.frame for mask in made.masks[ALL_POINTS]} == {"00000", "00005"}


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(WIDTH, 3, "0", "ACCEPTED")], f"expected points inside 64x48, found ({WIDTH}, 3)"),
        (
            [(3, 3, "00000", "ACCEPTED"), (3, 3, "0", "REJECTED")],
            "object a: expected every pixel either on or off the object",
        ),
    ],
)
def test_points_that_cannot_be_are_left_out_with_their_frame(tmp_path, video, points, message):
    read = read_annotated_videos(
        write_json(
            tmp_path / "set.json",
            record("a", "bike", points),
            record("b", "bike", [(9, 9, "00000", "ACCEPTED"), (9, 9, "00003", "ACCEPTED")]),
        ),
        video.path.parent,
    )
    made = make_masks(read.videos["bike"], BACKEND, MaskRule())
    assert list(made.left_out) == ["00000"]
    assert message in made.left_out["00000"]
    assert [(mask.object_id, mask.frame) for mask in made.masks[ALL_POINTS]] == [("b", "00003")]


def test_a_video_that_cannot_be_opened_is_left_out_as_a_whole(tmp_path, video):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    for path, message in [(None, "expected its frames"), (tmp_path / "broken.mp4", "broken.mp4")]:
        made = make_masks(replace(video, path=path), BACKEND, MaskRule())
        assert list(made.left_out) == [""]
        assert message in made.left_out[""]
        assert (made.frames, made.quality) == (0, [])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"point_counts": (5, 1)}, "point_counts: expected ascending numbers"),
        ({"point_counts": ()}, "point_counts: expected ascending numbers"),
        ({"point_counts": (0, 1)}, "point_counts: expected ascending numbers >= 1"),
        ({"hold_out": 1.0}, "hold_out: expected a share of at least 0 and below 1, found 1.0"),
        ({"hold_out": -0.1}, "hold_out: expected a share"),
        ({"use": "validation", "hold_out": 0.2}, "hold_out: expected 0 for validation"),
        ({"seed": -1}, "seed: expected an integer >= 0"),
    ],
)
def test_rules_that_cannot_be_meant(values, message):
    with pytest.raises(InputError, match=message):
        MaskRule(**values)
