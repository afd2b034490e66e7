"""One query for each noun over the whole clip."""

import pytest
import torch

from tests.vng.losses.random_predictions import (
    perfect_predictions,
    random_predictions,
    random_targets,
)
from vng.losses.matching import WEIGHTS, match_queries, matching_costs


@pytest.mark.parametrize("query", range(5))
def test_the_perfect_query_is_taken(query: int) -> None:
    targets = random_targets()
    matched = match_queries(perfect_predictions(targets, query), targets)
    assert matched.tolist() == [[query] * 3] * 2


def test_one_query_follows_the_object_through_the_clip() -> None:
    """Right in one of three frames loses against right in the other two."""
    targets = random_targets(frames=3)
    first, second = (perfect_predictions(targets, query) for query in (0, 1))
    mixed = [x.clone() for x in first]
    for tensor, other in zip(mixed, second, strict=True):
        tensor[:, :, 1:] = other[:, :, 1:]
    assert match_queries(type(first)(*mixed), targets).tolist() == [[1] * 3] * 2


def test_costs_of_a_noun_do_not_depend_on_others() -> None:
    predictions, targets = random_predictions(), random_targets()
    together = matching_costs(predictions, targets)
    alone = matching_costs(
        type(predictions)(*(x[1:, 2:] for x in predictions)),
        type(targets)(*(x[1:, 2:] for x in targets)),
    )
    torch.testing.assert_close(together[1:, 2:], alone)


def test_the_class_counts_where_the_object_is() -> None:
    targets = random_targets()
    targets.masks_BNTHW[:, :, 1] = False
    predictions = random_predictions()
    before = matching_costs(predictions, targets)
    logits = predictions.logits_BNTQ.detach().clone()
    logits[:, :, 1] += 5
    assert matching_costs(predictions._replace(logits_BNTQ=logits), targets).equal(before)
    logits[:, :, 0] += 5
    assert (matching_costs(predictions._replace(logits_BNTQ=logits), targets) < before).all()


def test_frames_nobody_annotated_do_not_count() -> None:
    targets = random_targets(frames=3)
    targets.known_BNT[:, :, 1] = False
    predictions = random_predictions(frames=3)
    keep = [0, 2]
    expected = matching_costs(
        type(predictions)(*(x[:, :, keep] for x in predictions)),
        type(targets)(*(x[:, :, keep] for x in targets)),
    )
    torch.testing.assert_close(matching_costs(predictions, targets), expected)


@pytest.mark.parametrize("known", [True, False])
def test_absent_everywhere_still_matches(known: bool) -> None:
    targets = random_targets()
    targets.masks_BNTHW[:] = False
    targets.known_BNT[:] = known
    costs = matching_costs(random_predictions(), targets)
    assert costs.isfinite().all()
    assert match_queries(random_predictions(), targets).shape == (2, 3)


def test_the_published_weights() -> None:
    assert dict(WEIGHTS) == {"ce": 2, "bbox": 5, "giou": 2, "mask": 2, "dice": 5}
