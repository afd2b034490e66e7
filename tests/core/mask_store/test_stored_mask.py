"""One mask: what it knows without being decoded, what may be stored."""

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import (
    StoredMask,
    VideoMasks,
    check_frame_name,
    check_object_id,
    check_video_name,
)
from pointvos.core.masks import encode_rle

MASK = np.eye(4, 6, dtype=bool)


def test_a_mask_goes_in_and_out():
    mask = StoredMask.from_mask(7, "00003", MASK, score=0.25)

    assert (mask.object_id, mask.frame, mask.score) == ("7", "00003", 0.25)
    assert (mask.height, mask.width) == (4, 6)
    assert np.array_equal(mask.decode(), MASK)
    assert mask.rle == encode_rle(MASK)
    assert mask.area == 4
    assert mask == StoredMask.from_rle("7", "00003", encode_rle(MASK), score=0.25)
    mask.check()


def test_masks_of_other_types_are_not_misread():
    grey = np.where(MASK, 255, 0).astype(np.uint8)
    assert StoredMask.from_mask(1, "0", grey) == StoredMask.from_mask(1, "0", MASK)
    with pytest.raises(ValueError, match=r"expected a mask \[H, W\], found shape \(1, 4, 6\)"):
        StoredMask.from_mask(1, "0", MASK[None])


def test_integers_of_19_digits_keep_every_digit():
    number = 9_223_372_036_854_775_807
    assert int(StoredMask.from_mask(number, "0", MASK).object_id) == number


def test_an_absent_object_has_an_area_of_0():
    assert StoredMask.from_mask(1, "0", np.zeros((480, 854), bool)).area == 0


def test_masks_are_grouped_by_object_and_frame():
    video = VideoMasks(
        "v",
        [
            StoredMask.from_mask(*place, MASK)
            for place in [("a", "9"), ("b", "10"), ("b", "2"), ("a", "2")]
        ],
    )
    assert {key: set(value) for key, value in video.objects.items()} == {
        "a": {"9", "2"},
        "b": {"10", "2"},
    }
    assert video.frames == ["2", "9", "10"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"score": 1.01}, r"score in \[0, 1\], found 1.01"),
        ({"score": -0.1}, "score"),
        ({"score": float("nan")}, "score"),
        ({"height": 3}, "expected runs that add up to 6x3 = 18 pixels, found 24"),
        ({"height": 10**6, "width": 10**6}, "expected a mask of 1 to"),
        ({"counts": b"\xffab"}, "expected the characters"),
        ({"frame": "../x"}, "frame name: expected a name inside"),
        ({"frame": "a/b"}, "expected a frame name without folders"),
        ({"object_id": ""}, "expected an object id of 1 to 1024 bytes"),
    ],
)
def test_what_no_store_may_hold_is_refused(change, message):
    good = {"object_id": "1", "frame": "0", "height": 4, "width": 6, "score": None}
    good["counts"] = encode_rle(MASK)["counts"].encode()
    with pytest.raises(InputError, match=message):
        StoredMask(**{**good, **change}).check()


def test_text_that_is_no_run_length_stays_wrong():
    """Characters outside ASCII must not become ones that run lengths may have."""
    for text in ("é", "\udc80", "?é"):
        with pytest.raises(InputError, match="expected the characters"):
            StoredMask.from_rle(1, "0", {"size": [2, 2], "counts": text}).check()


@pytest.mark.parametrize("name", ["a", "train/a.b", "Fail 001 (ä)", "-x", "...", "x" * 240])
def test_names_of_videos(name):
    check_video_name(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", ".", "..", "../a", "a/../../b", "/etc/passwd", "C:x", "a\\b", "a\0b", "a\nb"),
        *("x" * 241, "x/" * 600, "\ud800", "a//b", "./a", "a/"),
    ],
)
def test_names_that_are_no_names_of_videos(name):
    with pytest.raises(InputError, match="expected a"):
        check_video_name(name)
    with pytest.raises(InputError, match="expected a"):
        check_frame_name(name)


@pytest.mark.parametrize("name", ["1", "video/1", "../1", "0a1b" * 16])
def test_names_of_objects_are_no_paths(name):
    check_object_id(name)


def test_messages_stay_short():
    with pytest.raises(InputError) as error:
        check_video_name("x" * 10**6)
    assert len(str(error.value)) < 200
