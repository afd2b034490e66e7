import re

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.inference.distance_gate import coarse_mask, connected, within
from pointvos.inference.edge_filter import EdgeFilter
from pointvos.inference.memory_bank import Kind
from pointvos.inference.propagator import Propagator
from pointvos.nn.aggregate import soft_aggregate
from pointvos.nn.stcn import STCN
from tests.tiny_network import tiny_stcn

HEIGHT, WIDTH = 51, 70


@pytest.fixture(scope="module")
def network() -> STCN:
    return tiny_stcn()


def video(length: int, seed: int = 0) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (length, HEIGHT, WIDTH, 3), dtype=np.uint8)


def box(top: int, left: int, size: int = 16) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + size, left : left + size] = True
    return mask


def kinds(propagator: Propagator, object_id: int) -> list[Kind]:
    return next(g.kinds for g in propagator.memory if object_id in g.object_ids)


def test_results_have_the_size_of_the_frame_and_sum_to_one(network: STCN) -> None:
    for resolution in (None, 32):
        propagator = Propagator(network, resolution=resolution)
        for t, frame in enumerate(video(3)):
            result = propagator.step(frame, {1: box(5, 5), 2: box(5, 40)} if t == 0 else None)
            assert result.prob.shape == (3, HEIGHT, WIDTH)
            assert result.prob.dtype == np.float32
            np.testing.assert_allclose(result.prob.sum(axis=0), 1, atol=1e-5)


@pytest.mark.parametrize("resolution", [None, 32, 80])
def test_a_given_mask_is_the_result_on_its_frame(network: STCN, resolution: int | None) -> None:
    first, second = box(3, 5), box(20, 40, 23)
    result = Propagator(network, resolution=resolution).step(video(1)[0], {4: first, 9: second})
    expected = np.select([first, second], [4, 9], 0)
    np.testing.assert_array_equal(result.index_mask(), expected)


def test_ids_are_the_callers_and_may_have_gaps(network: STCN) -> None:
    masks = [box(5, 5), box(5, 45), box(30, 25)]
    named = [dict(zip(ids, masks, strict=True)) for ids in ((1, 2, 3), (7, 40, 1000))]
    results = []
    for given in named:
        propagator = Propagator(network)
        results.append(
            [propagator.step(f, given if t == 0 else None) for t, f in enumerate(video(3))]
        )
    for plain, gaps in zip(*results, strict=True):
        assert gaps.object_ids == (7, 40, 1000)
        np.testing.assert_array_equal(plain.prob, gaps.prob)
    assert set(np.unique(results[1][0].index_mask())) == {0, 7, 40, 1000}


def test_before_the_first_object_everything_is_background(network: STCN) -> None:
    frames = video(3)
    propagator = Propagator(network)
    blank = propagator.step(frames[0])
    assert blank.object_ids == ()
    assert not blank.index_mask().any()
    late = [propagator.step(frames[1], {3: box(5, 5)}), propagator.step(frames[2])]
    fresh = Propagator(network)
    early = [fresh.step(frames[1], {3: box(5, 5)}), fresh.step(frames[2])]
    for a, b in zip(late, early, strict=True):
        np.testing.assert_array_equal(a.prob, b.prob)


def test_late_object_takes_its_pixels_and_has_its_own_memory(network: STCN) -> None:
    propagator = Propagator(network, memory_every=2)
    new = {0: {5: box(0, 0, 40)}, 3: {2: box(10, 10)}}
    results = [propagator.step(frame, new.get(t)) for t, frame in enumerate(video(6))]
    assert [r.object_ids for r in results] == [(5,)] * 3 + [(2, 5)] * 3
    assert (results[3].index_mask()[box(10, 10)] == 2).all()
    # Frame 5 is memorised two frames after frame 3, not because it is even or odd.
    assert propagator.memory.frames_of(5) == 4  # 0, 2, 3, 5
    assert propagator.memory.frames_of(2) == 2  # 3, 5


