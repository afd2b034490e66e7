"""Text is cut before it runs out of its place."""

import numpy as np
import pytest

from pointvos.visualize.text import draw_text, fitted, text_width

NAMES = ["bike", "the man in the red jacket who rides a bike", "W" * 80, "自転車に乗る人", "grün"]


@pytest.mark.parametrize("height", [7, 12, 20])
@pytest.mark.parametrize("room", [30, 100, 400])
@pytest.mark.parametrize("name", NAMES)
def test_fitted_text_fits(name, room, height):
    text = fitted(name, height, room)

    assert text_width(text, height) <= room
    assert text == name or text == "" or (text.endswith("..") and name.startswith(text[:-2]))


def test_nothing_is_cut_without_need():
    assert fitted("bike", 10, 1000) == "bike"
    assert fitted("the man in the red jacket", 10, 120).startswith("the man")
    assert fitted("bike", 10, 3) == ""


def test_one_line_stays_one_line():
    assert fitted("a\nred\tbike\x07 ", 10, 1000) == "a red bike"


@pytest.mark.parametrize("height", [7, 12, 20, 40])
@pytest.mark.parametrize("name", [*NAMES, "jgyq", "I"])
def test_drawn_text_is_as_wide_and_high_as_told(name, height):
    canvas = np.zeros((6 * height, text_width(name, height) + 200, 3), np.uint8)

    draw_text(canvas, name, 100, 3 * height, height)

    rows, columns = np.nonzero(canvas.any(axis=2))
    slack = 2 + height // 6
    assert columns.min() >= 100 - slack
    assert columns.max() <= 100 + text_width(name, height) + slack
    assert rows.min() >= 3 * height - 1.6 * height
    assert rows.max() <= 3 * height + 0.7 * height
