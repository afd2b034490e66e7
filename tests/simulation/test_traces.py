import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from pointvos.simulation.traces import POSITIONS, sample_trace


def ellipse() -> NDArray[np.bool_]:
    y, x = np.mgrid[:120, :200]
    return np.asarray(((x - 90) / 70) ** 2 + ((y - 60) / 25) ** 2 < 1)


@given(seed=st.integers(0, 10_000), top=st.integers(0, 19), left=st.integers(0, 29))
def test_a_trace_is_a_stroke_inside_the_frame(seed: int, top: int, left: int) -> None:
    mask = np.zeros((20, 30), bool)
    mask[top : top + 5, left : left + 9] = True
    trace = sample_trace(mask, rng=np.random.default_rng(seed))
    assert POSITIONS[0] <= len(trace) <= POSITIONS[1]
    assert trace.dtype == np.float32
    assert (trace >= 0.5).all()
    assert (trace <= [29.5, 19.5]).all()


def test_traces_stay_on_the_object_but_for_short_stretches() -> None:
    mask = ellipse()
    inside = []
    for seed in range(100):
        x, y = sample_trace(mask, rng=np.random.default_rng(seed)).astype(int).T
        inside.append(mask[y, x].mean())
    assert np.mean(inside) > 0.9
    assert np.min(inside) < 1  # now and then across the border, as people do


def test_some_traces_are_lines_and_some_are_zigzags() -> None:
    """Length over extent, as measured on the published traces: 1.02, 1.32 and 3.05."""
    ratios = []
    for seed in range(300):
        trace = sample_trace(ellipse(), rng=np.random.default_rng(seed))
        length = np.linalg.norm(np.diff(trace, axis=0), axis=1).sum()
        ratios.append(length / np.ptp(trace, axis=0).max())
    low, middle, high = np.percentile(ratios, [10, 50, 90])
    assert low < 1.15
    assert 1.1 < middle < 1.6
    assert high > 1.8


def test_the_same_seed_gives_the_same_trace() -> None:
    first, second = (sample_trace(ellipse(), rng=np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_one_pixel_is_enough_and_none_is_not() -> None:
    mask = np.zeros((9, 9), bool)
    with pytest.raises(ValueError, match="foreground"):
        sample_trace(mask, rng=np.random.default_rng(0))
    mask[4, 6] = True
    trace = sample_trace(mask, rng=np.random.default_rng(0))
    np.testing.assert_allclose(trace, [[6.5, 4.5]] * len(trace), atol=0.5)


def test_an_object_may_fill_the_image() -> None:
    trace = sample_trace(np.ones((200, 300), bool), rng=np.random.default_rng(0))
    assert len(trace) >= 2
    assert (trace >= 0.5).all()
    assert (trace <= [299.5, 199.5]).all()