def test_bounded_memory_stays_constant(network: STCN) -> None:
    propagator = Propagator(network, memory_every=1, max_memory_frames=3)
    sizes = []
    for t, frame in enumerate(video(12)):
        propagator.step(frame, {1: box(5, 5)} if t == 0 else None)
        sizes.append(propagator.memory.frames_of(1))
    assert sizes == [1, 2] + [3] * 10
    assert kinds(propagator, 1) == [Kind.REFERENCE, Kind.RECENT, Kind.RECENT]


def test_include_last_holds_one_frame_more(network: STCN) -> None:
    propagator = Propagator(network, memory_every=3, include_last=True)
    sizes = []
    for t, frame in enumerate(video(7)):
        propagator.step(frame, {1: box(5, 5)} if t == 0 else None)
        sizes.append(propagator.memory.frames_of(1))
    assert sizes == [1, 2, 2, 2, 3, 3, 3]


POINTS = Points(
    np.array([[10.5, 12.5], [18.2, 9.9], [50.5, 40.5]], np.float32), np.array([1, 1, 0], np.int8)
)


def test_paper_network_remembers_points_alone_but_shows_a_mask(network: STCN) -> None:
    frames = video(2)
    propagator = Propagator(network)
    shown = propagator.step(frames[0], {1: POINTS})
    drawn = np.zeros((HEIGHT, WIDTH), bool)
    drawn[12, 10] = drawn[9, 18] = True
    as_mask = Propagator(network)
    as_mask.step(frames[0], {1: drawn})
    assert kinds(propagator, 1) == [Kind.REFERENCE]
    for of_points, of_mask in zip(propagator.memory, as_mask.memory, strict=True):
        torch.testing.assert_close(of_points.value, of_mask.value)
    assert (shown.index_mask()[drawn] == 1).all()
    assert (shown.prob_of(1) > 0.01).sum() > drawn.sum()
    next_frame = [p.step(frames[1]).prob for p in (propagator, as_mask)]
    np.testing.assert_allclose(next_frame[0], next_frame[1], atol=1e-5)


def test_background_points_start_nothing(network: STCN) -> None:
    frame = video(1)[0]
    with_background = Propagator(network).step(frame, {1: POINTS})
    without = Propagator(network).step(frame, {1: POINTS.foreground})
    np.testing.assert_array_equal(with_background.prob, without.prob)


def test_lite_network_remembers_the_decoded_mask() -> None:
    network = tiny_stcn(point_radius=2, decodes_reference=True)
    propagator = Propagator(network)
    frames = video(2)
    propagator.step(frames[0], {1: POINTS, 2: box(30, 40)})
    assert kinds(propagator, 1) == [Kind.REFERENCE]
    assert kinds(propagator, 2) == [Kind.REFERENCE]
    points_only = Propagator(tiny_stcn(point_radius=2))
    points_only.step(frames[0], {1: POINTS, 2: box(30, 40)})
    memories = [
        next(g.value[0, g.object_ids.index(1), :, -20:] for g in p.memory if 1 in g.object_ids)
        for p in (propagator, points_only)
    ]
    assert not torch.allclose(memories[0], memories[1], atol=1e-3)
    assert propagator.step(frames[1]).object_ids == (1, 2)


def test_an_object_may_be_given_again(network: STCN) -> None:
    propagator = Propagator(network)
    corrected = box(30, 40)
    new = {0: {1: box(5, 5), 2: box(30, 5)}, 2: {1: corrected}}
    results = [propagator.step(frame, new.get(t)) for t, frame in enumerate(video(3))]
    np.testing.assert_array_equal(results[2].index_mask() == 1, corrected)
    assert propagator.memory.frames_of(1) == propagator.memory.frames_of(2) == 2


