"""Picture strips: which frames, and how large."""

import numpy as np
import pytest

from pointvos.visualize.strip import (
    STRIP_WIDTH,
    CaptionedPicture,
    picture_size,
    picture_strip,
    strip_frames,
)


@pytest.mark.parametrize(
    ("length", "count", "shown", "expected"),
    [
        (101, 5, [], [0, 25, 50, 75, 100]),
        (101, 5, [40], [0, 25, 40, 75, 100]),
        (101, 5, [0, 100], [0, 25, 50, 75, 100]),
        (101, 5, [99], [0, 25, 50, 75, 99]),
        (101, 5, [48, 52], [0, 25, 48, 52, 100]),
        (101, 2, [10, 20, 30], [10, 20]),  # more wanted than there is room for: the first ones
        (3, 5, [1], [0, 1, 2]),
        (1, 5, [0], [0]),
        (5, 5, [], [0, 1, 2, 3, 4]),
    ],
)
def test_evenly_spaced_frames_and_those_asked_for(length, count, shown, expected):
    assert strip_frames(length, count=count, shown=shown) == expected


@pytest.mark.parametrize(("height", "width"), [(480, 854), (720, 1280), (1920, 1080), (64, 96)])
@pytest.mark.parametrize("count", [1, 4, 6])
def test_pictures_fit_the_strip_and_are_never_enlarged(height, width, count):
    small_height, small_width = picture_size(height, width, count)

    assert count * small_width < STRIP_WIDTH
    assert small_height <= height
    assert small_width <= width
    assert small_height / small_width == pytest.approx(height / width, rel=0.02)


def test_a_strip_shows_its_pictures_in_order_with_captions():
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200)]
    pictures = [
        CaptionedPicture(f"frame {index}", np.full((50, 80, 3), colour, np.uint8))
        for index, colour in enumerate(colours)
    ]

    strip = picture_strip(pictures)

    places = [np.nonzero((strip == colour).all(axis=2)) for colour in colours]
    assert [len(rows) for rows, _ in places] == [50 * 80] * 3
    assert places[0][1].max() < places[1][1].min() <= places[1][1].max() < places[2][1].min()
    below = strip[places[0][0].max() + 1 :]
    for _, columns in places:
        assert (below[:, columns.min() : columns.max() + 1] < 128).any()  # the caption
    assert (strip[:, -1] == 255).all()


def test_a_long_caption_stays_below_its_picture():
    picture = np.full((50, 80, 3), 90, np.uint8)
    strip = picture_strip([CaptionedPicture("frame with a very long name indeed", picture)] * 2)
    right_of_first = (strip == 90).all(axis=2).any(axis=0).argmin()
    between = [x for x in range(strip.shape[1]) if (strip[:55, x] == 255).all()]
    assert right_of_first in between
    assert (strip[:, between] == 255).all()


def test_pictures_of_different_sizes_are_refused():
    pictures = [CaptionedPicture("a", np.zeros((5, w, 3), np.uint8)) for w in (8, 9)]
    with pytest.raises(ValueError, match="expected pictures of one size"):
        picture_strip(pictures)
    with pytest.raises(ValueError, match="expected pictures of one size"):
        picture_strip([])
