"""Colours that can be read on other colours."""

import numpy as np
import pytest

from pointvos.visualize.colours import PALETTE, legible_on, object_colour


def luminance(colour: tuple[int, int, int]) -> float:
    """As WCAG 2 defines it."""
    parts = [c / 255 for c in colour]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("number", range(1, len(PALETTE) - 1))
def test_text_has_the_contrast_that_wcag_asks_for(number):
    colour = object_colour(number)
    light, dark = sorted((luminance(colour), luminance(legible_on(colour))), reverse=True)

    assert (light + 0.05) / (dark + 0.05) > 4.5


def test_every_colour_of_the_cube_as_well():
    values = np.linspace(0, 255, 9).round().astype(int).tolist()
    for colour in [(r, g, b) for r in values for g in values for b in values]:
        light, dark = sorted((luminance(colour), luminance(legible_on(colour))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) > 4.5
