"""One augmentation draw for frames, masks and points of a clip.

What is drawn are matrices: one affine map of positions and one of colours for the whole clip,
joined to small ones for each frame. Frames, masks and points then go through the same map, points
as coordinates, and points are drawn into a mask last (`pointvos.datasets.reference`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel
from pointvos.datasets.samples import UNKNOWN, AnnotatedFrame, SampledClip

FILL = (124, 116, 104)  # ImageNet mean colour, as STCN fills what lies outside the image
LUMA = np.array([0.299, 0.587, 0.114])


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """How strongly clips are changed.

    The defaults are STCN's for video (REFERENCE: crop scale .36 to 1, rotation 15 and shear 10
    degrees for each frame, colours .1/.03/.03); static images take larger changes for each frame
    because they have no motion of their own.
    """

    crop: int = 384
    """Side of the square crop that the network sees, in pixels."""
    crop_scale: tuple[float, float] = (0.36, 1.0)
    """Area of the crop as a share of the largest square crop, drawn once a clip; above 1 the frame
    is smaller than the crop and the rest is filled."""
    flip: float = 0.5
    """Probability of mirroring the clip."""
    rotation: float = 15.0
    """Largest rotation of a frame, in degrees."""
    shear: float = 10.0
    """Largest shear of a frame, in degrees."""
    frame_scale: tuple[float, float] = (1.0, 1.0)
    """Range of the scale of a frame."""
    frame_shift: float = 0.0
    """Largest shift of a frame, as a share of the crop."""
    clip_color: tuple[float, float, float, float] = (0.1, 0.03, 0.03, 0.0)
    """Brightness, contrast, saturation (shares) and hue (turns) of the whole clip."""
    frame_color: tuple[float, float, float, float] = (0.01, 0.01, 0.01, 0.0)
    """The same for each frame."""
    gray: float = 0.05
    """Probability of a clip without colour."""

    def __post_init__(self) -> None:
        """Refuse ranges that cannot be drawn from."""
        for name in ("crop_scale", "frame_scale"):
            low, high = getattr(self, name)
            if not 0 < low <= high:
                raise InputError(f"{name}: expected 0 < lowest <= highest, found {low}, {high}")
        for name in ("flip", "gray"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: expected a probability, found {getattr(self, name)}")
        strengths = (self.rotation, self.frame_shift, *self.clip_color, *self.frame_color)
        if min(strengths) < 0 or not 0 <= self.shear < 90:
            raise InputError(
                "augmentation: expected rotation, shear (below 90), shift and colours >= 0, found "
                f"{min(*strengths, self.shear)}"
            )


STATIC_AUGMENT = AugmentSettings(
    rotation=20.0,
    shear=10.0,
    frame_scale=(0.8, 1.25),
    frame_shift=0.12,
    clip_color=(0.1, 0.05, 0.05, 0.05),
    frame_color=(0.1, 0.05, 0.05, 0.0),
)


@dataclass(frozen=True, eq=False)
class WarpedFrame:
    """One frame at network size.

    Attributes:
        rgb: uint8 [S, S, 3].
        index: uint8 [S, S] in slots, 0 background, o + 1 object o, 255 unknown.
        xy: float32 [P, 2], annotated positions inside the frame.
        classes: int64 [P], 0 background, o + 1 object o.
    """

    rgb: NDArray[np.uint8]
    index: NDArray[np.uint8]
    xy: NDArray[np.float32]
    classes: NDArray[np.int64]


def draw_maps(
    height: int,
    width: int,
    count: int,
    anchor: NDArray[np.float32],
    settings: AugmentSettings,
    rng: np.random.Generator,
) -> list[NDArray[np.float64]]:
    """For each of `count` frames the map from a frame of the given size to the crop.

    The crop is drawn among those that hold `anchor` (x, y), a position on the object: a clip whose
    object lies outside teaches nothing.
    """
    side = min(height, width) * math.sqrt(rng.uniform(*settings.crop_scale))
    left, top = (
        rng.uniform(max(min(0, length - side), at - side), min(max(0, length - side), at))
        for length, at in ((width, float(anchor[0])), (height, float(anchor[1])))
    )
    size = settings.crop
    clip = geometry.compose(
        geometry.translation(-left, -top), geometry.scaling(size / side, size / side)
    )
    if rng.random() < settings.flip:
        clip = geometry.compose(clip, geometry.horizontal_flip(size))
    return [geometry.compose(clip, _frame_map(settings, rng)) for _ in range(count)]


def _frame_map(settings: AugmentSettings, rng: np.random.Generator) -> NDArray[np.float64]:
    """Rotation, shear, scale and shift about the centre of the crop."""
    angle = math.radians(rng.uniform(-settings.rotation, settings.rotation))
    shear = math.tan(math.radians(rng.uniform(-settings.shear, settings.shear)))
    scale = rng.uniform(*settings.frame_scale)
    shift = rng.uniform(-settings.frame_shift, settings.frame_shift, 2) * settings.crop
    rotate = scale * np.array(
        [[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]]
    )
    linear = np.column_stack([rotate @ np.array([[1.0, shear], [0.0, 1.0]]), np.zeros(2)])
    half = settings.crop / 2
    return geometry.compose(
        geometry.translation(-half, -half),
        linear,
        geometry.translation(half + shift[0], half + shift[1]),
    )


def draw_color(
    strengths: tuple[float, float, float, float], gray: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """A 3x4 affine map of RGB: brightness, contrast about mid-gray, saturation, hue."""
    brightness, contrast, saturation = (
        1 + rng.uniform(-strength, strength) for strength in strengths[:3]
    )
    angle = 2 * math.pi * rng.uniform(-strengths[3], strengths[3])
    if rng.random() < gray:
        saturation = 0.0
    luma = np.tile(LUMA, (3, 1))
    matrix = luma + saturation * (_hue_rotation(angle) - luma)
    matrix = brightness * contrast * matrix
    offset = np.full((3, 1), 127.5 * (1 - contrast))
    return np.hstack([matrix, offset])


def _hue_rotation(angle: float) -> NDArray[np.float64]:
    """Rotation of RGB about the gray axis (Rodrigues)."""
    axis = np.full(3, 1 / math.sqrt(3))
    cross = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    cos, sin = math.cos(angle), math.sin(angle)
    return np.asarray(cos * np.eye(3) + sin * cross + (1 - cos) * np.outer(axis, axis))


def warp_frame(
    frame: AnnotatedFrame,
    object_ids: list[int],
    matrix: NDArray[np.float64],
    color: NDArray[np.float64],
    size: int,
) -> WarpedFrame:
    """Bring one frame, its mask and its points to the crop."""
    rgb = geometry.warp(frame.rgb, matrix, size, size, fill=FILL)
    colored = cv2.transform(rgb.astype(np.float32), color)
    rgb = np.rint(np.clip(colored, 0, 255)).astype(np.uint8)
    if frame.index is None:
        index = np.full((size, size), UNKNOWN, np.uint8)
    else:
        # Objects that were not chosen count as background, as in STCN (REFERENCE, B.2).
        slots = np.zeros(256, np.uint8)
        slots[UNKNOWN] = UNKNOWN
        for slot, object_id in enumerate(object_ids, start=1):
            slots[object_id] = slot
        index = geometry.warp(slots[frame.index], matrix, size, size, nearest=True)
    xy, classes = _points_in_slots(frame, object_ids)
    xy = geometry.transform(xy, matrix)
    kept = geometry.inside(xy, size, size)
    return WarpedFrame(rgb, index, xy[kept], classes[kept])


def _points_in_slots(
    frame: AnnotatedFrame, object_ids: list[int]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All points of a frame with their class; a foreground point of another object is background.

    Background points stand with every object; those of the first chosen object are all of them.
    """
    xy, classes = [np.zeros((0, 2), np.float32)], [np.zeros(0, np.int64)]
    background_of = next((i for i in object_ids if i in frame.points), None)
    for object_id, points in frame.points.items():
        slot = object_ids.index(object_id) + 1 if object_id in object_ids else 0
        wanted = points.labels == PointLabel.FOREGROUND
        if object_id == background_of:
            wanted |= points.labels == PointLabel.BACKGROUND
        xy.append(points.xy[wanted])
        classes.append(np.where(points.labels[wanted] == PointLabel.FOREGROUND, slot, 0))
    return np.concatenate(xy), np.concatenate(classes).astype(np.int64)


