"""Which frames make a narrated clip."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vng.data.clip_sampler import LOCAL_REACH, choose_centre, choose_frames


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None)
@given(st.data(), st.integers(1, 40), st.integers(1, 12), st.integers(0, 2**32))
def test_frames_are_in_order_and_hold_the_centre(
    data: st.DataObject, count: int, frames: int, seed: int
) -> None:
    centre = data.draw(st.integers(0, count - 1))
    chosen = choose_frames(count, centre, frames, rng(seed))
    assert len(chosen) == frames
    assert chosen == sorted(chosen)
    assert centre in chosen
    assert 0 <= chosen[0] <= chosen[-1] < count
    assert len(set(chosen)) == min(frames, count)  # distinct while there are enough


@settings(deadline=None)
@given(st.integers(3, 60), st.integers(3, 8), st.integers(0, 2**32))
def test_neighbours_lie_on_both_sides(count: int, frames: int, seed: int) -> None:
    centre = count // 2
    chosen = choose_frames(count, centre, frames, rng(seed))
    assert any(1 <= centre - frame <= LOCAL_REACH for frame in chosen)
    assert any(1 <= frame - centre <= LOCAL_REACH for frame in chosen)


def test_others_come_from_the_whole_video() -> None:
    found = {frame for seed in range(300) for frame in choose_frames(60, 30, 5, rng(seed))}
    assert found >= set(range(60)) - {30 - LOCAL_REACH, 30 + LOCAL_REACH}


def test_two_frames_are_the_centre_and_a_neighbour() -> None:
    pairs = {tuple(choose_frames(50, 10, 2, rng(seed))) for seed in range(200)}
    assert pairs == {(10 - d, 10) for d in (1, 2, 3)} | {(10, 10 + d) for d in (1, 2, 3)}


def test_one_frame_is_the_centre() -> None:
    assert choose_frames(50, 7, 1, rng()) == [7]
    assert choose_frames(1, 0, 3, rng()) == [0, 0, 0]


@pytest.mark.parametrize(("centre", "frames"), [(-1, 3), (5, 3), (0, 0)])
def test_frames_that_cannot_be(centre: int, frames: int) -> None:
    with pytest.raises(ValueError, match=r"expected a centre in 0 \.\. 4 and at least 1 frame"):
        choose_frames(5, centre, frames, rng())


def test_the_centre_shows_an_object_if_any_frame_does() -> None:
    assert {choose_centre([2, 4], [1, 2, 4, 9], rng(seed)) for seed in range(50)} == {2, 4}
    assert {choose_centre([], [1, 9], rng(seed)) for seed in range(50)} == {1, 9}
    with pytest.raises(ValueError, match="expected a frame with a known mask, found none"):
        choose_centre([], [], rng())
