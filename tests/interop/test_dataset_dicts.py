"""Boxes, categories, annotations; half a pixel."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.points import Points
from pointvos.interop.dataset_dicts import (
    Categories,
    box_of_mask,
    box_of_pixels,
    fixed_classes,
    mask_annotation,
    point_annotation,
)


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=9), elements=st.booleans()))
def test_the_box_of_a_mask_is_that_of_its_pixels(mask: np.ndarray) -> None:
    rows, columns = np.nonzero(mask)
    assert box_of_mask(StoredMask.from_mask(1, "0", mask)) == box_of_pixels(
        np.stack([columns, rows], axis=1)
    )


def test_a_box_spans_whole_pixels() -> None:
    assert box_of_pixels(np.array([[3, 5]])) == [3.0, 5.0, 4.0, 6.0]
    assert box_of_pixels(np.array([[3, 5], [9, 2]])) == [3.0, 2.0, 10.0, 6.0]
    assert box_of_pixels(np.zeros((0, 2), int)) is None


def test_runs_of_no_pixels_do_not_widen_a_box() -> None:
    # 4x4, column by column: 5 off, 1 on, then an empty run of the object before 10 off.
    mask = StoredMask("1", "0", 4, 4, counts_of([5, 1, 4, 0, 6]))
    assert box_of_mask(mask) == [1.0, 1.0, 2.0, 2.0]


def counts_of(runs: list[int]) -> bytes:
    """Small runs in COCO's code, one character each."""
    text = ""
    for place, run in enumerate(runs):
        value = run - (runs[place - 2] if place > 2 else 0)
        assert -16 <= value < 16
        text += chr(48 + (value & 0x1F))
    return text.encode()


def test_damaged_runs_are_named() -> None:
    with pytest.raises(InputError, match="object bike, frame 00003: expected runs that add up"):
        box_of_mask(StoredMask("bike", "00003", 4, 4, counts_of([5, 1])))


def test_ambiguous_points_are_left_out_and_pixels_stay_integers() -> None:
    points = Points.from_pixels([[3, 5], [7, 1], [0, 0]], [1, 2, 0])
    assert point_annotation(points, [3.0, 5.0, 4.0, 6.0], box_mode=0, category_id=2) == {
        "bbox": [3.0, 5.0, 4.0, 6.0],
        "bbox_mode": 0,
        "category_id": 2,
        "point_coords": [[3, 5], [0, 0]],
        "point_labels": [1, 0],
    }


def pointsup_samples(values: np.ndarray, xy: np.ndarray, box: list[float]) -> np.ndarray:
    """What PointSup's head reads at points from a prediction that fills `box`.

    Its mapper adds half a pixel, its head divides by the box and samples bilinearly with
    align_corners=False.
    """
    start, end = np.array(box[:2]), np.array(box[2:])
    relative = (xy + 0.5 - start) / (end - start)
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(values)[None, None],
        torch.from_numpy(2 * relative - 1)[None, None],
        align_corners=False,
    )
    return sampled[0, 0, 0].numpy()


def test_pointsup_reads_the_pixel_that_was_annotated() -> None:
    rng = np.random.default_rng(0)
    values = rng.random((12, 17))  # one for each pixel of a box that begins at (20, 30)
    pixels = np.stack([rng.integers(20, 37, 40), rng.integers(30, 42, 40)], axis=1)
    one = point_annotation(
        Points.from_pixels(pixels, np.ones(40, int)), [0.0] * 4, box_mode=0, category_id=0
    )
    box = [20.0, 30.0, 37.0, 42.0]
    expected = values[pixels[:, 1] - 30, pixels[:, 0] - 20]

    read = pointsup_samples(values, np.array(one["point_coords"], float), box)
    np.testing.assert_allclose(read, expected, atol=1e-9)

    centres = pointsup_samples(values, np.array(one["point_coords"]) + 0.5, box)
    assert np.abs(centres - expected).mean() > 0.1  # what half a pixel costs


def test_a_mask_is_compressed_run_lengths_as_text() -> None:
    mask = np.zeros((4, 5), bool)
    mask[1:3, 2:4] = True
    stored = StoredMask.from_mask("a", "0", mask)
    one = mask_annotation(stored, [2.0, 1.0, 4.0, 3.0], box_mode=0, category_id=0)
    assert one["segmentation"] == {"size": [4, 5], "counts": stored.counts.decode()}


def test_categories_are_one_or_sorted_names_or_a_given_list() -> None:
    one = Categories(None, ["dog"])
    assert (one.classes, one.id_of("dog", source="x"), one.id_of(None, source="x")) == (
        ["object"],
        0,
        0,
    )
    names = Categories("names", ["dog", "bike", None, "dog"])
    assert (names.classes, names.id_of("dog", source="x")) == (["bike", "dog"], 1)
    assert Categories(["dog", "bike"]).id_of("dog", source="x") == 0
    assert fixed_classes("names") is None


@pytest.mark.parametrize(
    ("categories", "message"),
    [
        ("person", "expected 'names', a list of names or nothing, found 'person'"),
        ([], "expected different names"),
        (["dog", "dog"], "expected different names"),
    ],
)
def test_categories_that_are_none(categories: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fixed_classes(categories)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["cat", None])
def test_a_name_that_is_no_category(name: str | None) -> None:
    with pytest.raises(InputError, match=r"points\.json: b/1: expected a name among 1 categories"):
        Categories(["dog"]).id_of(name, source="points.json: b/1")


def test_names_without_names() -> None:
    with pytest.raises(InputError, match="expected objects with names for 'names', found none"):
        Categories("names", [None])
