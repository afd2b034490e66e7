"""Three distinct frames, every triplet within reach, both directions of time."""

from itertools import combinations

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.datasets.sampler import CLIP_LENGTH, choose_frames, sample_clip
from tests.tiny_clips import ArrayReader, point_video, square_frame, square_video

TEN = [[1]] * 10


def drawn(
    objects: list[list[int]], *, max_span: int | None = None, count: int = 4000
) -> set[tuple]:
    rng = np.random.default_rng(0)
    return {tuple(choose_frames(objects, rng, max_span)) for _ in range(count)}


def test_every_triplet_of_a_ten_frame_video_is_drawn_in_both_directions() -> None:
    # The reference sampler of STCN repeats frames here and never reaches the last (REFERENCE, B.2).
    found = drawn(TEN, count=8000)
    assert all(len(set(triplet)) == CLIP_LENGTH for triplet in found)
    forward = {triplet for triplet in found if triplet[0] < triplet[1] < triplet[2]}
    backward = {triplet for triplet in found if triplet[0] > triplet[1] > triplet[2]}
    assert forward | backward == found
    assert forward == set(combinations(range(10), 3))
    assert {triplet[::-1] for triplet in backward} == forward


def test_both_directions_are_as_likely() -> None:
    rng = np.random.default_rng(0)
    forward = np.mean([np.diff(choose_frames(TEN, rng))[0] > 0 for _ in range(4000)])
    assert forward == pytest.approx(0.5, abs=0.03)


def test_the_reference_shows_an_object() -> None:
    objects: list[list[int]] = [[], [], [5], [], [2, 5], [], [], [], [], []]
    assert {triplet[0] for triplet in drawn(objects)} == {2, 4}


@pytest.mark.parametrize("span", [2, 3, 5])
def test_targets_stay_within_the_span(span: int) -> None:
    found = drawn(TEN, max_span=span)
    assert max(abs(frame - triplet[0]) for triplet in found for frame in triplet) == span


def test_the_only_object_in_the_middle_of_three_frames() -> None:
    assert drawn([[], [1], []]) == {(1, 0, 2), (1, 2, 0)}


@pytest.mark.parametrize(
    ("objects", "found"),
    [([[1], [1]], "2 frames, 2 with an object"), ([[]] * 5, "5 frames, 0 with an object")],
)
def test_a_video_that_cannot_give_a_clip_is_named(objects: list[list[int]], found: str) -> None:
    with pytest.raises(InputError, match=found):
        choose_frames(objects, np.random.default_rng(0))
    frames = [square_frame(4, 4, side=16 if ids else 0) for ids in objects]
    reader = ArrayReader([square_video(), frames], name="mine")
    with pytest.raises(InputError, match=f"mine/video1: expected at least 3 .* found {found}"):
        sample_clip(reader, 1, np.random.default_rng(0))


def test_no_more_objects_than_asked_for_and_only_those_of_the_reference() -> None:
    reader = ArrayReader([point_video()])
    rng = np.random.default_rng(0)
    assert {tuple(sample_clip(reader, 0, rng).object_ids) for _ in range(50)} == {(1, 4), (4, 1)}
    assert {tuple(sample_clip(reader, 0, rng, max_objects=1).object_ids) for _ in range(50)} == {
        (1,),
        (4,),
    }


def test_a_static_image_is_taken_three_times() -> None:
    reader = ArrayReader([[square_frame(4, 4)]], static=True)
    clip = sample_clip(reader, 0, np.random.default_rng(0))
    assert clip.static
    assert clip.frames == [reader.videos[0][0]] * CLIP_LENGTH


def test_a_data_set_may_have_a_span_of_its_own() -> None:
    reader = ArrayReader([square_video()], max_span=2)
    rng = np.random.default_rng(0)
    for _ in range(50):
        clip = sample_clip(reader, 0, rng, max_span=9)
        reference, *targets = (reader.videos[0].index(frame) for frame in clip.frames)
        assert max(abs(target - reference) for target in targets) == 2


def test_shorter_clips_keep_the_reference() -> None:
    reader = ArrayReader([square_video()])
    for length in (1, 2, 3):
        clip = sample_clip(reader, 0, np.random.default_rng(3), length=length)
        assert len(clip.frames) == length
    static = ArrayReader([[square_frame(4, 4)]], static=True)
    assert len(sample_clip(static, 0, np.random.default_rng(0), length=1).frames) == 1
