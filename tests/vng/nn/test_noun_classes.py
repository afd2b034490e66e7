"""Nouns as classes of an image classifier."""

import pytest
import torch
from torch import nn

from vng.nn.noun_classes import MAP_GAIN, SCORE_GAIN, SCORE_PRIOR, NounClasses

TEXT, CHANNELS, HEIGHT, WIDTH = 5, 4, 3, 4


@pytest.fixture
def classes() -> NounClasses:
    torch.manual_seed(0)
    return NounClasses(top=nn.Identity(), channels=CHANNELS, text_channels=TEXT)


def drawn(nouns: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(1)
    nouns_FND = torch.randn(1, nouns, TEXT, generator=rng)
    return nouns_FND, torch.randn(1, CHANNELS, HEIGHT, WIDTH, generator=rng)


@torch.no_grad()
def test_each_place_is_judged_with_its_neighbours(classes: NounClasses) -> None:
    nouns_FND, class_FKHW = drawn()
    map_FNHW, score_FN = classes(nouns_FND, class_FKHW, None)
    found = classes.weights(nouns_FND[0])
    logits = torch.einsum("nk,khw->nhw", found[:, :-1], class_FKHW[0]) + found[:, -1:, None]
    corner = logits[:, :2, :2].mean(dim=(1, 2))
    middle = logits[:, :3, 1:4].mean(dim=(1, 2))
    torch.testing.assert_close(map_FNHW[0, :, 0, 0], MAP_GAIN * corner)
    torch.testing.assert_close(map_FNHW[0, :, 1, 2], MAP_GAIN * middle)
    places = map_FNHW[0].flatten(1) / MAP_GAIN
    expected = SCORE_GAIN * places.exp().mean(dim=1).log() + SCORE_PRIOR
    torch.testing.assert_close(score_FN[0], expected)


@torch.no_grad()
def test_padding_is_not_looked_at(classes: NounClasses) -> None:
    nouns_FND, class_FKHW = drawn()
    expected_map, expected_score = classes(nouns_FND, class_FKHW, None)
    padded = torch.full((1, CHANNELS, HEIGHT + 2, WIDTH + 1), 100.0)
    padded[..., :HEIGHT, :WIDTH] = class_FKHW
    padding = torch.ones(1, HEIGHT + 2, WIDTH + 1, dtype=torch.bool)
    padding[:, :HEIGHT, :WIDTH] = False
    map_FNHW, score_FN = classes(nouns_FND, padded, padding.flatten(1))
    torch.testing.assert_close(map_FNHW[..., :HEIGHT, :WIDTH], expected_map)
    torch.testing.assert_close(score_FN, expected_score)
    assert map_FNHW.isfinite().all()


def test_a_regression_finds_what_names_say_of_classes(classes: NounClasses) -> None:
    rng = torch.Generator().manual_seed(2)
    names, true = (torch.randn(n, TEXT, generator=rng) for n in (40, CHANNELS + 1))
    known = names @ true.T + 3
    classes.fit(names, known, torch.rand(40, generator=rng) + 0.1, ridge=1e-6)
    torch.testing.assert_close(classes.weights.weight, true, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(
        classes.weights.bias, torch.full((CHANNELS + 1,), 3.0), atol=1e-4, rtol=1e-4
    )


def test_a_ridge_makes_unknown_nouns_more_alike(classes: NounClasses) -> None:
    rng = torch.Generator().manual_seed(2)
    names, known = torch.randn(40, TEXT, generator=rng), torch.randn(40, 5, generator=rng)
    sizes = []
    for ridge in (0.0, 10.0, 1e6):
        classes.fit(names, known, torch.ones(40), ridge=ridge)
        sizes.append(float(classes.weights.weight.detach().norm()))
    assert sizes[0] > sizes[1] > 1e3 * sizes[2]
    torch.testing.assert_close(classes.weights.bias, known.mean(dim=0), atol=1e-3, rtol=1e-3)


def test_what_is_important_counts_more_often(classes: NounClasses) -> None:
    """An importance of two is the class twice."""
    rng = torch.Generator().manual_seed(2)
    names, known = torch.randn(8, TEXT, generator=rng), torch.randn(8, 5, generator=rng)
    importance = torch.tensor([2.0] * 3 + [1.0] * 5)
    classes.fit(names, known, importance, ridge=1.0)
    found = classes.weights.weight.clone(), classes.weights.bias.clone()
    classes.fit(
        torch.cat([names, names[:3]]), torch.cat([known, known[:3]]), torch.ones(11), ridge=1.0
    )
    torch.testing.assert_close((classes.weights.weight, classes.weights.bias), found)


def test_other_shapes_are_refused(classes: NounClasses) -> None:
    with pytest.raises(ValueError, match=r"expected names \[M, 5\] and classes \[M, 5\], found"):
        classes.fit(torch.zeros(3, 4), torch.zeros(3, 5), torch.ones(3), ridge=1.0)
    with pytest.raises(ValueError, match=r"found \[3, 5\] and \[2, 5\]"):
        classes.fit(torch.zeros(3, 5), torch.zeros(2, 5), torch.ones(3), ridge=1.0)
