"""Mean, recall and decay, also beyond the 255 frames that the official scorer can bin."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.metrics.frame_statistics import frame_statistics

NAN = float("nan")


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([0.7], (0.7, 1, 0), id="one frame"),
        pytest.param([0.8, 0.2], (0.5, 0.5, 0.6), id="bins of one frame each"),
        pytest.param([0.5, 0.5, 0.5], (0.5, 0, 0), id="recall wants more than 0.5"),
        # The borders 1, 1.5, 2, 2.5, 3 become 1, 2, 2, 3, 3: the bins are frames 1-2 and 3.
        pytest.param([0.9, 0.7, 0.1], (1.7 / 3, 2 / 3, 0.7), id="borders round half up"),
        # The borders 1, 2, 3, 4, 5: the bins are frames 1-2 and 4-5.
        pytest.param([0.9, 0.7, 0.1, 0.3, 0.1], (0.42, 0.4, 0.6), id="bins share borders"),
        # A NaN is not recalled, though it counts as a frame.
        pytest.param([0.7, NAN, NAN, 0.2], (0.45, 0.25, 0.5), id="NaN"),
    ],
)
def test_hand_cases(values, expected):
    assert frame_statistics(values) == pytest.approx(expected)


def test_a_bin_of_nothing_but_nan_gives_no_decay():
    statistics = frame_statistics([NAN, NAN, 0.5, 0.9])
    assert statistics.mean == pytest.approx(0.7)
    assert math.isnan(statistics.decay)


@pytest.mark.parametrize(
    ("frames", "first", "last"),
    [
        (256, 65, 191),  # borders 1, 64.75, ..., 192.25, 256
        (257, 65, 192),
        (300, 76, 224),
        (1000, 251, 749),
    ],
)
def test_decay_of_long_sequences(frames, first, last):
    values = np.random.default_rng(frames).random(frames)
    expected = values[:first].mean() - values[last:].mean()
    assert frame_statistics(values).decay == pytest.approx(expected, abs=1e-12)


def test_no_frames():
    with pytest.raises(InputError, match="at least one"):
        frame_statistics([])
