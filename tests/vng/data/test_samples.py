"""Clips with a text, and batches of them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from vng.data.samples import NarratedClip, collate_narrated, still_clip

TEXT = "A dog and a ball."
DOG, BALL = (2, 5), (12, 16)


def clip(height: int = 6, width: int = 8, *spans: tuple[int, int]) -> NarratedClip:
    rgb = np.full((height, width, 3), 51, np.uint8)
    mask = np.zeros((height, width), bool)
    mask[1:3, 2:5] = True
    return still_clip("set/one", rgb, TEXT, [(span, mask) for span in spans or (DOG,)], 2)


def test_a_still_clip_repeats_its_image() -> None:
    found = clip(6, 8, DOG, BALL)
    assert found.still
    assert found.rgb.shape == (2, 6, 8, 3)
    assert found.masks.shape == (2, 2, 6, 8)
    assert found.known.all()
    assert found.spans == (DOG, BALL)
    assert found.shown.tolist() == [True, True]
    assert (found.masks.sum(axis=(2, 3)) == 6).all()


def test_a_batch_is_padded_right_and_below() -> None:
    batch = collate_narrated([clip(), clip(4, 10, DOG, BALL)])
    assert batch.frames_BT3HW.shape == (2, 2, 3, 6, 10)
    assert batch.sizes_B2.tolist() == [[6, 8], [4, 10]]
    assert batch.masks_BNTHW.shape == (2, 2, 2, 6, 10)
    assert batch.known_BNT[0].tolist() == [[True, True], [False, False]]
    assert batch.texts == (TEXT, TEXT)
    assert batch.spans == ((DOG,), (DOG, BALL))
    torch.testing.assert_close(batch.frames_BT3HW[0, :, :, :, :8], torch.full((2, 3, 6, 8), 0.2))
    assert (batch.frames_BT3HW[0, :, :, :, 8:] == 0).all()
    assert (batch.frames_BT3HW[1, :, :, 4:] == 0).all()
    assert int(batch.masks_BNTHW.sum()) == 3 * 2 * 6  # three nouns on two frames
    assert batch.to("cpu").texts == batch.texts


def test_clips_of_several_lengths_make_no_batch() -> None:
    one = clip()
    short = replace(one, rgb=one.rgb[:1], masks=one.masks[:, :1], known=one.known[:, :1])
    with pytest.raises(ValueError, match=r"expected clips of one length, found \[1, 2\]"):
        collate_narrated([one, short])


def test_arrays_that_do_not_belong_together() -> None:
    one = clip()
    with pytest.raises(ValueError, match=r"set/one: expected masks \(1, 2, 6, 8\)"):
        replace(one, masks=one.masks[:, :1])
    with pytest.raises(ValueError, match="expected nouns inside the 17 characters"):
        replace(one, spans=((12, 18),))
