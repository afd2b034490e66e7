"""Augmentation of narrated clips."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from vng.data.augment import NarratedAugment, augment_narrated, says_side
from vng.data.samples import NarratedClip

HEIGHT, WIDTH = 60, 80
PLAIN = NarratedAugment(
    short_sides=(HEIGHT,),
    longest=WIDTH,
    crop=0,
    flip=0,
    color=(0, 0, 0, 0),
    rotation=0,
    shear=0,
    zoom=0,
    shift=0,
)


def clip(*boxes: tuple[int, int, int, int], frames: int = 2, still: bool = False) -> NarratedClip:
    """Objects in boxes (left, top, right, bottom), painted in grays of their own."""
    rgb = np.zeros((frames, HEIGHT, WIDTH, 3), np.uint8)
    masks = np.zeros((len(boxes), frames, HEIGHT, WIDTH), bool)
    for noun, (left, top, right, bottom) in enumerate(boxes):
        for t in range(frames):
            move = 0 if still else 2 * t
            masks[noun, t, top:bottom, left + move : right + move] = True
            rgb[t][masks[noun, t]] = 60 + 20 * noun
    text = "dog " * len(boxes)
    spans = tuple((4 * noun, 4 * noun + 3) for noun in range(len(boxes)))
    return NarratedClip("v", rgb, text, spans, masks, np.ones((len(boxes), frames), bool), still)


def augment(one: NarratedClip, seed: int = 0, **changes: Any) -> NarratedClip:
    return augment_narrated(one, replace(PLAIN, **changes), np.random.default_rng(seed))


BOX = (20, 20, 40, 44)


def test_without_changes_nothing_changes() -> None:
    one = clip(BOX, (50, 10, 70, 30))
    same = augment(one)
    assert (same.rgb == one.rgb).all()
    assert (same.masks == one.masks).all()
    assert same.known.all()
    assert (same.text, same.spans) == (one.text, one.spans)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32), st.booleans())
def test_frames_and_masks_move_together(seed: int, still: bool) -> None:
    corners = [(1 + 20 * column, 1 + 20 * row) for row in range(3) for column in range(3)]
    boxes = [(x, y, x + 16, y + 16) for x, y in corners]  # more than a byte of them
    found = augment_narrated(
        clip(*boxes, still=still),
        NarratedAugment(
            short_sides=(50, 60), longest=100, crop_scale=(0.6, 1.0), color=(0, 0, 0, 0)
        ),
        np.random.default_rng(seed),
    )
    height, width = found.rgb.shape[1:3]
    assert min(height, width) <= 60
    assert max(height, width) <= 100
    for noun in range(len(boxes)):
        for rgb, mask in zip(found.rgb, found.masks[noun], strict=True):
            # A nearest mask and a bilinear picture differ on the rim alone.
            seven = np.ones((7, 7), np.uint8)
            core = cv2.erode(
                mask.astype(np.uint8), seven, borderType=cv2.BORDER_CONSTANT, borderValue=0
            )
            assert np.abs(rgb[core > 0].astype(int) - (60 + 20 * noun)).max(initial=0) <= 2


def test_sizes_keep_proportions_and_limits() -> None:
    sizes = {
        augment(clip(BOX), seed, short_sides=(30, 45, 120), longest=120).rgb.shape[1:3]
        for seed in range(30)
    }
    assert sizes == {(30, 40), (45, 60), (90, 120)}


def test_mirroring() -> None:
    one = clip(BOX)
    mirrored = augment(one, flip=1)
    assert (mirrored.rgb == one.rgb[:, :, ::-1]).all()
    assert (mirrored.masks == one.masks[..., ::-1]).all()
    assert mirrored.text == one.text
    told = replace(one, text="the Left-most dog", spans=((14, 17),))
    assert (augment(told, flip=1).rgb == one.rgb).all()
    assert (augment(one, flip=0).rgb == one.rgb).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("it turns LEFT.", True),
        ("the right-hand dog", True),
        ("the righthand one", True),
        ("the leftmost cup", True),
        ("a rightmost, small cup", True),
        ("it drifts rightwards", True),
        ("on the left/top", True),
        ("left_hand", True),
        ("it spins anti-clockwise", True),
        ("a bright copyright", False),
        ("upright and cleft", False),
        ("leftovers are rightly eaten", False),
        ("a dog", False),
        ("", False),
    ],
)
def test_words_that_forbid_mirroring(text: str, expected: bool) -> None:
    assert says_side(text) is expected


@settings(deadline=None)
@given(st.integers(0, 2**32))
def test_a_crop_keeps_most_objects(seed: int) -> None:
    boxes = [(6, 6, 20, 20), (60, 6, 74, 20), (6, 40, 20, 54), (60, 40, 74, 54)]
    one = clip(*boxes, frames=1)
    found = augment(one, seed, crop=1, crop_scale=(0.3, 0.9), crop_keeps=0.75)
    scale = found.rgb[0].size / one.rgb[0].size  # a part is brought to the size of the whole
    kept = [
        found.masks[noun].sum() > 0.45 * scale * one.masks[noun].sum() for noun in range(len(boxes))
    ]
    assert sum(kept) >= 3


def test_a_crop_does_cut() -> None:
    one = clip(BOX)
    areas = [
        augment(one, seed, crop=1, crop_scale=(0.3, 0.5)).masks[0, 0].mean() for seed in range(20)
    ]
    assert np.median(areas) > 1.5 * one.masks[0, 0].mean()


def test_an_object_that_is_cut_off_is_unknown_not_absent() -> None:
    boxes = [(2, 2, 8, 8), *[(50, 30, 60, 40)] * 5]
    gone = 0
    for seed in range(60):
        found = augment(clip(*boxes), seed, crop=1, crop_scale=(0.2, 0.4), crop_keeps=0.8)
        assert (found.known.all(axis=1) == found.shown).all()
        assert not found.known[~found.shown].any()
        gone += not found.shown[0]
    assert gone > 5


def test_a_noun_that_was_absent_stays_known() -> None:
    one = clip(BOX, (0, 0, 0, 0))
    found = augment(one, crop=1, crop_scale=(0.5, 0.8))
    assert found.known.all()
    assert found.shown.tolist() == [True, False]


def test_only_images_are_set_in_motion() -> None:
    moving = {"rotation": 8.0, "shear": 4.0, "zoom": 0.1, "shift": 0.06}
    still = augment(clip(BOX, frames=4, still=True), 1, **moving)
    centres = [np.argwhere(mask).mean(axis=0) for mask in still.masks[0]]
    steps = np.diff(centres, axis=0)
    assert np.abs(centres[3] - centres[0]).max() > 1
    assert np.abs(steps - steps.mean(axis=0)).max() < 0.6  # evenly, from one end to the other
    video = clip(BOX, frames=4)
    assert (augment(video, 1, **moving).rgb == video.rgb).all()


def test_colours_are_drawn_once_a_clip() -> None:
    one = clip(BOX, still=True)
    found = augment(one, 3, color=(0.2, 0.3, 0.3, 0.02))
    assert (found.rgb[0] == found.rgb[1]).all()
    assert (found.rgb != one.rgb).any()
    assert (found.masks == one.masks).all()


def test_shrinking_averages() -> None:
    one = clip(BOX)
    checks = np.indices((HEIGHT, WIDTH)).sum(axis=0) % 2 * 200
    fine = replace(one, rgb=np.repeat(checks[None, ..., None], 2, 0).repeat(3, -1).astype(np.uint8))
    small = augment(fine, short_sides=(15,), longest=20)
    assert np.abs(small.rgb[:, 1:-1, 1:-1].astype(int) - 100).max() <= 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"short_sides": ()}, "short_sides: expected lengths >= 1"),
        ({"short_sides": (900,)}, "longest: expected at least the largest of short_sides"),
        ({"crop_scale": (0.0, 1.0)}, "crop_scale: expected 0 < lowest <= highest <= 1"),
        ({"flip": 1.5}, r"flip: expected a share, found 1\.5"),
        ({"rotation": -1.0}, "expected motion and colours >= 0"),
        ({"zoom": 1.0}, "expected shear below 90 and zoom below 1"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        NarratedAugment(**changes)
