"""What the Segment-Anything backends share, around a network that records what it is asked."""

from typing import Any

import numpy as np
import pytest
import torch

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.pseudomask.backend import Prompt
from pointvos.pseudomask.segment_anything import SegmentAnything, agreement

HEIGHT, WIDTH = 32, 64


class Recorder:
    """Three candidates: everything, nothing, the left half; rated best in the order given."""

    side, mask_side, keep_aspect = 64, 16, True

    def __init__(self, rating: tuple[float, ...] = (0.2, 0.9, 0.5)) -> None:
        self.rating = rating
        self.encoded: list[int] = []
        self.asked: list[dict[str, Any]] = []

    def encode(self, image, frame):
        self.encoded.append(int(image[0, 0, 0]))
        return "encoding", int(image[0, 0, 0])

    def decode(self, encoding, positions, labels, mask_logits, *, several):
        self.asked.append(
            {
                "encoding": encoding,
                "positions": positions.tolist(),
                "labels": labels.tolist(),
                "mask": mask_logits,
                "several": several,
            }
        )
        logits = torch.full((3, 16, 16), -5.0)
        logits[0] = 5
        logits[2, :, :8] = 5
        rating = torch.tensor(self.rating)
        return (logits, rating) if several else (logits[2:], rating[2:])


def image(value: int = 0) -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), value, np.uint8)


def prompt(*listed: tuple[int, int, int]) -> Prompt:
    return Prompt(points=Points.from_pixels([p[:2] for p in listed], [p[2] for p in listed]))


def test_points_reach_the_network_in_its_coordinates() -> None:
    network = Recorder()
    shared = Points.from_pixels([[63, 31]], [0])

    SegmentAnything(network).masks(image(), [prompt((4, 6, 1), (9, 9, 0))], background=shared)

    (asked,) = network.asked
    assert asked["positions"] == [[4, 6], [9, 9], [63, 31]]  # side 64: nothing is scaled
    assert asked["labels"] == [1, 0, 0]
    assert asked["mask"] is None


def test_a_trace_becomes_points_along_it() -> None:
    network = Recorder()
    trace = np.array([[0, 10], [16, 10]], np.float32)
    points = Points.from_pixels([[1, 1], [2, 2]], [1, 0])

    SegmentAnything(network, trace_points=4).masks(image(), [Prompt(points=points, trace=trace)])

    (asked,) = network.asked
    assert asked["labels"] == [1, 1, 1, 1, 1, 0]
    assert asked["positions"][1:5] == [[1.5, 9.5], [5.5, 9.5], [9.5, 9.5], [13.5, 9.5]]


def test_an_earlier_mask_reaches_the_network() -> None:
    network = Recorder()
    earlier = np.zeros((HEIGHT, WIDTH), bool)
    earlier[:, :32] = True

    SegmentAnything(network).masks(image(), [Prompt(previous=earlier)])

    (asked,) = network.asked
    assert asked["positions"] == []
    assert (asked["mask"][0, 0, :7, :7] == 10).all()
    assert (asked["mask"][0, 0, 9:] == -10).all()


@pytest.mark.parametrize(
    ("choose", "listed", "covered", "score"),
    [
        ("predicted_iou", [(4, 4, 1)], 0.0, 0.9),
        ("points", [(4, 4, 1)], 0.5, 0.5),  # two agree: the rating decides
        ("points", [(4, 4, 1), (60, 4, 1)], 1.0, 0.2),
        ("points", [(4, 4, 1), (60, 4, 0)], 0.5, 0.5),
        ("single", [(4, 4, 1)], 0.5, 0.5),
    ],
)
def test_which_candidate_is_taken(choose, listed, covered: float, score: float) -> None:
    network = Recorder()

    (result,) = SegmentAnything(network, choose=choose).masks(image(), [prompt(*listed)])

    assert result.mask.shape == (HEIGHT, WIDTH)
    assert result.mask.mean() == pytest.approx(covered, abs=0.02)
    assert result.score == pytest.approx(score)
    assert network.asked[0]["several"] == (choose != "single")


def test_scores_stay_in_their_range() -> None:
    for rating, expected in (((1.2, 0.1, 0.1), 1.0), ((-0.3, -0.2, -0.5), 0.0)):
        (result,) = SegmentAnything(Recorder(rating)).masks(image(), [prompt((4, 4, 1))])
        assert result.score == expected


def test_an_image_is_encoded_once_for_all_its_prompts_and_their_corrections() -> None:
    network = Recorder()
    backend = SegmentAnything(network)
    frame = image(7)

    backend.masks(frame, [prompt((1, 1, 1)), prompt((5, 5, 1)), prompt((9, 9, 1))])
    backend.masks(frame.copy(), [prompt((2, 2, 1))])
    assert network.encoded == [7]
    assert [asked["encoding"] for asked in network.asked] == [("encoding", 7)] * 4

    frame[:] = 8  # the next frame in the same array
    backend.masks(frame, [prompt((1, 1, 1))])
    assert network.encoded == [7, 8]
    backend.masks(frame.reshape(WIDTH, HEIGHT, 3), [prompt((1, 1, 1))])
    assert network.encoded == [7, 8, 8]


def test_no_prompts_cost_nothing() -> None:
    network = Recorder()
    assert SegmentAnything(network).masks(image(), []) == []
    assert network.encoded == []


def test_bad_prompts_are_refused_before_the_network_runs() -> None:
    network = Recorder()
    with pytest.raises(InputError, match="prompt 1: expected points inside 64x32"):
        SegmentAnything(network).masks(image(), [prompt((1, 1, 1)), prompt((64, 1, 1))])
    assert network.encoded == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"choose": "best"}, "choose: expected predicted_iou, points, single, found 'best'"),
        ({"trace_points": 0}, "trace_points: expected at least 1, found 0"),
    ],
)
def test_settings_that_cannot_be_meant(change, message: str) -> None:
    with pytest.raises(InputError, match=message):
        SegmentAnything(Recorder(), **change)


def test_agreement_counts_points_on_their_side() -> None:
    masks = np.zeros((2, 4, 4), bool)
    masks[0, :2] = True
    xy = np.array([[0.5, 0.5], [3.5, 1.9], [0.5, 2.1]], np.float32)

    assert agreement(masks, xy, np.array([1, 1, 0])).tolist() == [3, 1]
    assert agreement(masks, np.zeros((0, 2), np.float32), np.zeros(0, int)).tolist() == [0, 0]