def test_gate_cuts_off_what_is_far_from_the_previous_mask(network: STCN) -> None:
    frames, start = video(2), box(0, 0, 12)
    free, gated = Propagator(network), Propagator(network, gate=0.2)
    for propagator in (free, gated):
        propagator.step(frames[0], {1: start})
    free_prob, gated_prob = (p.step(frames[1]).prob_of(1) for p in (free, gated))
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    distance = np.hypot(np.maximum(y - 11, 0), np.maximum(x - 11, 0))
    far, near = distance > 0.2 * HEIGHT + 8, distance < 0.2 * HEIGHT - 8
    assert free_prob[far].max() > 0.01
    assert gated_prob[far].max() < 1e-6
    np.testing.assert_allclose(gated_prob[near], free_prob[near], atol=1e-6)


def test_parts_without_a_point_go() -> None:
    prob = torch.zeros(20, 40)
    prob[2:8, 2:8], prob[8, 8], prob[9:12, 9:12] = 0.9, 0.8, 0.7  # joined at a corner
    prob[2:8, 25:30], prob[15:18, 30:35] = 0.9, 0.4  # apart; and no mask at all
    prob[:2, 2:8] = 0.3  # the soft rim of the first
    points = torch.zeros(20, 40)
    points[4, 4] = points[17, 3] = 1  # the second where the network found nothing
    expected = prob.clone()
    expected[:, 25:] = 0
    assert torch.equal(connected(prob, points), expected)
    points[3, 26] = 1
    expected[2:8, 25:30] = 0.9
    assert torch.equal(connected(prob, points), expected)


def test_the_gate_keeps_what_is_connected_with_a_point(network: STCN) -> None:
    frame = video(1)[0]
    given = {1: Points.from_pixels([(20, 20)], [1])}
    free, gated = (Propagator(network, gate=g).step(frame, given) for g in (None, 0.1))
    drawn = torch.zeros(HEIGHT, WIDTH)
    drawn[20, 20] = 1
    kept = connected(torch.from_numpy(free.prob_of(1)), drawn) > 0.5
    assert 0 < kept.sum() < (free.prob_of(1) > 0.5).sum()
    np.testing.assert_array_equal(gated.prob_of(1) > 0.5, kept)


def test_edge_filter_is_applied_to_what_is_found_not_to_what_is_given(network: STCN) -> None:
    frames = video(2)[:, :48, :64]
    given = box(5, 5)[:48, :64]
    free, filtered = Propagator(network), Propagator(network, edge_radius=0.1)
    for propagator in (free, filtered):
        first = propagator.step(frames[0], {1: given})
        np.testing.assert_array_equal(first.index_mask() == 1, given)
    free_prob, found = (p.step(frames[1]).prob_of(1) for p in (free, filtered))
    rgb = torch.from_numpy(frames[1]).permute(2, 0, 1) / 255
    alone = np.sqrt(free_prob) / (np.sqrt(free_prob) + np.sqrt(1 - free_prob))  # of aggregation
    sharp = EdgeFilter(rgb, radius=0.1 * 48)(torch.from_numpy(alone)[None])
    expected = soft_aggregate(sharp[None]).softmax(dim=1)[0, 1]
    np.testing.assert_allclose(found, expected, atol=1e-4)
    assert np.abs(found - free_prob).max() > 0.01


def test_gate_distance_is_in_pixels_of_the_full_map() -> None:
    mask = torch.zeros(32, 64, dtype=torch.bool)
    mask[5, 9] = True
    near = within(coarse_mask(mask), 16.0)
    assert near.shape == (32, 64)
    assert near[6, 8 : 12 + 16].all()
    assert not near[6, 12 + 16 + 4 :].any()


def test_network_in_half_precision_runs() -> None:
    propagator = Propagator(tiny_stcn().bfloat16())
    results = [
        propagator.step(f, {1: box(5, 5)} if t == 0 else None) for t, f in enumerate(video(3))
    ]
    assert all(np.isfinite(result.prob).all() for result in results)
    assert results[-1].prob.dtype == np.float32


