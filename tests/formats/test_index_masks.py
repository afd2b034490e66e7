"""Numbers and index masks of the objects of a store."""

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.formats.index_masks import index_mask, numbers_in_order, png_numbers

ONE = np.array([[True, False]])


def video(*masks):
    return VideoMasks("v/w", [StoredMask.from_mask(*mask) for mask in masks])


def test_ids_and_record_ids_are_numbers():
    given = video(("254", "f", ONE), ("v/w/7", "f", ONE))
    assert png_numbers(given) == {"254": 254, "v/w/7": 7}


@pytest.mark.parametrize(
    "object_id", ["0", "255", "-1", "x", "v/7", "1.0", "²", "9" * 5000, "a" * 64, " 1"]
)
def test_other_ids_are_refused(object_id):
    with pytest.raises(InputError, match="v/w: expected object ids 1 to 254") as error:
        png_numbers(video((object_id, "f", ONE)))
    assert len(str(error.value)) < 300


@pytest.mark.parametrize("same", ["01", "v/w/1"])
def test_two_objects_of_one_number_are_refused(same):
    with pytest.raises(InputError, match=f"different numbers, found '1' and '{same}'"):
        png_numbers(video(("1", "f", ONE), (same, "f", ONE)))


def test_other_ids_are_numbered_in_order_where_that_is_asked_for():
    given = video(("beef", "f", ONE), ("0abc", "f", ONE[:, ::-1]))
    numbers = numbers_in_order(given)
    assert numbers == {"beef": 1, "0abc": 2}
    assert index_mask(given, "f", numbers=numbers).tolist() == [[1, 2]]
    assert numbers_in_order(video(("7", "f", ONE), ("v/w/3", "f", ONE))) == {"7": 7, "v/w/3": 3}
    too_many = video(*((f"a{number}", "f", ONE) for number in range(255)))
    with pytest.raises(InputError, match="expected object ids 1 to 254"):
        numbers_in_order(too_many)


def test_masks_of_one_frame_have_one_size():
    with pytest.raises(InputError, match="one size on frame f, found 2x1 and 1x2"):
        index_mask(video((1, "f", ONE), (2, "f", ONE.T)), "f")


def test_a_frame_without_masks():
    with pytest.raises(InputError, match="expected a frame with masks, found 'g'"):
        index_mask(video((1, "f", ONE)), "g")


def test_damaged_run_lengths_are_named():
    damaged = VideoMasks("v", [StoredMask("1", "f", 2, 2, b"9")])
    with pytest.raises(InputError, match="v: object 1, frame f: expected runs that add up"):
        index_mask(damaged, "f")
