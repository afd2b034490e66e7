"""The measures of the evidence path against their definition."""

import math

import pytest
import torch
import torch.nn.functional as F

from pointvos.nn.interactive.evidence import (
    EVIDENCE_CHANNELS,
    MANY,
    MEASURES,
    REACHES,
    TRACE_POINTS,
    UNMATCHED,
    evidence_points,
    measure,
)
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces
from tests.nn.interactive.tiny_interactions import clicks, trace

HEIGHT, WIDTH = 8, 12  # at stride 4


def embedding() -> torch.Tensor:
    rng = torch.Generator().manual_seed(0)
    return F.normalize(torch.randn(1, 6, HEIGHT, WIDTH, generator=rng), dim=1)


def pixel(column: int, row: int) -> tuple[float, float]:
    """Centre of a stride-4 pixel, in pixels of the input."""
    return 4 * (column + 0.5), 4 * (row + 0.5)


def test_each_set_is_measured_at_its_nearest_point() -> None:
    given = clicks([(*pixel(2, 3), 0), (*pixel(9, 3), 0), (*pixel(5, 6), BACKGROUND)])
    found = measure(embedding(), evidence_points(given, Traces.none(1)), objects=1)
    assert found.shape == (1, 2, EVIDENCE_CHANNELS, HEIGHT, WIDTH)
    own, background, rival = found[0, 1, :-3].split(MEASURES)
    e = embedding()[0]
    for column, row in ((2, 3), (8, 3), (11, 7)):
        here = e[:, row, column]
        likeness = max((here @ e[:, 3, 2]).item(), (here @ e[:, 3, 9]).item())
        assert math.isclose(own[0, row, column].item(), likeness, abs_tol=1e-5)
        assert math.isclose(
            background[0, row, column].item(), (here @ e[:, 6, 5]).item(), abs_tol=1e-5
        )
        square = min((column - x) ** 2 + (row - 3) ** 2 for x in (2, 9)) / (HEIGHT * WIDTH)
        for index, reach in enumerate(REACHES):
            expected = math.exp(-square / (2 * reach**2))
            assert math.isclose(own[1 + index, row, column].item(), expected, abs_tol=1e-5)
    assert (rival[0] == UNMATCHED).all()
    assert rival[1:].abs().max() == 0
    amounts = [math.log1p(count) / math.log1p(MANY) for count in (2, 1, 0)]
    assert found[0, 1, -3:, 0, 0].tolist() == pytest.approx(amounts)
    # For the background the object is the rival, and there is no other background.
    own_of_background, nothing, objects = found[0, 0, :-3].split(MEASURES)
    torch.testing.assert_close(own_of_background, background)
    torch.testing.assert_close(objects, own)
    assert (nothing[0] == UNMATCHED).all()


def test_rivals_are_the_other_objects() -> None:
    given = clicks([(*pixel(c, 2), slot) for slot, c in enumerate((1, 5, 9))])
    found = measure(embedding(), evidence_points(given, Traces.none(1)), objects=3)
    own = found[0, 1:, :MEASURES]
    rivals = found[0, 1:, 2 * MEASURES : 3 * MEASURES]
    for slot in range(3):
        others = own[[other for other in range(3) if other != slot]]
        torch.testing.assert_close(rivals[slot], others.amax(dim=0))


def test_a_trace_is_spread_over_its_pixels() -> None:
    long = [(i + 0.5, 10.5) for i in range(80)]
    points = evidence_points(Clicks.none(1), trace(long, 2, padding=9))
    assert points.valid_BP.all()
    assert points.object_BP.unique().tolist() == [2]
    x = points.xy_BP2[0, :, 0]
    assert len(x) == TRACE_POINTS
    assert (x.diff() == 80 / TRACE_POINTS).all()
    one = evidence_points(Clicks.none(1), trace([(3.5, 4.5)], 0, padding=2))
    assert one.xy_BP2.unique(dim=1).tolist() == [[[3.5, 4.5]]]