def test_a_step_builds_no_graph(network: STCN) -> None:
    propagator = Propagator(network)
    propagator.step(video(1)[0], {1: box(5, 5)})
    assert all(not group.value.requires_grad for group in propagator.memory)


def bad_frame(shape: tuple[int, ...], dtype: str = "uint8") -> NDArray[np.uint8]:
    return np.zeros(shape, dtype)


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (bad_frame((40, 70, 3)), r"frame 1: expected 70x51 like the first frame, found 70x40"),
        (bad_frame((51, 70)), r"frame 1: expected RGB \[H, W, 3\] of uint8 or float32, found \(51"),
        (bad_frame((51, 70, 3), "int64"), r"found \(51, 70, 3\) of int64"),
    ],
)
def test_bad_frames_are_refused(network: STCN, frame: NDArray[np.uint8], message: str) -> None:
    propagator = Propagator(network)
    propagator.step(video(1)[0], {1: box(5, 5)})
    with pytest.raises(InputError, match=message):
        propagator.step(frame)


@pytest.mark.parametrize(
    ("object_id", "what", "message"),
    [
        (0, box(5, 5), r"object 0 on frame 0: expected an id of at least 1"),
        (2, np.zeros((HEIGHT, WIDTH), bool), r"object 2 .* found \[51, 70\] with 0 foreground"),
        (2, np.ones((5, 5), bool), r"expected a mask \[51, 70\] with foreground, found \[5, 5\]"),
        (3, POINTS.background, r"expected a foreground point inside 70x51, found 0 foreground"),
        (3, Points.from_pixels([[70, 3]], [1]), r"found 1 foreground points, none of them inside"),
    ],
)
def test_objects_that_cannot_be_used_are_refused(
    network: STCN, object_id: int, what: Points | NDArray[np.bool_], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Propagator(network).step(video(1)[0], {object_id: what})


@pytest.mark.parametrize(
    "options",
    [
        {"memory_every": 0},
        {"top_k": 0},
        {"max_memory_frames": 1},
        {"resolution": 0},
        {"gate": -0.1},
        {"edge_radius": 0.0},
        {"reference_scales": (0.5,)},
    ],
)
def test_arguments_out_of_range_are_refused(network: STCN, options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="got .*" + re.escape(str(next(iter(options.values()))))):
        Propagator(network, **options)  # type: ignore[arg-type]


def with_point_beside(at: tuple[int, int]) -> Points:
    return Points.from_pixels([(20, 20), at], [1, 0])


@pytest.mark.parametrize("decodes_reference", [True, False])
def test_a_point_beside_an_object_counts_where_it_was_taken_in(decodes_reference: bool) -> None:
    frame, network = video(1)[0], tiny_stcn(seed=5, decodes_reference=decodes_reference)
    alone = Propagator(network).step(frame, {1: with_point_beside((0, 0)).foreground}).prob[1]
    far = np.hypot(*(np.indices(alone.shape) - 20)) > 12
    taken, free = (
        tuple(np.argwhere(far & part)[0][::-1].tolist()) for part in (alone > 0.51, alone < 0.49)
    )
    held, same = (
        Propagator(network).step(frame, {1: with_point_beside(at)}).prob[1] for at in (taken, free)
    )
    np.testing.assert_array_equal(same, alone)
    if not decodes_reference:  # the paper's network remembers foreground points alone
        np.testing.assert_array_equal(held, alone)
        return
    assert held[taken[1], taken[0]] < 1e-3
    assert held[20, 20] > 0.99


def test_background_points_outside_the_frame_are_left_out() -> None:
    network = tiny_stcn(decodes_reference=True)
    points = Points.from_pixels([(20, 20), (WIDTH + 5, 30)], [1, 0])
    frame = video(1)[0]
    results = [Propagator(network).step(frame, {1: p}).prob for p in (points, points.foreground)]
    np.testing.assert_array_equal(*results)
