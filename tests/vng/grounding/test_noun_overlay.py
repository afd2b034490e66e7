"""Overlays of nouns: all of them are seen, also where they share pixels."""

import time

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.visualize.colours import contrasting, object_colour
from pointvos.visualize.overlay import contour_thickness
from vng.grounding.noun_overlay import noun_overlay

HEIGHT, WIDTH, GREY = 240, 320, 100


def frame() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)


def boxes(*places: tuple[int, int, int, int]) -> np.ndarray:
    masks = np.zeros((len(places), HEIGHT, WIDTH), bool)
    for mask, (top, bottom, left, right) in zip(masks, places, strict=True):
        mask[top:bottom, left:right] = True
    return masks


def mixed(number: int, opacity: float) -> np.ndarray:
    return (1 - opacity) * GREY + opacity * np.array(object_colour(number), float)


def share(picture: np.ndarray, colour: np.ndarray) -> float:
    """Of the pixels of a picture that have a colour."""
    return float((np.abs(picture - colour).max(axis=2) <= 1).mean())


@pytest.mark.parametrize("number", [1, 3, 15])
def test_fill_contour_and_outside(number):
    picture = noun_overlay(frame(), boxes((60, 180, 80, 240)), [number], opacity=0.25)

    assert np.abs(picture[120, 160] - mixed(number, 0.25)).max() <= 1
    assert (picture[:50] == GREY).all()
    # The outline lies between the last pixel outside and the first inside.
    assert picture[59:61, 160].tolist() == [list(object_colour(number))] * 2
    around = np.array(contrasting(object_colour(number)), float)
    assert np.abs(picture[50:60, 160] - around).max(axis=1).min() < 60
    assert (picture[120, 160] == picture[118:123, 150:170]).all()


def test_both_nouns_are_seen_where_they_overlap():
    masks = boxes((20, 160, 20, 200), (80, 220, 100, 300))

    picture = noun_overlay(frame(), masks, [1, 2], opacity=0.5)

    shared = picture[90:150, 110:190]
    for number in (1, 2):
        assert 0.4 < share(shared, mixed(number, 0.5)) < 0.6
    assert share(shared, mixed(1, 0.5)) + share(shared, mixed(2, 0.5)) == pytest.approx(1)
    assert share(picture[30:70, 30:190], mixed(1, 0.5)) == 1
    assert share(picture[170:210, 110:290], mixed(2, 0.5)) == 1
    # The contour of each lies on top of the fill of the other.
    assert picture[159:161, 150].tolist() == [list(object_colour(1))] * 2
    assert picture[79:81, 150].tolist() == [list(object_colour(2))] * 2


def test_three_nouns_with_one_mask_take_turns_in_fill_and_contour():
    masks = boxes(*[(40, 200, 40, 280)] * 3)

    picture = noun_overlay(frame(), masks, [1, 2, 4])

    for number in (1, 2, 4):
        assert 0.25 < share(picture[60:180, 60:260], mixed(number, 0.45)) < 0.42
        line = picture[39:41, 60:260]
        assert 0.2 < share(line, np.array(object_colour(number), float)) < 0.45


def test_a_hole_is_not_filled_but_has_a_contour():
    masks = boxes((40, 200, 40, 280))
    masks[0, 90:150, 100:220] = False

    picture = noun_overlay(frame(), masks, [2])

    assert (picture[110:130, 120:200] == GREY).all()
    assert picture[89:91, 160].tolist() == [list(object_colour(2))] * 2


def test_the_border_of_the_frame_is_no_contour():
    everywhere = np.ones((1, HEIGHT, WIDTH), bool)

    picture = noun_overlay(frame(), everywhere, [1], opacity=0.5)

    assert share(picture, mixed(1, 0.5)) == 1


def test_a_tiny_mask_is_seen():
    picture = noun_overlay(frame(), boxes((100, 103, 100, 103)), [9])

    colour = np.array(object_colour(9), float)
    assert (np.abs(picture - colour).max(axis=2) < 40).sum() >= 4


def test_no_nouns_or_empty_masks_leave_the_frame_as_it_is():
    rgb = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)

    assert (noun_overlay(rgb, np.zeros((0, HEIGHT, WIDTH), bool), []) == rgb).all()
    picture = noun_overlay(rgb, np.zeros((2, HEIGHT, WIDTH), bool), [1, 2])
    assert (picture == rgb).all()
    assert picture is not rgb


def test_the_frame_and_the_masks_are_not_changed():
    rgb, masks = frame(), boxes((60, 180, 80, 240), (60, 180, 80, 240))
    before = masks.copy()

    noun_overlay(rgb, masks, [1, 2])

    assert (rgb == GREY).all()
    assert (masks == before).all()


def test_more_nouns_than_a_byte_counts():
    masks = np.ones((300, 24, 32), bool)

    picture = noun_overlay(
        np.zeros((24, 32, 3), np.uint8), masks, [1 + n % 254 for n in range(300)]
    )

    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 3


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 999),
    nouns=st.integers(1, 4),
)
def test_any_masks_of_any_size(height, width, seed, nouns):
    rng = np.random.default_rng(seed)
    rgb = rng.integers(0, 256, (height, width, 3), np.uint8)
    masks = rng.random((nouns, height, width)) < rng.random()

    picture = noun_overlay(rgb, masks, list(range(1, nouns + 1)), opacity=1.0)

    assert picture.shape == rgb.shape
    margin = 2 * contour_thickness(height, width) + 2
    far = cv2.dilate(masks.any(axis=0).astype(np.uint8), np.ones((2 * margin + 1,) * 2)) == 0
    assert (picture[far] == rgb[far]).all()


@pytest.mark.parametrize(
    ("masks", "indices", "opacity", "message"),
    [
        (np.zeros((1, 5, 6), bool), [1], 0.5, r"found \(240, 320, 3\) and \(1, 5, 6\)"),
        (np.zeros((2, HEIGHT, WIDTH), bool), [1], 0.5, "a palette index for each of 2 masks"),
        (np.zeros((1, HEIGHT, WIDTH), bool), [255], 0.5, "palette indices in 1 .. 254, found 255"),
        (np.zeros((1, HEIGHT, WIDTH), bool), [0], 0.5, "palette indices in 1 .. 254, found 0"),
        (np.zeros((1, HEIGHT, WIDTH), bool), [1], 1.5, "an opacity in 0 .. 1, found 1.5"),
    ],
)
def test_what_does_not_fit_is_refused(masks, indices, opacity, message):
    with pytest.raises(ValueError, match=message):
        noun_overlay(frame(), masks, indices, opacity=opacity)


def test_a_frame_of_480_rows_takes_a_few_milliseconds():
    rgb = np.full((480, 854, 3), GREY, np.uint8)
    masks = np.zeros((8, 480, 854), bool)
    rows, columns = np.mgrid[:480, :854]
    for number, mask in enumerate(masks):
        x, y = 110 + 90 * number, 140 + 40 * (number % 5)
        mask |= ((columns - x) / 70) ** 2 + ((rows - y) / 110) ** 2 < 1
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        noun_overlay(rgb, masks, range(1, 9))
        started = [time.process_time()]
        for _ in range(9):
            noun_overlay(rgb, masks, range(1, 9))
            started.append(time.process_time())
    finally:
        cv2.setNumThreads(threads)

    assert np.diff(started).min() < 0.03  # measured: 9 ms
