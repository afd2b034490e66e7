"""Point-VOS records of the objects of a VNG set, drawn from its masks by the rules of the paper.

As `pointvos.simulation.point_sets` does for index masks; but masks of a VNG set may overlap, their
object ids are too large for an index mask, and a frame may be annotated for some objects only.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.formats.point_vos import PointVosRecord, simulated_record
from pointvos.simulation.frame_choice import FRAMES_PER_VIDEO, even_frames, random_frames
from pointvos.simulation.point_sets import BACKGROUND, PointSampling, sample_region
from pointvos.simulation.seeded import generator
from vng.data.expressions import NarratedVideo
from vng.data.statistics import NarratedSet

Pixels = NDArray[np.int64]


def records_from_masks(
    narrated: NarratedSet,
    video: NarratedVideo,
    rule: PointSampling,
    *,
    frames: int = FRAMES_PER_VIDEO,
    choice: Literal["even", "random"] = "even",
) -> list[PointVosRecord]:
    """A record for every object that the expressions of a video mean, in their order.

    A record's key is ``<video>/<obj_id>``, its name the first noun that means the object. The
    frames are chosen among those that show an object. Background points lie beside all objects of
    the frame; they stand in the record of each that is annotated there, also where it is absent.

    Args:
        narrated: the set.
        video: of the set.
        rule: how points are drawn.
        frames: annotated frames, at most.
        choice: "even" or "random" frames.

    Returns:
        Records with at least one foreground point; none if no mask shows an object.

    Raises:
        FileNotFoundError: a mask file is missing.
        InputError: `frames` is below 1, an object id is no positive number, or masks are missing,
            damaged or of different sizes.
    """
    if frames < 1:
        raise InputError(f"frames: expected at least 1, found {frames}")
    names: dict[int, str] = {}
    for one in video.expressions:
        names.setdefault(one.obj_id, video.noun(one))
    masks = {obj_id: narrated.masks(video, obj_id) for obj_id in names}
    shown = [
        index
        for index in range(len(video.frames))
        if any(mask is not None and mask.area for mask in _of_frame(masks, index).values())
    ]
    if choice == "even":
        chosen = even_frames(len(shown), frames)
    else:
        chosen = random_frames(len(shown), frames, generator(rule.seed, video.name))
    drawn = {
        video.frames[index]: _draw(video, index, _of_frame(masks, index), rule)
        for index in (shown[place] for place in chosen)
    }
    return [
        _record(video, obj_id, name, drawn)
        for obj_id, name in names.items()
        if any(len(points.get(obj_id, ())) for points in drawn.values())
    ]


def _of_frame(
    masks: dict[int, list[StoredMask | None]], index: int
) -> dict[int, StoredMask | None]:
    return {obj_id: of_object[index] for obj_id, of_object in masks.items()}


def _draw(
    video: NarratedVideo, index: int, masks: dict[int, StoredMask | None], rule: PointSampling
) -> dict[int, Pixels]:
    """The points of the objects that are annotated on a frame, and under `BACKGROUND` of none."""
    regions = {obj_id: mask.decode() for obj_id, mask in masks.items() if mask is not None}
    sizes = {region.shape for region in regions.values()}
    if len(sizes) > 1:
        raise InputError(
            f"{video.name}: expected masks of one size on frame {video.frames[index]}, found "
            + " and ".join(f"{width}x{height}" for height, width in sorted(sizes))
        )
    if min(regions) <= BACKGROUND:
        raise InputError(f"{video.name}: expected obj_id > 0, found {min(regions)}")
    regions[BACKGROUND] = ~np.any(list(regions.values()), axis=0)
    return {
        obj_id: sample_region(
            region, rule, video=video.name, frame=video.frames[index], object_id=obj_id
        )
        for obj_id, region in regions.items()
    }


def _record(
    video: NarratedVideo, obj_id: int, name: str, drawn: dict[str, dict[int, Pixels]]
) -> PointVosRecord:
    return simulated_record(
        video=video.name,
        object_id=obj_id,
        object_name=name,
        frames=[
            (frame, points[obj_id], points[BACKGROUND])
            for frame, points in drawn.items()
            if obj_id in points
        ],
    )
