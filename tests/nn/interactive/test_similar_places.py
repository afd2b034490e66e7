"""What similar places of a frame say, against its definition."""

import math

import pytest
import torch

from pointvos.nn.interactive.evidence import evidence_points
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces
from pointvos.nn.interactive.similar_places import (
    RARE,
    UNIT,
    Similarity,
    SimilarPlaces,
    clicked_share,
)
from tests.nn.interactive.tiny_interactions import clicks

HEIGHT, WIDTH = 2, 4  # places of 16 pixels; the left half looks one way, the right half another


def embedding() -> torch.Tensor:
    """Two looks, as unit vectors at stride 4, float32 [1, 2, 8, 16]."""
    right = torch.arange(4 * WIDTH) >= 2 * WIDTH
    return torch.stack([~right, right]).float()[None, :, None].expand(1, 2, 4 * HEIGHT, -1)


def place(column: int, row: int) -> tuple[float, float]:
    """Somewhere in a place, in pixels of the input."""
    return 16 * column + 3.0, 16 * row + 12.0


def shares(given: Clicks, *, objects: int = 1, sharpness: float = 50.0) -> torch.Tensor:
    similarity = Similarity()
    torch.nn.init.constant_(similarity.log_sharpness, math.log(sharpness))
    points = evidence_points(given, Traces.none(1))
    with torch.no_grad():
        return clicked_share(similarity(embedding()), points, objects, (HEIGHT, WIDTH))[0]


def test_a_place_does_not_listen_to_itself() -> None:
    similarity_BSS = Similarity()(embedding())
    assert similarity_BSS.shape == (1, 8, 8)
    assert similarity_BSS[0].diagonal().tolist() == [0] * 8
    torch.testing.assert_close(similarity_BSS.sum(dim=-1), torch.ones(1, 8))
    assert similarity_BSS[0, 0, 1] > 100 * similarity_BSS[0, 0, 2]


def test_the_share_of_what_was_clicked() -> None:
    # Two clicks in one place count once: one of the other three places of that look was clicked.
    given = clicks([(*place(0, 0), 0), (*place(0, 0), 0)])
    own_HW = shares(given)[1]
    expected = (math.log(1 / 3 + RARE) - math.log(1 / 8 + RARE)) / UNIT
    nothing = (math.log(RARE) - math.log(1 / 8 + RARE)) / UNIT
    assert own_HW[1, 0].item() == pytest.approx(expected, abs=1e-4)
    assert own_HW[0, 0].item() == pytest.approx(nothing, abs=1e-4)  # not what it says itself
    assert own_HW[:, 2:].flatten().tolist() == pytest.approx([nothing] * 4, abs=1e-4)


def test_what_was_clicked_more_often_says_more() -> None:
    one = shares(clicks([(*place(0, 0), 0)]))[1]
    two = shares(clicks([(*place(0, 0), 0), (*place(1, 0), 0)]))[1]
    # One of three beside one of eight, two of three beside two of eight: the same; what looks
    # otherwise is the less likely the more was clicked.
    assert two[1, 0].item() == pytest.approx(one[1, 0].item(), abs=1e-2)
    assert two[0, 3] < one[0, 3]


def test_every_slot_has_its_own_and_none_says_nothing() -> None:
    given = clicks([(*place(0, 0), 0), (*place(3, 1), BACKGROUND)])
    found = shares(given, objects=2)
    assert found.shape == (3, HEIGHT, WIDTH)
    assert found[0, 0, 3] > 0 > found[0, 0, 0]  # background
    assert found[1, 1, 0] > 0 > found[1, 0, 3]
    assert found[2].abs().max() == 0
    assert shares(Clicks.none(1)).abs().max() == 0


def test_rivals_and_earlier_masks_are_seen() -> None:
    torch.manual_seed(0)
    module = SimilarPlaces(channels=3)
    torch.nn.init.normal_(module.logit.weight)
    torch.nn.init.normal_(module.feature.weight)
    similarity_BSS = Similarity()(embedding())
    points = evidence_points(clicks([(*place(0, 0), 0), (*place(3, 1), 1)]), Traces.none(1))
    size = (1, 2, HEIGHT, WIDTH)
    found = module(similarity_BSS, points, None, size)
    assert found.logit_BOHW.shape == size
    assert found.feature_BOCHW.shape == (1, 2, 3, HEIGHT, WIDTH)
    alone = module(
        similarity_BSS, evidence_points(clicks([(*place(0, 0), 0)]), Traces.none(1)), None, size
    )
    assert (found.logit_BOHW[:, 0] - alone.logit_BOHW[:, 0]).abs().max() > 1e-3
    earlier = torch.zeros(1, 2, 4 * HEIGHT, 4 * WIDTH)
    earlier[:, 0, :, : 2 * WIDTH] = 0.9
    again = module(similarity_BSS, points, earlier, size)
    assert (found.logit_BOHW[:, 0] - again.logit_BOHW[:, 0]).abs().max() > 1e-3
    torch.testing.assert_close(found.logit_BOHW[:, 1], again.logit_BOHW[:, 1])  # it had no mask


def test_untrained_it_changes_nothing() -> None:
    module = SimilarPlaces(channels=3)
    points = evidence_points(clicks([(*place(0, 0), 0)]), Traces.none(1))
    found = module(Similarity()(embedding()), points, None, (1, 1, HEIGHT, WIDTH))
    assert found.logit_BOHW.abs().max() == 0
    assert found.feature_BOCHW.abs().max() == 0