def augment_clip(
    clip: SampledClip, settings: AugmentSettings, rng: np.random.Generator
) -> list[WarpedFrame]:
    """Draw one augmentation for the clip and apply it to every frame."""
    height, width = clip.frames[0].rgb.shape[:2]
    anchor = _position_on_object(clip, rng)
    maps = draw_maps(height, width, len(clip.frames), anchor, settings, rng)
    clip_color = draw_color(settings.clip_color, settings.gray, rng)
    warped = []
    for frame, matrix in zip(clip.frames, maps, strict=True):
        color = _after(clip_color, draw_color(settings.frame_color, 0.0, rng))
        warped.append(warp_frame(frame, clip.object_ids, matrix, color, settings.crop))
    return warped


def _position_on_object(clip: SampledClip, rng: np.random.Generator) -> NDArray[np.float32]:
    """A random annotated position (x, y) on a random chosen object of the reference frame."""
    frame = clip.frames[0]
    object_id = clip.object_ids[rng.integers(len(clip.object_ids))]
    if object_id in frame.points and len(frame.points[object_id].foreground):
        positions = frame.points[object_id].foreground.xy
        return np.asarray(positions[rng.integers(len(positions))])
    assert frame.index is not None, "an annotated object has points or a mask"
    places = np.flatnonzero(frame.index == object_id)
    y, x = divmod(int(places[rng.integers(len(places))]), frame.index.shape[1])
    return geometry.pixel_centres(np.array([x, y]))


def _after(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.float64]:
    """The colour map that applies `first`, then `second`."""
    return np.hstack([second[:, :3] @ first[:, :3], second[:, :3] @ first[:, 3:] + second[:, 3:]])
