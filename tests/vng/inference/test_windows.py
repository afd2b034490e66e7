"""Windows of a video and the query that stands for a noun in each."""

import json

import numpy as np
import pytest
import torch

from pointvos.core.errors import InputError
from vng.inference.windows import LinkedQueries, windows


def frames(count: int, height: int = 4):
    return (np.full((height, 6, 3), t, np.uint8) for t in range(count))


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (1, [1]), (4, [4]), (9, [4, 4, 1])])
def test_windows_follow_each_other(count: int, sizes: list[int]) -> None:
    found = list(windows(frames(count), 4))
    assert [len(window) for window in found] == sizes
    assert [int(frame[0, 0, 0]) for window in found for frame in window] == list(range(count))


def test_only_one_window_is_held() -> None:
    read = []

    def counted():
        for t, frame in enumerate(frames(12)):
            read.append(t)
            yield frame

    running = windows(counted(), 4)
    next(running)
    assert len(read) == 4


def test_frames_of_two_sizes() -> None:
    mixed = [*frames(2), *frames(1, height=5)]
    with pytest.raises(InputError, match="expected frames of 6x4 like the first, found 6x5"):
        list(windows(mixed, 2))


def test_a_query_is_kept_until_another_is_better_over_the_whole_video() -> None:
    linked = LinkedQueries()

    def window(*scores: float, length: int = 4) -> torch.Tensor:
        return torch.tensor(scores).expand(1, 1, length, -1)

    assert linked(window(0.9, 0.5)).tolist() == [[0]]
    assert linked(window(0.3, 0.6)).tolist() == [[0]]  # the other is better here, not on average
    assert linked(window(0.1, 0.9)).tolist() == [[1]]
    assert linked(window(0.8, 0.2, length=1)).tolist() == [[1]]


def test_the_first_window_is_the_published_rule() -> None:
    scores = torch.rand(1, 3, 7, 5, generator=torch.Generator().manual_seed(0))
    assert LinkedQueries()(scores).equal(scores.mean(dim=2).argmax(dim=-1))


def test_it_goes_on_as_if_it_had_never_stopped() -> None:
    scores = torch.rand(6, 1, 3, 4, 5, generator=torch.Generator().manual_seed(1))
    whole = LinkedQueries()
    expected = [whole(one) for one in scores]
    first = LinkedQueries()
    for one in scores[:3]:
        first(one)
    stored = json.loads(json.dumps(first.memory))
    second = LinkedQueries(stored)
    for one, query in zip(scores[3:], expected[3:], strict=True):
        assert second(one).equal(query)


@pytest.mark.parametrize("memory", [{}, {"seen": 3}, {"query_scores": [["a"]]}])
def test_a_memory_of_something_else(memory) -> None:
    with pytest.raises(InputError, match="expected the scores of the queries so far"):
        LinkedQueries(memory)


def test_a_memory_of_other_nouns() -> None:
    linked = LinkedQueries({"query_scores": [[0.1] * 5]})
    with pytest.raises(InputError, match=r"scores of \[2, 5\] nouns and queries .* \[1, 5\]"):
        linked(torch.zeros(1, 2, 3, 5))
