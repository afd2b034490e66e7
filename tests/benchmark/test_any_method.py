"""Methods by name, and such that start from masks."""

import numpy as np
import pytest

from pointvos.benchmark.any_method import open_any_method
from pointvos.core.errors import InputError
from pointvos.core.points import Points
from tests.benchmark.coloured_squares import COLOURS, RED_AND_BLUE

FRAME = np.stack([np.vectorize(lambda i, c=c: COLOURS[i][c])(RED_AND_BLUE[0]) for c in range(3)], 2)
FRAME = FRAME.astype(np.uint8)
ON_RED, ON_BLUE = Points.from_pixels([(7, 8)], [1]), Points.from_pixels([(43, 33)], [1])


def test_methods_are_joined_by_name():
    method = open_any_method("grabcut+nearest_colour")
    assert method.name == "grabcut+nearest_colour"
    found = method.start().step(FRAME, {1: ON_RED, 2: ON_BLUE})
    assert set(np.unique(found)) == {0, 1, 2}
    assert open_any_method("hull").weights_sha256 == ""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("grabcat+hull", r"did you mean grabcut"),
        ("grabcut+hul", r"found 'hul'; baselines are"),
    ],
)
def test_unknown_parts_are_named(name, message):
    with pytest.raises(InputError, match=message):
        open_any_method(name)
