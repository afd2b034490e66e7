import math

import pytest
import torch
from torch import Tensor

from pointvos.nn import memory_read
from pointvos.nn.memory_read import SpaceTimeReader, similarity, softmax_read, topk_read
from pointvos.nn.stcn import QueryFeatures


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def dense_topk_read(key: Tensor, query: Tensor, value: Tensor, top_k: int) -> Tensor:
    """Top-k reading as published: a dense affinity with zeros outside the best."""
    scores = similarity(key, query)
    best, index = scores.topk(top_k, dim=1)
    affinity = torch.zeros_like(scores).scatter(1, index, best.softmax(dim=1))
    return torch.einsum("bocm,bmq->bocq", value, affinity)


def test_similarity_is_squared_distance_without_the_query_norm() -> None:
    key, query = draw(2, 4, 5), draw(2, 4, 3, seed=1)
    distance = (key[:, :, :, None] - query[:, :, None]).square().sum(dim=1)
    query_norm = query.square().sum(dim=1)[:, None]
    torch.testing.assert_close(similarity(key, query), (query_norm - distance) / math.sqrt(4))


def test_similarity_stays_in_float32_under_autocast() -> None:
    key, query = 100 * draw(1, 64, 7), 100 * draw(1, 64, 5, seed=1)
    expected = similarity(key, query)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = similarity(key, query)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_softmax_read_averages_values() -> None:
    scores = torch.tensor([[[0.0], [math.log(3)]]])  # weights 1/4 and 3/4
    value = torch.tensor([[[[4.0, 8.0]], [[0.0, 1.0]]]])
    torch.testing.assert_close(softmax_read(scores, value), torch.tensor([[[[7.0]], [[0.75]]]]))


@pytest.mark.parametrize("queries_at_once", [1, 4, 100])
@pytest.mark.parametrize("top_k", [1, 3, 20])
def test_topk_read_equals_the_dense_reading(
    monkeypatch: pytest.MonkeyPatch, queries_at_once: int, top_k: int
) -> None:
    batch, objects, channels, positions, queries = 2, 3, 5, 40, 11
    monkeypatch.setattr(memory_read, "SIMILARITIES_AT_ONCE", queries_at_once * positions)
    key, query = draw(batch, 8, positions), draw(batch, 8, queries, seed=1)
    value = draw(batch, objects, channels, positions, seed=2)
    found = topk_read(key, query, value, top_k)
    expected = dense_topk_read(key, query, value, top_k)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_topk_of_everything_is_softmax_and_more_than_everything_too() -> None:
    key, query, value = draw(1, 8, 9), draw(1, 8, 4, seed=1), draw(1, 2, 3, 9, seed=2)
    expected = softmax_read(similarity(key, query), value)
    for top_k in (9, 1000):
        torch.testing.assert_close(topk_read(key, query, value, top_k), expected)


def test_topk_read_survives_similarities_whose_exponential_overflows() -> None:
    key, query, value = 40 * draw(1, 64, 9), 40 * draw(1, 64, 4, seed=1), draw(1, 1, 3, 9, seed=2)
    assert similarity(key, 100 * query).max() > 100  # exp() of this is infinite in float32
    assert topk_read(key, 100 * query, value, 3).isfinite().all()


def test_reader_gives_the_grid_of_the_query() -> None:
    query = draw(1, 8, 3, 4)
    features = QueryFeatures(query, query, query, query, query)
    key, value = draw(1, 8, 24, seed=1), draw(1, 2, 5, 24, seed=2)
    reader = SpaceTimeReader()
    whole, best = reader(features, key, value, None), reader(features, key, value, 24)
    assert whole.shape == (1, 2, 5, 3, 4)
    torch.testing.assert_close(whole, best)
