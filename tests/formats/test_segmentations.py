"""Segmentations of COCO files: the three ways to write one, and what is refused."""

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from pointvos.core.errors import InputError
from pointvos.core.masks import decode_rle, encode_rle
from pointvos.formats.segmentations import read_segmentation, stored_segmentation

MASK = np.zeros((5, 7), bool)
MASK[1:4, 2:6] = True


def test_the_three_ways_give_the_same_mask():
    runs = encode_rle(MASK)
    column = MASK.T.ravel().astype(int)
    changes = np.flatnonzero(np.diff(column)) + 1
    counts = np.diff([0, *changes, column.size]).tolist()
    polygon = [2, 1, 6, 1, 6, 4, 2, 4]
    for value in (runs, {"size": [5, 7], "counts": counts}, [polygon]):
        assert read_segmentation(value, 5, 7) == runs


def test_the_union_of_polygons_is_that_of_pycocotools():
    polygons = [[0.0, 0.0, 3.5, 0.0, 3.5, 2.2, 0, 2.2], [5, 3, 9, 3, 7.25, -1.5]]
    expected = coco_mask.merge(coco_mask.frPyObjects(polygons, 5, 7))
    assert np.array_equal(
        decode_rle(read_segmentation(polygons, 5, 7)), coco_mask.decode(expected).astype(bool)
    )


def test_an_empty_mask_is_one():
    assert stored_segmentation({"size": [5, 7], "counts": [35]}, "1", "f", 5, 7).area == 0


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (7, "expected run lengths, polygons or null, found 7"),
        ("U1", "expected run lengths, polygons or null"),
        ([], "expected polygons, found an empty list; null says not annotated"),
        ([[1, 1, 2, 2]], "expected polygons"),
        ([[1, 1, 2, 2, 3, 3, 4]], "expected polygons"),
        ([[1, 1, 2, "2", 3, 3]], "expected polygons"),
        ([[1, 1, 2, True, 3, 3]], "expected polygons"),
        ([1, 1, 3, 3], "expected polygons"),
        ([[1, 1, 2, 2, 3, 1e12]], "or a little outside, found the coordinate 1000000000000.0"),
        ([[1, 1, 2, 2, 3, float("nan")]], "found the coordinate nan"),
        ([[10**400] * 6], "found the coordinate 1000"),
        ({"size": [7, 5], "counts": [35]}, r"= \[5, 7\], found \[7, 5\]"),
        ({"counts": [35]}, r"= \[5, 7\], found None"),
        ({"size": [5, 7]}, "expected counts as text or a list, found None"),
        ({"size": [5, 7], "counts": [30, 4]}, "add up to 7x5 = 35, found a sum of 34"),
        ({"size": [5, 7], "counts": [-1, 36]}, "add up to 7x5 = 35, found another value"),
        ({"size": [5, 7], "counts": [35.0]}, "found another value among them"),
        ({"size": [5, 7], "counts": "1"}, "expected runs that add up to 7x5 = 35 pixels, found 1"),
        ({"size": [5, 7], "counts": "\ud800"}, "expected the characters '0' to 'o'"),
    ],
)
def test_garbage_is_refused(value, message):
    with pytest.raises(InputError, match=f"frame f: .*{message}") as error:
        stored_segmentation(value, "1", "f", 5, 7)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(("height", "width"), [(0, 5), (5, -1), (10**6, 10**6)])
def test_impossible_sizes_are_refused(height, width):
    with pytest.raises(InputError, match="expected a mask of 1 to"):
        read_segmentation([[0, 0, 1, 0, 1, 1]], height, width)


def test_too_many_corners_are_refused():
    with pytest.raises(InputError, match="expected at most 1000000 corners"):
        read_segmentation([[1.0] * 2_000_002], 5, 7)
