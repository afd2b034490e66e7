import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.simulation.clicks import Click, next_click

Mask = NDArray[np.bool_]


def box(top: int, left: int, height: int, width: int) -> Mask:
    mask = np.zeros((40, 60), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def test_the_deepest_pixel_of_what_was_missed() -> None:
    assert next_click(box(0, 0, 0, 0), box(10, 20, 9, 9)) == Click(24, 14, True)


def test_the_deepest_pixel_of_what_was_taken_wrongly() -> None:
    truth = box(10, 20, 9, 9)
    assert next_click(truth | box(25, 40, 11, 11), truth) == Click(45, 30, False)


def test_the_thicker_error_comes_first() -> None:
    """A thin rim may have more pixels, yet the user clicks the blob."""
    truth = box(5, 5, 10, 10)
    predicted = truth ^ box(7, 7, 5, 5) | box(20, 0, 2, 60)
    click = next_click(predicted, truth)
    assert click == Click(9, 9, True)


def test_the_border_of_the_image_is_a_border() -> None:
    assert next_click(box(0, 0, 0, 0), box(0, 0, 40, 60)).x not in (0, 59)  # type: ignore[union-attr]


def test_nothing_wrong_nothing_clicked() -> None:
    truth = box(10, 20, 9, 9)
    assert next_click(truth, truth) is None
    assert next_click(box(0, 0, 0, 0), truth, known=~truth) is None


@pytest.mark.parametrize("seed", range(20))
def test_drawn_clicks_lie_deep_in_the_error(seed: int) -> None:
    truth = box(10, 20, 13, 13)
    click = next_click(box(0, 0, 0, 0), truth, rng=np.random.default_rng(seed))
    assert click is not None
    assert click.foreground
    assert max(abs(click.x - 26), abs(click.y - 16)) <= 3  # deeper than half of 7


def test_drawn_clicks_vary() -> None:
    truth = box(10, 20, 13, 13)
    clicks = {
        next_click(box(0, 0, 0, 0), truth, rng=np.random.default_rng(seed)) for seed in range(20)
    }
    assert len(clicks) > 5
