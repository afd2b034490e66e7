"""J and F of single frames: hand cases, an independent spelling, invariants."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import ndimage

from pointvos.core.errors import InputError
from pointvos.metrics.boundary import boundary_radius
from pointvos.metrics.frame_scores import (
    boundary_accuracy,
    region_similarity,
    score_frame,
    shared_box,
)

mask_pairs = st.tuples(st.integers(1, 40), st.integers(1, 40)).flatmap(
    lambda shape: st.tuples(arrays(np.bool_, shape), arrays(np.bool_, shape))
)


def blob(seed, shape, coverage):
    """A random smooth mask, with holes and islands, often cut by the border."""
    noise = np.random.default_rng(seed).standard_normal(shape)
    smooth = ndimage.gaussian_filter(noise, sigma=4)
    return smooth > np.quantile(smooth, 1 - coverage)


def spelled_out_f(prediction, truth, void, bound_th):
    """F on whole images with scipy's dilation."""
    if void is not None:
        prediction, truth = prediction & ~void, truth & ~void
    radius = boundary_radius(*truth.shape, bound_th)
    y, x = np.mgrid[-radius : radius + 1, -radius : radius + 1]
    disk = x**2 + y**2 <= radius**2
    edges = []
    for mask in (prediction, truth):
        shifted = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
        east, south, south_east = shifted[:-1, 1:], shifted[1:, :-1], shifted[1:, 1:]
        edges.append((mask ^ east) | (mask ^ south) | (mask ^ south_east))
    near = [ndimage.binary_dilation(edge, structure=disk) for edge in edges]
    lengths = [np.count_nonzero(edge) for edge in edges]
    if 0 in lengths:
        return float(lengths[0] == lengths[1])
    precision = np.count_nonzero(edges[0] & near[1]) / lengths[0]
    recall = np.count_nonzero(edges[1] & near[0]) / lengths[1]
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def rectangle(top, bottom, left, right, shape=(20, 30)):
    mask = np.zeros(shape, dtype=np.bool_)
    mask[top:bottom, left:right] = True
    return mask


EMPTY = rectangle(0, 0, 0, 0)
FULL = rectangle(0, 20, 0, 30)
SQUARE = rectangle(5, 15, 5, 15)


@pytest.mark.parametrize(
    ("prediction", "truth", "j", "f"),
    [
        pytest.param(EMPTY, EMPTY, 1, 1, id="both empty count as a perfect answer"),
        pytest.param(EMPTY, SQUARE, 0, 0, id="missed"),
        pytest.param(SQUARE, EMPTY, 0, 0, id="invented"),
        pytest.param(SQUARE, SQUARE, 1, 1, id="identical"),
        pytest.param(FULL, FULL, 1, 1, id="a full image has no boundary, on both sides"),
        pytest.param(FULL, SQUARE, 100 / 600, 0, id="boundary on one side only"),
        pytest.param(rectangle(5, 15, 6, 16), SQUARE, 90 / 110, 1, id="a shift within 1 px"),
        pytest.param(rectangle(5, 15, 20, 30), SQUARE, 0, 0, id="apart"),
        # Of 40 boundary pixels each, 11 coincide and the 2 beside them are within 1 px.
        pytest.param(rectangle(5, 15, 15, 25), SQUARE, 0, 13 / 40, id="side by side"),
    ],
)
def test_hand_cases(prediction, truth, j, f):
    # On 20x30 pixels the tolerance is 0.29 px, rounded up to 1.
    assert region_similarity(prediction, truth) == pytest.approx(j)
    assert boundary_accuracy(prediction, truth) == pytest.approx(f)


def test_tolerance_is_the_radius_of_a_disk():
    truth, prediction = rectangle(5, 15, 5, 6), rectangle(5, 15, 9, 10)
    # Vertical bars four pixels apart: boundaries in columns 4, 5 and 8, 9, three to five apart.
    assert boundary_accuracy(prediction, truth, bound_th=2) == 0
    assert boundary_accuracy(prediction, truth, bound_th=3) == pytest.approx(0.5)
    assert boundary_accuracy(prediction, truth, bound_th=4) == 1


