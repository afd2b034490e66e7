"""Overlays change what they should and nothing else."""

import cv2
import numpy as np
import pytest

from pointvos.core.masks import davis_palette
from pointvos.core.points import Points
from pointvos.visualize.colours import contrasting, object_colour
from pointvos.visualize.marks import mark_radius
from pointvos.visualize.overlay import contour_thickness, overlay

HEIGHT, WIDTH = 240, 320
GREY = 120


def frame() -> np.ndarray:
    return np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)


def mask_of(**boxes: tuple[int, int, int, int]) -> np.ndarray:
    """``id7=(top, bottom, left, right)`` as an index mask."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for name, (top, bottom, left, right) in boxes.items():
        mask[top:bottom, left:right] = int(name.removeprefix("id"))
    return mask


def near(mask: np.ndarray, distance: int) -> np.ndarray:
    """Pixels on the mask or at most `distance` beside it."""
    size = 2 * distance + 1
    return cv2.dilate(mask.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)


def test_only_the_object_and_its_outline_change():
    rgb = frame()
    mask = mask_of(id1=(60, 180, 80, 200))

    picture = overlay(rgb, mask)

    changed = (picture != GREY).any(axis=2)
    assert (rgb == GREY).all()  # the frame itself is not drawn into
    assert changed[mask == 1].all()
    assert not changed[~near(mask, contour_thickness(HEIGHT, WIDTH) + 2)].any()


@pytest.mark.parametrize("object_id", [1, 2, 5, 100, 254])
def test_fill_and_contour_have_the_colour_of_the_palette(object_id):
    mask = mask_of(**{f"id{object_id}": (60, 180, 80, 200)})
    colour = davis_palette()[object_id].astype(float)

    picture = overlay(frame(), mask, opacity=0.25)

    assert np.abs(picture[120, 140] - (0.75 * GREY + 0.25 * colour)).max() <= 0.5
    assert picture[60, 140].tolist() == colour.tolist()  # on the edge: the contour
    around = np.array(contrasting(object_colour(object_id)), float)
    assert np.abs(picture[50:60, 140] - around).max(axis=1).min() < 0.6 * np.abs(GREY - around[0])


def test_two_objects_and_a_hole():
    mask = mask_of(id1=(40, 200, 30, 150), id3=(40, 200, 180, 300), id0=(100, 140, 70, 110))

    picture = overlay(frame(), mask, opacity=0.5)

    palette = davis_palette().astype(float)
    assert np.abs(picture[60, 50] - (GREY + palette[1]) / 2).max() <= 0.5
    assert np.abs(picture[60, 250] - (GREY + palette[3]) / 2).max() <= 0.5
    assert picture[120, 90].tolist() == [GREY] * 3  # the middle of the hole
    assert picture[100 - 1, 90].tolist() == palette[1].tolist()  # its edge has a contour


def test_background_and_void_are_not_drawn():
    assert (overlay(frame(), mask_of(id255=(60, 180, 80, 200))) == GREY).all()
    assert (overlay(frame(), mask_of()) == GREY).all()


def test_points_are_drawn_where_they_are():
    points = Points.from_pixels([[100, 60], [250, 60], [180, 150]], [1, 0, 2])

    picture = overlay(frame(), mask_of(), points={2: points})

    radius = mark_radius(HEIGHT, WIDTH)
    changed = (picture != GREY).any(axis=2)
    for x, y in points.pixels().tolist():
        assert changed[y, x]
        changed[y - 2 * radius : y + 2 * radius + 1, x - 2 * radius : x + 2 * radius + 1] = False
    assert not changed.any()
    off_the_strokes = round(0.5 * radius)
    fill = picture[60 - off_the_strokes, 100 - off_the_strokes]
    assert fill.tolist() == davis_palette()[2].tolist()  # foreground: the colour of the object
    assert picture[60, 250 - off_the_strokes].max() < 60  # background: dark beside the cross
    assert min(picture[60, 100].min(), picture[60, 250].min()) > 250  # the strokes


def test_a_mark_is_centred_on_its_pixel():
    picture = overlay(frame(), mask_of(), points={1: Points.from_pixels([[100, 60]], [1])})

    rows, columns = np.nonzero((picture != GREY).any(axis=2))
    assert (rows.min() + rows.max(), columns.min() + columns.max()) == (2 * 60, 2 * 100)


def test_points_at_the_border_stay_inside():
    corners = Points.from_pixels([[0, 0], [WIDTH - 1, HEIGHT - 1]], [1, 0])

    picture = overlay(frame(), mask_of(), points={1: corners})

    assert (picture[0, 0] != GREY).any()
    assert (picture[-1, -1] != GREY).any()


@pytest.mark.parametrize(
    ("names", "height", "width"),
    [
        ({1: "bike"}, 240, 320),
        ({1: "a very long name that cannot possibly fit into half of a frame " * 3}, 240, 320),
        ({i: f"object {i}" for i in range(1, 60)}, 240, 320),
        ({1: "Zürich\n自転車\t\x00 bike"}, 480, 854),
        ({1: "bike", 2: "rider"}, 1080, 1920),
    ],
)
def test_the_legend_keeps_to_a_quarter_of_the_picture(names, height, width):
    rgb = np.full((height, width, 3), GREY, np.uint8)

    picture = overlay(rgb, np.zeros((height, width), np.uint8), names=names)

    rows, columns = np.nonzero((picture != GREY).any(axis=2))
    assert 0 < rows.max() <= height / 2
    assert 0 < columns.max() <= width / 2
    swatches = (picture == davis_palette()[1]).all(axis=2)
    assert swatches.any()
    # Text ends before the panel does: its last columns are plain.
    panel = picture[: rows.max() + 1, : columns.max() + 1]
    assert len(np.unique(panel[:, -3:].reshape(-1, 3), axis=0)) == 1


def test_a_picture_too_small_for_a_legend_has_none():
    rgb = np.full((32, 40, 3), GREY, np.uint8)
    assert (overlay(rgb, np.zeros((32, 40), np.uint8), names={1: "bike"}) == GREY).all()


def test_no_names_no_legend():
    assert (overlay(frame(), mask_of(), names={}) == GREY).all()


@pytest.mark.parametrize(
    ("rgb", "mask", "opacity", "message"),
    [
        (frame(), np.zeros((HEIGHT, WIDTH - 1), np.uint8), 0.5, r"found \(240, 320, 3\) and \(24"),
        (frame()[..., 0], mask_of(), 0.5, "expected a frame"),
        (frame(), mask_of(), 1.5, "an opacity in 0 .. 1, found 1.5"),
    ],
)
def test_what_does_not_fit_is_refused(rgb, mask, opacity, message):
    with pytest.raises(ValueError, match=message):
        overlay(rgb, mask, opacity=opacity)
