"""Clicks and traces as queries."""

import pytest
import torch

from pointvos.nn.interactive.features import FrameFeatures, sample_scales
from pointvos.nn.interactive.prompts import BACKGROUND, Traces
from pointvos.nn.interactive.queries import (
    ClickEncoder,
    QueryEncoder,
    TraceEncoder,
    pool_trace,
    trace_centre,
)
from tests.nn.interactive.tiny_interactions import clicks, trace

CHANNELS = 16


def features() -> FrameFeatures:
    rng = torch.Generator().manual_seed(0)
    sizes = ((2, 3), (4, 6), (8, 12))
    coarse, middle, fine = (torch.randn(1, CHANNELS, *size, generator=rng) for size in sizes)
    return FrameFeatures((coarse, middle, fine), fine, None)


def encoder(kinds: bool = False) -> QueryEncoder:
    torch.manual_seed(0)
    return QueryEncoder(
        click_encoder=ClickEncoder(channels=CHANNELS),
        trace_encoder=TraceEncoder(channels=CHANNELS),
        channels=CHANNELS,
        static_background=3,
        kinds=kinds,
    )


def test_a_position_reads_the_mean_of_the_three_scales() -> None:
    coarse, middle, fine = features().scales
    # The centre of the stride-32 pixel in column 1, row 1 is a corner of four finer pixels.
    found = sample_scales(features(), torch.tensor([[[48.0, 48.0]]]))[0, 0]
    means = [middle[0, :, 2:4, 2:4].mean(dim=(1, 2)), fine[0, :, 5:7, 5:7].mean(dim=(1, 2))]
    torch.testing.assert_close(found, (coarse[0, :, 1, 1] + means[0] + means[1]) / 3)


def test_a_trace_of_one_pixel_has_that_pixels_features() -> None:
    pixel = (37.5, 20.5)
    found = pool_trace(features(), trace([pixel], 0, padding=3))
    torch.testing.assert_close(found, sample_scales(features(), torch.tensor([[pixel]])))


def test_a_trace_is_the_mean_over_its_pixels_only() -> None:
    pixels = [(37.5, 20.5), (38.5, 20.5), (90.5, 60.5)]
    found = pool_trace(features(), trace(pixels, 0, padding=5))[0, 0]
    expected = sample_scales(features(), torch.tensor([pixels]))[0].mean(dim=0)
    torch.testing.assert_close(found, expected)
    centre = trace_centre(trace(pixels, 0, padding=5))
    torch.testing.assert_close(centre[0, 0], torch.tensor(pixels).mean(dim=0))


def test_queries_are_clicks_then_traces_then_static_background() -> None:
    queries = encoder()(
        features(), clicks([(5, 5, 1), (6, 6, BACKGROUND)], padding=1), trace([(9.5, 9.5)], 0)
    )
    assert queries.content_BQC.shape == queries.position_BQC.shape == (1, 2 + 1 + 1 + 3, CHANNELS)
    assert queries.valid_BQ.tolist() == [[True, True, False, True, True, True, True]]
    assert queries.object_BQ[queries.valid_BQ].tolist() == [1, -1, 0, -1, -1, -1]


@pytest.mark.parametrize("kinds", [True, False])
def test_kinds_tell_background_clicks_from_others(kinds: bool) -> None:
    contents = [
        encoder(kinds)(features(), clicks([(5, 5, slot)]), Traces.none(1)).content_BQC[:, 0]
        for slot in (0, 1, BACKGROUND)
    ]
    torch.testing.assert_close(contents[0], contents[1])
    assert torch.equal(contents[0], contents[2]) is not kinds


def test_positions_tell_place_and_time_apart() -> None:
    given = clicks([(5, 50, 0), (50, 5, 0), (5, 50, 0)])
    positions = encoder()(features(), given, Traces.none(1)).position_BQC[0, :3].detach()
    assert (positions[0] - positions[1]).abs().max() > 0.1
    assert (positions[0] - positions[2]).abs().max() > 1e-3  # the same place, later
