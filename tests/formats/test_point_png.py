"""Point images with the values 0, 1, 2, 255."""

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel, Points
from pointvos.formats.point_png import read_point_png, write_point_png


def test_values_are_those_of_the_release(tmp_path):
    points = Points.from_pixels([[5, 1], [0, 0], [2, 3]], [1, 0, 2])
    write_point_png(tmp_path / "a.png", points, height=4, width=6)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == "P"
        values = np.array(image)
    assert (values[1, 5], values[0, 0], values[3, 2]) == (2, 1, 255)
    assert (values > 0).sum() == 3


def test_points_come_back_in_reading_order(tmp_path):
    points = Points.from_pixels([[5, 1], [0, 0], [2, 3]], [1, 0, 2])
    write_point_png(tmp_path / "a.png", points, height=4, width=6)
    read, size = read_point_png(tmp_path / "a.png")
    assert size == (4, 6)
    assert read.pixels().tolist() == [[0, 0], [5, 1], [2, 3]]
    assert read.labels.tolist() == [
        PointLabel.BACKGROUND,
        PointLabel.FOREGROUND,
        PointLabel.AMBIGUOUS,
    ]


def test_a_grey_image_with_these_values_is_read(tmp_path):
    Image.fromarray(np.array([[0, 2]], np.uint8)).save(tmp_path / "a.png")
    assert read_point_png(tmp_path / "a.png")[0].foreground.pixels().tolist() == [[1, 0]]


@pytest.mark.parametrize("mode", ["L", "P"])
def test_other_values_are_refused(tmp_path, mode):
    Image.fromarray(np.array([[0, 3, 128]], np.uint8)).convert(mode).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: expected the values 0, 1, 2, 255, found \["):
        read_point_png(tmp_path / "a.png")


def test_a_colour_image_is_refused(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png: expected a palette PNG .*, found mode 'RGB'"):
        read_point_png(tmp_path / "a.png")


@pytest.mark.parametrize(
    ("pixels", "message"), [([[6, 0]], "some outside"), ([[1, 1], [1, 1]], "one point a pixel")]
)
def test_points_that_an_image_cannot_hold_are_not_written(tmp_path, pixels, message):
    points = Points.from_pixels(pixels, [1] * len(pixels))
    with pytest.raises(ValueError, match=message):
        write_point_png(tmp_path / "a.png", points, height=4, width=6)
    assert not list(tmp_path.iterdir())
