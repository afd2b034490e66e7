from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frames import ArrayFrames, Frame
from pointvos.inference import propagate as propagate_module
from pointvos.inference.propagate import propagate
from pointvos.inference.propagator import Propagator
from pointvos.nn.stcn import STCN
from tests.tiny_network import tiny_stcn

LENGTH, HEIGHT, WIDTH = 7, 33, 50


@pytest.fixture(scope="module")
def network() -> STCN:
    return tiny_stcn()


@pytest.fixture(scope="module")
def video() -> list[NDArray[np.uint8]]:
    shape = (LENGTH, HEIGHT, WIDTH, 3)
    return list(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8))


def box(top: int, left: int, size: int = 12) -> NDArray[np.bool_]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + size, left : left + size] = True
    return mask


def test_forward_gives_what_steps_give(network: STCN, video: list[NDArray[np.uint8]]) -> None:
    objects = {1: {4: box(2, 2)}, 3: {2: box(15, 30)}}
    results = list(propagate(lambda: Propagator(network), ArrayFrames(video), objects))
    propagator = Propagator(network)
    assert [result.frame.index for result in results] == list(range(LENGTH))
    for t, result in enumerate(results):
        expected = propagator.step(video[t], objects.get(t))
        assert result.segmentation.object_ids == expected.object_ids
        np.testing.assert_array_equal(result.segmentation.prob, expected.prob)


@pytest.mark.parametrize("chunk_frames", [1, 3, 100])
def test_backward_is_forward_on_the_reversed_clip(
    network: STCN,
    video: list[NDArray[np.uint8]],
    monkeypatch: pytest.MonkeyPatch,
    chunk_frames: int,
) -> None:
    chunk_bytes = chunk_frames * HEIGHT * WIDTH * 3
    monkeypatch.setattr(propagate_module, "BACKWARD_CHUNK_BYTES", chunk_bytes)
    reference, given = 4, {1: box(2, 2), 5: box(15, 30)}
    results = list(
        propagate(
            lambda: Propagator(network), ArrayFrames(video), {reference: given}, backward=True
        )
    )
    assert [r.frame.index for r in results] == [3, 2, 1, 0, 4, 5, 6]
    by_index = {r.frame.index: r.segmentation for r in results}

    reversed_clip = ArrayFrames(video[reference::-1])
    for t, (_, expected) in enumerate(
        propagate(lambda: Propagator(network), reversed_clip, {0: given})
    ):
        np.testing.assert_array_equal(by_index[reference - t].prob, expected.prob)


def test_between_two_references_each_object_comes_from_its_own_side(
    network: STCN, video: list[NDArray[np.uint8]]
) -> None:
    objects = {1: {4: box(2, 2)}, 5: {2: box(15, 30)}}
    results = {
        frame.index: segmentation
        for frame, segmentation in propagate(
            lambda: Propagator(network), ArrayFrames(video), objects, backward=True
        )
    }
    assert sorted(results) == list(range(LENGTH))
    assert all(segmentation.object_ids == (2, 4) for segmentation in results.values())
    # On the frames between, object 4 is followed forward from frame 1, object 2 back from frame 5.
    forward, backward = Propagator(network), Propagator(network)
    forward_results = {t: forward.step(video[t], objects.get(t)) for t in range(1, 5)}
    backward_results = {
        t: backward.step(video[t], {2: box(15, 30)} if t == 5 else None) for t in range(5, 1, -1)
    }
    for t in range(2, 5):
        expected = forward_results[t].joined(backward_results[t])
        np.testing.assert_allclose(results[t].prob, expected.prob, atol=0.05)
    np.testing.assert_array_equal(results[1].index_mask() == 4, box(2, 2))
    np.testing.assert_array_equal(results[5].index_mask() == 2, box(15, 30))


def test_the_backward_pass_starts_where_the_last_object_appears(
    network: STCN, video: list[NDArray[np.uint8]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is given of an object again later on is of no use to it, and would cost a whole pass."""
    steps: list[int] = []
    step = Propagator.step
    shown = [frame.tobytes() for frame in video]

    def counted(self: Propagator, frame: NDArray[np.uint8], *given: object) -> object:
        steps.append(shown.index(frame.tobytes()))
        return step(self, frame, *given)

    monkeypatch.setattr(Propagator, "step", counted)
    objects = {1: {1: box(2, 2)}, 3: {2: box(15, 30)}, 6: {1: box(2, 8), 2: box(15, 24)}}
    list(propagate(lambda: Propagator(network), ArrayFrames(video), objects, backward=True))
    assert steps == [3, 2, 1, 0, *range(1, LENGTH)]


class CountingFrames(ArrayFrames):
    """Counts how many decoded frames are alive at once, as a video file would hold them."""

    alive = most_alive = 0

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        for frame in super().read(start, stop):
            yield _Counted(self, frame)  # type: ignore[misc]


class _Counted:
    def __init__(self, source: CountingFrames, frame: Frame) -> None:
        self.source, self.index, self.name, self.rgb = source, frame.index, frame.name, frame.rgb
        source.alive += 1
        source.most_alive = max(source.most_alive, source.alive)

    def __del__(self) -> None:
        self.source.alive -= 1


def test_frames_are_streamed_in_both_directions(
    network: STCN, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(propagate_module, "BACKWARD_CHUNK_BYTES", 3 * HEIGHT * WIDTH * 3)
    shape = (30, HEIGHT, WIDTH, 3)
    frames = CountingFrames(list(np.zeros(shape, np.uint8)))
    objects = {15: {1: box(2, 2)}}
    seen = 0
    for result in propagate(lambda: Propagator(network), frames, objects, backward=True):
        seen += 1
        del result
    assert seen == 30
    assert frames.most_alive <= 3 + 3  # a chunk, and what the loop itself holds


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ({}, r"array: expected at least one object to follow, found none"),
        ({2: {}}, r"expected at least one object"),
        ({7: {1: box(2, 2)}}, r"array: expected objects on frames 0 .. 6, found frame 7"),
        ({-1: {1: box(2, 2)}}, r"expected objects on frames 0 .. 6, found frame -1"),
    ],
)
def test_impossible_requests_are_refused(
    network: STCN,
    video: list[NDArray[np.uint8]],
    objects: dict[int, dict[int, NDArray[np.bool_]]],
    message: str,
) -> None:
    with pytest.raises(InputError, match=message):
        next(propagate(lambda: Propagator(network), ArrayFrames(video), objects))