def test_void_pixels_count_for_neither_mask():
    truth, prediction = rectangle(5, 15, 5, 15), rectangle(5, 15, 5, 20)
    void = rectangle(0, 20, 15, 30)
    assert region_similarity(prediction, truth) == pytest.approx(2 / 3)
    assert score_frame(prediction, truth, void) == (1, 1)


def test_tolerance_comes_from_the_whole_frame_not_from_the_crop():
    truth = rectangle(200, 300, 300, 400, shape=(480, 854))
    assert boundary_accuracy(np.roll(truth, 8, axis=1), truth) == 1
    assert boundary_accuracy(np.roll(truth, 9, axis=1), truth) < 1


@settings(max_examples=60, deadline=None)
@given(
    seeds=st.tuples(st.integers(0, 999), st.integers(0, 999)),
    shape=st.tuples(st.integers(3, 90), st.integers(3, 90)),
    coverage=st.tuples(st.floats(0.02, 0.98), st.floats(0.02, 0.98)),
    bound_th=st.sampled_from([0.008, 0.05, 3, 11]),
    with_void=st.booleans(),
)
def test_equals_an_independent_spelling(seeds, shape, coverage, bound_th, with_void):
    prediction = blob(seeds[0], shape, coverage[0])
    truth = blob(seeds[1], shape, coverage[1])
    void = blob(sum(seeds), shape, 0.1) if with_void else None
    counted = np.ones(shape, dtype=np.bool_) if void is None else ~void
    union = np.count_nonzero((prediction | truth) & counted)
    j = np.count_nonzero(prediction & truth & counted) / union if union else 1.0
    score = score_frame(prediction, truth, void, bound_th=bound_th)
    assert score.j == pytest.approx(j, abs=1e-12)
    assert score.f == pytest.approx(spelled_out_f(prediction, truth, void, bound_th), abs=1e-12)


@given(mask_pairs)
def test_scores_are_symmetric_fractions(pair):
    prediction, truth = pair
    score = score_frame(prediction, truth)
    assert score == score_frame(truth, prediction)
    assert 0 <= score.j <= 1
    assert 0 <= score.f <= 1
    assert score.j == region_similarity(prediction, truth)
    assert score_frame(prediction, prediction) == (1, 1)


@given(mask_pairs, st.integers(0, 9), st.integers(0, 9))
def test_background_around_the_frame_changes_nothing_but_the_border(pair, above, left):
    # Keep the masks off the border, where the boundary has other rules.
    inner = [np.pad(mask, 1) for mask in pair]
    outer = [np.pad(mask, ((above, 4), (left, 4))) for mask in inner]
    assert score_frame(*inner, bound_th=2) == score_frame(*outer, bound_th=2)


def test_memory_layout_does_not_matter():
    prediction, truth = blob(1, (60, 80), 0.3), blob(2, (60, 80), 0.3)
    transposed = np.asfortranarray(prediction), np.asfortranarray(truth)
    every_second = np.repeat(prediction, 2, axis=1)[:, ::2], truth
    assert score_frame(*transposed) == score_frame(prediction, truth) == score_frame(*every_second)


@pytest.mark.parametrize(
    ("masks", "rows", "columns"),
    [
        ([EMPTY, EMPTY], (0, 0), (0, 0)),
        ([SQUARE, EMPTY], (4, 16), (4, 16)),
        ([rectangle(0, 3, 28, 30), rectangle(18, 20, 0, 2)], (0, 20), (0, 30)),
    ],
)
def test_shared_box_leaves_room_for_boundaries(masks, rows, columns):
    assert shared_box(*masks) == (slice(*rows), slice(*columns))


@pytest.mark.parametrize(
    ("prediction", "truth", "void", "message"),
    [
        (SQUARE[:10], SQUARE, None, r"prediction: .*\(20, 30\), found bool of shape \(10, 30\)"),
        (SQUARE.astype(np.uint8), SQUARE, None, "prediction: expected bool .* found uint8"),
        (SQUARE, SQUARE[None], None, r"found bool of shape"),
        (SQUARE, SQUARE, SQUARE[:, :3], r"void mask: .* found bool of shape \(20, 3\)"),
    ],
)
def test_masks_that_do_not_fit(prediction, truth, void, message):
    with pytest.raises(InputError, match=message):
        score_frame(prediction, truth, void)
    with pytest.raises(InputError, match=message):
        region_similarity(prediction, truth, void)
