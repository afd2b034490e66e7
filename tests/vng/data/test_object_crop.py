"""What a classifier sees of an object."""

import numpy as np
import pytest

from vng.data.object_crop import GRAY, object_crop


def scene(height: int, width: int, box: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    left, top, right, bottom = box
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    rgb = np.full((height, width, 3), 200, np.uint8)
    rgb[mask] = (10, 60, 110)
    return rgb, mask


@pytest.mark.parametrize("box", [(10, 10, 30, 20), (100, 60, 580, 360), (0, 0, 4, 4)])
def test_the_object_fills_the_square(box: tuple[int, int, int, int]) -> None:
    rgb, mask = scene(400, 600, box)
    crop = object_crop(rgb, mask, 112, alone=True)
    assert crop.shape == (112, 112, 3)
    seen = np.abs(crop.astype(int) - (10, 60, 110)).max(axis=-1) < 8
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    sides = sorted([rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1])
    width, height = box[2] - box[0], box[3] - box[1]
    # A magnified rim is blurred over as many pixels as one became.
    blur = 2 + 2 * max(1, 112 / 1.15 / max(width, height))
    assert sides[1] == pytest.approx(112 / 1.15, abs=blur)
    assert sides[0] == pytest.approx(112 / 1.15 * min(width, height) / max(width, height), abs=blur)
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(55.5, abs=2)
    assert np.abs(crop[0, 0].astype(int) - GRAY).max() < 8


def test_what_surrounds_it() -> None:
    rgb, mask = scene(40, 40, (10, 10, 30, 30))
    assert (object_crop(rgb, mask, 46, alone=False)[0, 0] == 200).all()
    assert (object_crop(rgb, mask, 46, alone=True)[0, 0] == GRAY).all()
    rgb, mask = scene(40, 40, (0, 0, 20, 20))
    assert (object_crop(rgb, mask, 46, alone=False)[0, 0] == GRAY).all()  # outside the image


def test_masks_that_show_nothing() -> None:
    rgb, mask = scene(8, 8, (2, 2, 4, 4))
    with pytest.raises(ValueError, match="with an object, found"):
        object_crop(rgb, np.zeros_like(mask), 16, alone=True)
    with pytest.raises(ValueError, match=r"expected a mask \(8, 8\)"):
        object_crop(rgb, mask[:4], 16, alone=True)
