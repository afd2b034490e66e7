"""Image, mask and points go through one map, drawn once a clip."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.datasets.augment import (
    FILL,
    STATIC_AUGMENT,
    AugmentSettings,
    augment_clip,
    draw_color,
    draw_maps,
    warp_frame,
)
from pointvos.datasets.samples import UNKNOWN, AnnotatedFrame, SampledClip
from tests.tiny_clips import BACKGROUND, FOREGROUND, noise, point_frame, square_frame

NO_COLOR = (0.0, 0.0, 0.0, 0.0)
STRONG = AugmentSettings(
    crop=96,
    crop_scale=(0.5, 1.0),
    rotation=30,
    shear=15,
    frame_scale=(0.8, 1.25),
    frame_shift=0.1,
    clip_color=NO_COLOR,
    frame_color=NO_COLOR,
    gray=0,
)
STILL = replace(STRONG, rotation=0, shear=0, frame_scale=(1, 1), frame_shift=0)
IDENTITY_COLOR = np.hstack([np.eye(3), np.zeros((3, 1))])


def centroid(weight: NDArray[np.floating]) -> NDArray[np.float64]:
    """Centre of mass (x, y) in continuous pixels."""
    y, x = np.mgrid[: weight.shape[0], : weight.shape[1]] + 0.5
    return np.array([(x * weight).sum(), (y * weight).sum()]) / weight.sum()


def disc_clip(x: int, y: int, *, radius: int = 7, length: int = 3) -> SampledClip:
    """A red disc around the pixel (x, y) on the fill colour, with its mask and its centre."""
    rows, columns = np.mgrid[:120, :160]
    inside = (columns - x) ** 2 + (rows - y) ** 2 <= radius**2
    rgb = np.full((120, 160, 3), FILL, np.uint8)
    rgb[inside] = (255, 0, 0)
    points = {1: Points.from_pixels([(x, y)], [FOREGROUND])}
    frame = AnnotatedFrame(rgb, inside.astype(np.uint8), points)
    return SampledClip("disc", [frame] * length, [1], static=True)


def test_image_mask_and_points_stay_together() -> None:
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(40):
        clip = disc_clip(int(rng.integers(30, 130)), int(rng.integers(30, 90)))
        for frame in augment_clip(clip, STRONG, rng):
            border = np.ones_like(frame.index, dtype=bool)
            border[2:-2, 2:-2] = False
            if not len(frame.xy) or frame.index[border].any():
                continue  # cut off by the crop: its centroid is another
            red = np.maximum(frame.rgb[..., 0].astype(float) - FILL[0], 0)
            errors.append(centroid(red) - frame.xy[0])
            errors.append(centroid(frame.index.astype(float)) - frame.xy[0])
    assert len(errors) > 100
    assert np.abs(errors).max() < 0.5
    # Half a pixel too far would show here first: the errors of many draws cancel out.
    assert np.abs(np.mean(errors, axis=0)).max() < 0.05


def test_a_flip_and_a_change_of_scale_move_points_by_no_half_pixel() -> None:
    for flip in (0.0, 1.0):
        settings = replace(STILL, crop=480, crop_scale=(1, 1), flip=flip)
        (frame,) = augment_clip(disc_clip(60, 60, length=1), settings, np.random.default_rng(1))
        # Four times enlarged: half a pixel of the frame would be two of the crop.
        np.testing.assert_allclose(centroid(frame.index.astype(float)), frame.xy[0], atol=0.15)


def test_one_draw_serves_the_whole_clip() -> None:
    clip = SampledClip("square", [square_frame(20, 16)] * 3, [1], static=False)
    settings = replace(STILL, crop=64, clip_color=(0.5, 0.3, 0.3, 0.2))
    for seed in range(10):
        first, *others = augment_clip(clip, settings, np.random.default_rng(seed))
        for other in others:
            np.testing.assert_array_equal(first.rgb, other.rgb)
            np.testing.assert_array_equal(first.index, other.index)


def test_frame_draws_differ_within_a_clip() -> None:
    clip = SampledClip("square", [square_frame(20, 16)] * 3, [1], static=False)
    first, second, third = augment_clip(clip, STRONG, np.random.default_rng(0))
    assert (first.rgb != second.rgb).any()
    assert (second.rgb != third.rgb).any()


@pytest.mark.parametrize("crop_scale", [(0.05, 0.3), (0.36, 1.0), (0.44, 1.56)])
def test_the_crop_holds_the_anchor(crop_scale: tuple[float, float]) -> None:
    rng = np.random.default_rng(0)
    settings = replace(STILL, crop_scale=crop_scale)
    for _ in range(300):
        height, width = (int(side) for side in rng.integers(40, 200, 2))
        anchor = (rng.random(2) * [width, height]).astype(np.float32)
        (matrix,) = draw_maps(height, width, 1, anchor, settings, rng)
        moved = geometry.transform(anchor[None], matrix)
        assert (moved >= -1e-3).all()
        assert (moved <= settings.crop + 1e-3).all()


@pytest.mark.parametrize("crop_scale", [(0.05, 0.3), (0.36, 1.0)])
def test_a_crop_no_larger_than_the_frame_shows_nothing_outside(
    crop_scale: tuple[float, float],
) -> None:
    rng = np.random.default_rng(0)
    settings = replace(STILL, crop_scale=crop_scale)
    corners = np.array([[0, 0], [settings.crop, settings.crop]], np.float64)
    for _ in range(100):
        height, width = (int(side) for side in rng.integers(40, 200, 2))
        anchor = (rng.random(2) * [width, height]).astype(np.float32)
        (matrix,) = draw_maps(height, width, 1, anchor, settings, rng)
        inverse = np.linalg.inv(np.vstack([matrix, [0, 0, 1]]))[:2]
        source = geometry.transform(corners, inverse)
        assert source.min() >= -1e-2
        assert (source.max(axis=0) <= np.array([width, height]) + 1e-2).all()


def test_no_strength_leaves_colours_alone() -> None:
    rng = np.random.default_rng(0)
    np.testing.assert_allclose(draw_color(NO_COLOR, 0, rng), IDENTITY_COLOR, atol=1e-12)
    frame = square_frame(20, 16, size=(64, 64))
    same = warp_frame(frame, [1], np.eye(3)[:2], IDENTITY_COLOR, 64)
    np.testing.assert_array_equal(same.rgb, frame.rgb)


def test_colours_stay_within_their_strengths() -> None:
    brightness, contrast, saturation, hue = 0.2, 0.1, 0.3, 0.1
    rng = np.random.default_rng(0)
    for _ in range(200):
        matrix = draw_color((brightness, contrast, saturation, hue), 0, rng)
        for level in (0.0, 127.5, 255.0):
            gray = matrix[:, :3] @ np.full(3, level) + matrix[:, 3]
            assert np.ptp(gray) < 1e-9  # neither saturation nor hue tints a gray pixel
            low = (1 - contrast) * (1 - brightness) * level + 127.5 * contrast
            high = (1 + contrast) * (1 + brightness) * level - 127.5 * contrast
            other_low = (1 + contrast) * (1 - brightness) * level - 127.5 * contrast
            other_high = (1 - contrast) * (1 + brightness) * level + 127.5 * contrast
            bounds = (low, high, other_low, other_high)
            assert min(bounds) - 1e-9 <= gray[0] <= max(bounds) + 1e-9


def test_a_gray_clip_has_no_colour() -> None:
    matrix = draw_color(NO_COLOR, 1.0, np.random.default_rng(0))
    color = matrix[:, :3] @ np.array([200.0, 40.0, 90.0]) + matrix[:, 3]
    assert color == pytest.approx([0.299 * 200 + 0.587 * 40 + 0.114 * 90] * 3)


def test_unchosen_objects_become_background_and_void_stays_unknown() -> None:
    index = np.zeros((64, 64), np.uint8)
    index[:16], index[16:32], index[32:48] = 7, 9, 255
    frame = AnnotatedFrame(noise(0, 64, 64), index, {})
    warped = warp_frame(frame, [9], np.eye(3)[:2], IDENTITY_COLOR, 64)
    assert np.unique(warped.index[:16]).tolist() == [0]
    assert np.unique(warped.index[16:32]).tolist() == [1]
    assert np.unique(warped.index[32:48]).tolist() == [UNKNOWN]
    assert np.unique(warped.index[48:]).tolist() == [0]


def test_without_a_mask_every_pixel_is_unknown() -> None:
    frame = point_frame({1: [(20, 20)]})
    warped = warp_frame(frame, [1], np.eye(3)[:2], IDENTITY_COLOR, 48)
    assert np.unique(warped.index).tolist() == [UNKNOWN]


def test_points_of_unchosen_objects_are_negatives_and_shared_background_counts_once() -> None:
    frame = point_frame({3: [(20, 20)], 8: [(30, 30), (33, 33)]})
    warped = warp_frame(frame, [8], np.eye(3)[:2], IDENTITY_COLOR, 48)
    found = {
        (float(x), float(y)): int(c) for (x, y), c in zip(warped.xy, warped.classes, strict=True)
    }
    assert found == {(20.5, 20.5): 0, (30.5, 30.5): 1, (33.5, 33.5): 1, (1.5, 1.5): 0}
    assert len(warped.xy) == 4


def test_ambiguous_points_are_never_used() -> None:
    points = {1: Points.from_pixels([(5, 5), (9, 9), (12, 12)], [FOREGROUND, 2, BACKGROUND])}
    frame = AnnotatedFrame(noise(0), None, points)
    warped = warp_frame(frame, [1], np.eye(3)[:2], IDENTITY_COLOR, 48)
    assert warped.classes.tolist() == [1, 0]


def test_points_outside_the_crop_are_gone() -> None:
    frame = point_frame({1: [(20, 20), (60, 40)]})
    warped = warp_frame(frame, [1], np.eye(3)[:2], IDENTITY_COLOR, 48)
    assert warped.xy.tolist() == [[20.5, 20.5], [1.5, 1.5]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"crop_scale": (1.0, 0.5)}, "crop_scale: expected 0 < lowest <= highest, found 1.0, 0.5"),
        ({"frame_scale": (0.0, 0.5)}, "frame_scale"),
        ({"flip": 1.5}, "flip: expected a probability"),
        ({"rotation": -1.0}, "expected rotation"),
        ({"clip_color": (0.1, -0.1, 0.0, 0.0)}, "colours >= 0"),
        ({"shear": 90.0}, "below 90"),
    ],
)
def test_settings_that_cannot_be_drawn_from(change: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(STATIC_AUGMENT, **change)
