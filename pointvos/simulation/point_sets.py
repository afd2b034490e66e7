"""Point sets from masks: PV-DAVIS and PV-YT for training, initial points for a benchmark."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.masks import object_ids
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.point_vos import PointVosRecord, simulated_record
from pointvos.simulation.farthest_points import farthest_points
from pointvos.simulation.frame_choice import FRAMES_PER_VIDEO, even_frames, random_frames
from pointvos.simulation.sample_points import (
    MIN_DISTANCE_PX,
    POINTS_PER_OBJECT,
    sample_points,
)
from pointvos.simulation.seeded import generator

BACKGROUND_POINTS = 10  # paper, Tab. 11: 6K negatives on 600 frames of PV-DAVIS
BACKGROUND = 0  # its value in an index mask


@dataclass(frozen=True, kw_only=True)
class PointSampling:
    """How points are drawn from a mask.

    Attributes:
        points: per object and frame, at most.
        background_points: per frame, shared by its objects, at most.
        min_distance: between two points of one object, or of the background, in pixels.
        sampling: "random", or "farthest", which the paper found worse (appendix A).
        seed: of every draw.
    """

    points: int = POINTS_PER_OBJECT
    background_points: int = BACKGROUND_POINTS
    min_distance: float = MIN_DISTANCE_PX
    sampling: Literal["random", "farthest"] = "random"
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        if self.points < 1 or self.background_points < 0:
            raise InputError(
                f"points: expected points >= 1 and background_points >= 0, found {self.points} and "
                f"{self.background_points}"
            )
        if not 0 <= self.min_distance < float("inf"):
            raise InputError(f"min_distance: expected pixels >= 0, found {self.min_distance}")
        if self.seed < 0:
            raise InputError(f"seed: expected an integer >= 0, found {self.seed}")


def sample_frame(
    mask: NDArray[np.uint8], rule: PointSampling, *, video: str, frame: str
) -> dict[int, NDArray[np.int64]]:
    """Draw the points of one frame from its mask.

    Args:
        mask: object ids, uint8 [H, W]; 0 is background, 255 void, which gets no points.
        rule: how.
        video: its name and `frame`, with the seed and the object id, decide the draw.
        frame: see `video`.

    Returns:
        Object id -> pixels (x, y), int64 [P, 2], in the order drawn; under `BACKGROUND` the points
        that all objects share.
    """
    return {
        object_id: sample_region(
            mask == object_id, rule, video=video, frame=frame, object_id=object_id
        )
        for object_id in [BACKGROUND, *object_ids(mask)]
    }


def sample_region(
    region: NDArray[np.bool_], rule: PointSampling, *, video: str, frame: str, object_id: int
) -> NDArray[np.int64]:
    """Draw the points of one object, or of the background, from the pixels that it covers.

    Args:
        region: bool [H, W].
        rule: how.
        video: its name, `frame` and `object_id`, with the seed, decide the draw.
        frame: see `video`.
        object_id: `BACKGROUND` for the points that all objects share.

    Returns:
        Pixels (x, y), int64 [P, 2], in the order drawn.
    """
    count = rule.background_points if object_id == BACKGROUND else rule.points
    if rule.sampling == "farthest":
        return farthest_points(region, count, min_distance=rule.min_distance)
    rng = generator(rule.seed, video, frame, object_id)
    return sample_points(region, count, min_distance=rule.min_distance, rng=rng)


def choose_frames(
    video: MaskedVideo,
    count: int = FRAMES_PER_VIDEO,
    *,
    choice: Literal["even", "random"] = "even",
    seed: int = 0,
) -> dict[str, NDArray[np.uint8]]:
    """Choose annotated frames that show an object; frame -> mask, in the order of the video.

    A chosen frame without any object is taken out and the choice repeated: the training sets of
    the paper have an object on each of their frames (Tab. 11: 600 of 60 x 10 in PV-DAVIS).

    Raises:
        InputError: `count` is below 1, or no mask of the video shows an object.
    """
    if count < 1:
        raise InputError(f"frames: expected at least 1, found {count}")
    candidates = list(video.annotated)
    masks: dict[str, NDArray[np.uint8]] = {}
    while candidates:
        if choice == "even":
            index = even_frames(len(candidates), count)
        else:
            index = random_frames(len(candidates), count, generator(seed, video.name))
        chosen = [candidates[position] for position in index]
        for frame in chosen:
            if frame not in masks:
                masks[frame] = video.read_mask(frame)
        empty = {frame for frame in chosen if not object_ids(masks[frame])}
        if not empty:
            return {frame: masks[frame] for frame in chosen}
        candidates = [frame for frame in candidates if frame not in empty]
    raise InputError(f"{video.name}: expected masks that show an object, found only empty ones")


def training_records(
    video: MaskedVideo,
    rule: PointSampling,
    *,
    frames: int = FRAMES_PER_VIDEO,
    choice: Literal["even", "random"] = "even",
) -> list[PointVosRecord]:
    """The records of one video of a training set, one an object, ids ascending.

    The background points of a chosen frame stand in the record of every object, also where the
    object itself is not on that frame.

    Raises:
        InputError: a mask is damaged or no mask of the video shows an object.
    """
    masks = choose_frames(video, frames, choice=choice, seed=rule.seed)
    drawn = {
        frame: sample_frame(mask, rule, video=video.name, frame=frame)
        for frame, mask in masks.items()
    }
    present = sorted({object_id for points in drawn.values() for object_id in points})
    return [_record(video, object_id, drawn) for object_id in present if object_id != BACKGROUND]


def benchmark_records(video: MaskedVideo, rule: PointSampling) -> list[PointVosRecord]:
    """The initial points of one video, one record an object, ids ascending.

    The reference frame of an object is the first that shows it. Its points are in the order drawn:
    a setting with k points takes the first k, so that the settings are nested.

    Raises:
        InputError: a mask is damaged or no mask of the video shows an object.
    """
    first = video.first_appearance()
    if not first:
        raise InputError(f"{video.name}: expected masks that show an object, found only empty ones")
    drawn = {
        frame: sample_frame(video.read_mask(frame), rule, video=video.name, frame=frame)
        for frame in sorted(set(first.values()), key=list(video.annotated).index)
    }
    return [_record(video, object_id, {frame: drawn[frame]}) for object_id, frame in first.items()]


def _record(
    video: MaskedVideo,
    object_id: int,
    drawn: Mapping[str, Mapping[int, NDArray[np.int64]]],
) -> PointVosRecord:
    none = np.zeros((0, 2), dtype=np.int64)
    return simulated_record(
        video=video.name,
        object_id=object_id,
        object_name=video.categories.get(object_id, f"object {object_id}"),
        frames=[
            (frame, points.get(object_id, none), points[BACKGROUND])
            for frame, points in drawn.items()
        ],
    )
