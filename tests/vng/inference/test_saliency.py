"""The baseline that does not listen."""

import numpy as np
import pytest

from pointvos.core.errors import InputError
from vng.inference.saliency import Saliency


@pytest.fixture(scope="module")
def saliency() -> Saliency:
    return Saliency()


def frame(height: int = 90, width: int = 120) -> np.ndarray:
    """A bright square in the middle of a dark field."""
    rgb = np.full((height, width, 3), (40, 70, 40), np.uint8)
    rgb[height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = (240, 60, 50)
    return rgb


def test_finds_what_stands_out(saliency: Saliency) -> None:
    (found,) = saliency.ground([frame()], "a red box on grass", [(2, 9), (13, 18)])
    true = frame()[..., 0] > 200
    assert found.masks.shape == (2, 90, 120)
    assert (found.masks[0] & true).sum() / (found.masks[0] | true).sum() > 0.6
    assert 0 < found.scores[0] <= 1


def test_every_noun_gets_the_same(saliency: Saliency) -> None:
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (50, 70, 3), np.uint8) for _ in range(2)]
    first = list(saliency.ground(frames, "a dog and a cat", [(2, 5), (12, 15)]))
    other = list(saliency.ground(frames, "something else", [(0, 9)]))
    for one, two in zip(first, other, strict=True):
        assert (one.masks[0] == one.masks[1]).all()
        assert (one.masks[0] == two.masks[0]).all()
        assert one.scores[0] == one.scores[1] == two.scores[0]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (300, 7)])
def test_frames_of_any_size(saliency: Saliency, shape: tuple[int, int]) -> None:
    (found,) = saliency.ground([frame(*shape)], "a dog", [(2, 5)])
    assert found.masks.shape == (1, *shape)


def test_nothing_stands_out_of_an_even_frame(saliency: Saliency) -> None:
    (found,) = saliency.ground([np.full((40, 40, 3), 7, np.uint8)], "a dog", [(2, 5)])
    assert np.isfinite(found.scores).all()


def test_questions_are_checked_all_the_same(saliency: Saliency) -> None:
    with pytest.raises(InputError, match="expected nouns inside"):
        list(saliency.ground([frame()], "a dog", [(2, 50)]))
