"""First prompts and corrections: what is given, where, and for which object."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.simulation.interactions import (
    BACKGROUND,
    Interaction,
    PromptSettings,
    correct,
    first_interactions,
    pixels_of_trace,
)

Index = NDArray[np.uint8]
HEIGHT, WIDTH = 60, 90


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def two_boxes() -> Index:
    """Object 0 on the left, object 1 on the right, a column of unknown pixels at the very right."""
    index = np.zeros((HEIGHT, WIDTH), np.uint8)
    index[10:50, 5:35] = 1
    index[15:45, 50:80] = 2
    index[:, 85:] = 255
    return index


def under(index: Index, interaction: Interaction) -> set[int]:
    """The values of the mask under an interaction."""
    x, y = np.floor(interaction.xy).astype(int).T
    return set(index[y, x].tolist())


@pytest.mark.parametrize("seed", range(5))
def test_points_lie_on_their_objects_and_keep_their_distance(seed: int) -> None:
    settings = PromptSettings(point_counts=(5,), point_distance=8.0, trace=0.0, background=0.0)
    index = two_boxes()
    given = first_interactions(index, 2, settings, rng(seed))
    assert [one.slot for one in given] == [0] * 5 + [1] * 5
    for one in given:
        assert one.xy.shape == (1, 2)
        assert one.xy.dtype == np.float32
        assert not one.is_trace
        assert under(index, one) == {one.slot + 1}
    xy = np.concatenate([one.xy for one in given[:5]])
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2)
    assert apart[np.triu_indices(5, 1)].min() >= 8


def test_traces_and_background_points() -> None:
    settings = PromptSettings(trace=1.0, background=1.0, background_counts=(3,), point_distance=5.0)
    index = two_boxes()
    given = first_interactions(index, 2, settings, rng())
    assert [(one.slot, one.is_trace) for one in given] == [
        (0, True),
        (1, True),
        *[(BACKGROUND, False)] * 3,
    ]
    assert all(len(one.xy) > 5 for one in given[:2])
    assert all(under(index, one) == {0} for one in given[2:])  # never on what is unknown


def test_how_often_each_kind_of_prompt_is_drawn() -> None:
    settings = PromptSettings(point_counts=(1, 1, 1, 5), trace=0.25, background=0.5)
    index = (two_boxes() == 1).astype(np.uint8)
    drawn = [first_interactions(index, 1, settings, rng(seed)) for seed in range(300)]
    traces = sum(any(one.is_trace for one in given) for given in drawn)
    background = sum(any(one.slot == BACKGROUND for one in given) for given in drawn)
    single = sum(sum(o.slot == 0 and not o.is_trace for o in given) == 1 for given in drawn)
    assert traces / 300 == pytest.approx(0.25, abs=0.08)
    assert background / 300 == pytest.approx(0.5, abs=0.08)
    assert single / 300 == pytest.approx(0.75 * 0.75, abs=0.08)


def test_a_slot_without_a_pixel_is_given_nothing() -> None:
    given = first_interactions(two_boxes(), 3, PromptSettings(background=0.0), rng())
    assert {one.slot for one in given} == {0, 1}


def test_the_pixels_of_a_trace() -> None:
    path = np.array([[0.5, 0.5], [3.5, 0.5], [3.5, 2.5], [0.5, 0.5]], np.float32)
    pixels = pixels_of_trace(path)
    assert len(np.unique(pixels, axis=0)) == len(pixels)
    assert pixels[:6].tolist() == [[0.5, 0.5], [1.5, 0.5], [2.5, 0.5], [3.5, 0.5], [3.5, 1.5],
                                   [3.5, 2.5]]  # fmt: skip
    steps = np.abs(np.diff(pixels, axis=0)).max(axis=1)
    assert steps.max() == 1
    assert pixels_of_trace(np.full((3, 2), 7.2, np.float32)).tolist() == [[7.5, 7.5]]


def test_what_was_missed_is_clicked_for_its_object() -> None:
    index = two_boxes()
    predicted = np.where(index == 1, 1, 0)  # the second object was not found at all
    clicks = correct(predicted, index, 2, rng())
    assert clicks
    assert {one.slot for one in clicks} == {1}
    assert all(under(index, one) == {2} for one in clicks)


def test_the_larger_error_is_clicked() -> None:
    """A rim of 3 pixels is missing, and a block of 20 pixels of background was taken."""
    index = two_boxes()
    index[index == 2] = 0
    predicted = np.zeros_like(index)
    predicted[13:47, 8:32] = 1
    predicted[20:40, 45:65] = 1
    for seed in range(10):
        for one in correct(predicted, index, 1, rng(seed)):
            assert one.slot == BACKGROUND
            x, y = one.xy[0]
            # Deep inside: the distance transform is above half of its largest value.
            assert 45 + 5 <= x <= 65 - 5
            assert 20 + 5 <= y <= 40 - 5


def test_pixels_taken_from_another_object_are_clicked_for_that_object() -> None:
    index = two_boxes()
    predicted = np.where(index == 2, 1, index)  # object 0 took all of object 1
    clicks = correct(predicted, index, 2, rng())
    assert {one.slot for one in clicks} == {1}


def test_one_click_or_two_a_round() -> None:
    index = (two_boxes() == 1).astype(np.uint8)
    nothing = np.zeros_like(index)
    counts = [len(correct(nothing, index, 1, rng(seed))) for seed in range(200)]
    assert set(counts) == {1, 2}
    assert counts.count(2) / 200 == pytest.approx(0.2, abs=0.08)


def test_good_masks_absent_slots_and_unknown_pixels_are_left_alone() -> None:
    index = two_boxes()
    nearly = index.copy()
    nearly[10:12, 5:35] = 0  # IoU 0.95
    assert correct(nearly, index, 3, rng()) == []
    unknown = index.copy()
    unknown[:, 85:] = 1  # taken where nobody knows
    assert correct(unknown, index, 2, rng()) == []
