"""One augmentation draw for the frames and masks of a narrated clip; its text is never touched.

Size, crop, mirroring and colours are drawn once a clip. An image, which has no motion of its own,
moves a little from frame to frame. A narrative that says left or right is never mirrored. Colours
change little, since narratives name them.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.datasets.augment import FILL, draw_color
from vng.data.samples import NarratedClip

CROP_DRAWS = 10  # until a crop keeps what it must
KEPT_OBJECT = 0.5  # share of its pixels from which a crop keeps an object
SMOOTHED = 0.75  # below this scale a frame is averaged down before it is warped
BITS = 8  # masks in a byte

# Words of their own: not "bright", "leftover" or "copyright", but "left-hand" and "rightmost".
_SIDES = re.compile(
    r"(?<![^\W_])(?:left|right)(?:most|hand(?:ed)?|side|wards?)?(?![^\W_])"
    r"|(?<![^\W_])(?:anti|counter)?-?clockwise(?![^\W_])",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class NarratedAugment:
    """How strongly narrated clips are changed. Sizes are ReferFormer's."""

    short_sides: tuple[int, ...] = (288, 320, 352, 392, 416, 448, 480, 512)
    """Lengths of the shorter side to draw from, in pixels."""
    longest: int = 640
    """Most pixels on the longer side."""
    crop: float = 0.5
    """Probability that a part of the frame is cut out first."""
    crop_scale: tuple[float, float] = (0.3, 1.0)
    """Area of that part as a share of the frame."""
    crop_keeps: float = 0.75
    """Share of the nouns whose objects, by half of their pixels, such a part must keep."""
    flip: float = 0.5
    """Probability of mirroring a clip whose narrative says neither left nor right; 0 for never."""
    color: tuple[float, float, float, float] = (0.12, 0.2, 0.3, 0.02)
    """Brightness, contrast, saturation (shares) and hue (turns) of the whole clip."""
    rotation: float = 8.0
    """Largest rotation of an image in the course of its clip, in degrees."""
    shear: float = 4.0
    """Largest shear of an image in the course of its clip, in degrees."""
    zoom: float = 0.1
    """Largest change of scale of an image in the course of its clip, as a share."""
    shift: float = 0.06
    """Largest shift of an image in the course of its clip, as a share of its shorter side."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be drawn from."""
        if not self.short_sides or min(self.short_sides) < 1:
            raise InputError(f"short_sides: expected lengths >= 1, found {self.short_sides}")
        if self.longest < max(self.short_sides):
            raise InputError(
                f"longest: expected at least the largest of short_sides, found {self.longest}"
            )
        low, high = self.crop_scale
        if not 0 < low <= high <= 1:
            raise InputError(
                f"crop_scale: expected 0 < lowest <= highest <= 1, found {low}, {high}"
            )
        for name in ("crop", "crop_keeps", "flip"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: expected a share, found {getattr(self, name)}")
        if min(self.rotation, self.shear, self.zoom, self.shift, *self.color) < 0:
            raise InputError("augmentation: expected motion and colours >= 0, found less")
        if self.shear >= 90 or self.zoom >= 1:
            raise InputError(
                f"augmentation: expected shear below 90 and zoom below 1, found {self.shear} and "
                f"{self.zoom}"
            )


def says_side(text: str) -> bool:
    """Whether a narrative says left or right (or clockwise), so that its mirror image is another.

    >>> says_side("the Left-hand dog"), says_side("a bright copyright leftover")
    (True, False)
    """
    return _SIDES.search(text) is not None


def augment_narrated(
    clip: NarratedClip, settings: NarratedAugment, rng: np.random.Generator
) -> NarratedClip:
    """Draw one augmentation and apply it to all frames and masks.

    A noun that the crop took away altogether is not known afterwards: its words may mean another
    object that is still there.
    """
    left, top, right, bottom = _crop(clip, settings, rng)
    out_height, out_width = _size(bottom - top, right - left, settings, rng)
    scale = out_width / (right - left), out_height / (bottom - top)
    base = geometry.compose(geometry.translation(-left, -top), geometry.scaling(*scale))
    flips = rng.random() < settings.flip
    if flips and not says_side(clip.text):
        base = geometry.compose(base, geometry.horizontal_flip(out_width))
    frames = len(clip.rgb)
    maps = [base] * frames
    if clip.still:
        motion = _motion(settings, frames, out_height, out_width, rng)
        maps = [geometry.compose(base, one) for one in motion]
    color = draw_color(settings.color, 0.0, rng)
    rgb = np.empty((frames, out_height, out_width, 3), np.uint8)
    masks = np.empty((len(clip.spans), frames, out_height, out_width), bool)
    for t, matrix in enumerate(maps):
        smooth, before = _averaged(clip.rgb[t], min(scale))
        shrunk = geometry.compose(geometry.scaling(*before), matrix)
        warped = geometry.warp(smooth, shrunk, out_height, out_width, fill=FILL)
        colored = cv2.transform(warped.astype(np.float32), color)
        rgb[t] = np.rint(np.clip(colored, 0, 255))
        masks[:, t] = _warp_masks(clip.masks[:, t], matrix, out_height, out_width)
    lost = clip.shown & ~replace(clip, rgb=rgb, masks=masks).shown
    return replace(clip, rgb=rgb, masks=masks, known=clip.known & ~lost[:, None])


def _size(
    height: float, width: float, settings: NarratedAugment, rng: np.random.Generator
) -> tuple[int, int]:
    """A drawn size at about the proportions of the part that is shown."""
    short = int(settings.short_sides[rng.integers(len(settings.short_sides))])
    scale = min(short / min(height, width), settings.longest / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def _crop(
    clip: NarratedClip, settings: NarratedAugment, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """The part to show, (left, top, right, bottom) in pixels; the whole frame if none will do."""
    height, width = clip.rgb.shape[1:3]
    whole = 0, 0, width, height
    if rng.random() >= settings.crop:
        return whole
    seen = np.logical_or.reduce(clip.masks, axis=1)  # [N, H, W], in any of the frames
    area = seen.sum(axis=(1, 2))
    seen, area = seen[area > 0], area[area > 0]
    for _ in range(CROP_DRAWS):
        share = math.sqrt(rng.uniform(*settings.crop_scale))
        stretch = math.exp(rng.uniform(-0.25, 0.25))
        part_width = min(width, max(1, round(width * share * stretch)))
        part_height = min(height, max(1, round(height * share / stretch)))
        left = int(rng.integers(width - part_width + 1))
        top = int(rng.integers(height - part_height + 1))
        part = left, top, left + part_width, top + part_height
        inside = seen[:, part[1] : part[3], part[0] : part[2]].sum(axis=(1, 2))
        kept = inside >= KEPT_OBJECT * area
        if not len(kept) or (kept.any() and kept.mean() >= settings.crop_keeps):
            return part
    return whole


def _motion(
    settings: NarratedAugment, frames: int, height: int, width: int, rng: np.random.Generator
) -> list[NDArray[np.float64]]:
    """For each frame a map about the centre of the picture, from one drawn end to another."""
    limits = np.array(
        [
            math.radians(settings.rotation),
            math.radians(settings.shear),
            settings.zoom,
            *[settings.shift * min(height, width)] * 2,
        ]
    )
    first, last = rng.uniform(-limits, limits), rng.uniform(-limits, limits)
    centre = width / 2, height / 2
    maps = []
    for at in np.linspace(0, 1, frames) if frames > 1 else [0.0]:
        angle, shear, zoom, x, y = (1 - at) * first + at * last
        rotate = (1 + zoom) * np.array(
            [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
        )
        linear = np.column_stack([rotate @ [[1.0, math.tan(shear)], [0.0, 1.0]], np.zeros(2)])
        maps.append(
            geometry.compose(
                geometry.translation(-centre[0], -centre[1]),
                linear,
                geometry.translation(centre[0] + x, centre[1] + y),
            )
        )
    return maps


def _averaged(
    rgb: NDArray[np.uint8], scale: float
) -> tuple[NDArray[np.uint8], tuple[float, float]]:
    """A frame small enough to be warped without aliasing, and the factors that undo that."""
    if scale >= SMOOTHED:
        return rgb, (1.0, 1.0)
    height, width = rgb.shape[:2]
    small = max(1, round(height * scale)), max(1, round(width * scale))
    smooth = cv2.resize(rgb, (small[1], small[0]), interpolation=cv2.INTER_AREA)
    return np.asarray(smooth, np.uint8), (width / small[1], height / small[0])


def _warp_masks(
    masks: NDArray[np.bool_], matrix: NDArray[np.float64], height: int, width: int
) -> NDArray[np.bool_]:
    """Masks [N, H, W] through one map, eight at a time as the bits of a byte."""
    warped = np.empty((len(masks), height, width), bool)
    for first in range(0, len(masks), BITS):
        group = masks[first : first + BITS].view(np.uint8)
        plane = np.zeros(masks.shape[1:], np.uint8)
        for bit, mask in enumerate(group):
            plane |= mask << np.uint8(bit)
        plane = geometry.warp(plane, matrix, height, width, nearest=True)
        for bit in range(len(group)):
            warped[first + bit] = plane & np.uint8(1 << bit)
    return warped
