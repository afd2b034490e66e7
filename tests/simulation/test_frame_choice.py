"""Even and random choices of frames."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointvos.simulation.frame_choice import even_frames, random_frames
from pointvos.simulation.seeded import generator


@given(st.integers(1, 300), st.integers(1, 20))
def test_even_frames_are_distinct_ordered_and_evenly_spaced(available, count):
    index = even_frames(available, count)
    assert len(index) == min(available, count)
    assert index[0] == 0
    gaps = np.diff(index)
    assert (gaps >= 1).all()
    if len(index) > 1:
        assert index[-1] == available - 1
        assert gaps.max() - gaps.min() <= 1


@given(st.integers(1, 300), st.integers(1, 20), st.integers(0, 5))
def test_random_frames_are_distinct_and_ordered(available, count, seed):
    index = random_frames(available, count, np.random.default_rng(seed))
    assert len(index) == min(available, count)
    assert (np.diff(index) >= 1).all()
    assert index.min() >= 0
    assert index.max() < available


def test_random_frames_differ_between_draws():
    drawn = {tuple(random_frames(90, 10, np.random.default_rng(seed))) for seed in range(10)}
    assert len(drawn) == 10


def test_a_generator_depends_on_all_its_names():
    def first(*names):
        return generator(*names).random()

    assert first(0, "bear", "00000", 1) == first(0, "bear", "00000", 1)
    others = [(1, "bear", "00000", 1), (0, "bea", "r00000", 1), (0, "bear", "00000", 2), (0,)]
    assert len({first(0, "bear", "00000", 1), *(first(*names) for names in others)}) == 5


def test_a_negative_seed_is_refused():
    with pytest.raises(ValueError, match="seed: expected an integer >= 0, found -1"):
        generator(-1, "bear")
