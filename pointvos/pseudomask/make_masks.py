"""Pseudo-masks for the annotated frames of one video."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import FrameNames
from pointvos.core.frames import FrameSource, open_frames
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.points import Points
from pointvos.pseudomask.annotated_videos import NO_FRAMES, AnnotatedVideo
from pointvos.pseudomask.backend import MaskBackend
from pointvos.pseudomask.frame_masks import FrameMaker, ObjectOnFrame
from pointvos.pseudomask.mask_rule import MaskRule
from pointvos.pseudomask.quality import MaskQuality


@dataclass(kw_only=True)
class MadeVideo:
    """What was made of one video.

    Attributes:
        name: of the video.
        masks: setting -> its masks.
        quality: a row for each mask, also for empty ones.
        frames: annotated frames.
        left_out: frame -> why it has no masks; the whole video under the empty name.
        without_foreground: objects on frames on which they have no foreground point.
        seconds: from opening the video to the last mask.
    """

    name: str
    masks: dict[int, list[StoredMask]] = field(default_factory=dict)
    quality: list[MaskQuality] = field(default_factory=list)
    frames: int = 0
    left_out: dict[str, str] = field(default_factory=dict)
    without_foreground: int = 0
    seconds: float = 0.0


def make_masks(video: AnnotatedVideo, backend: MaskBackend, rule: MaskRule) -> MadeVideo:
    """Make the masks of all annotated frames of a video.

    All objects of a frame go into one call of the backend. An object without foreground points on
    a frame, or of which the backend finds nothing, has no mask there: an empty one would say that
    it is absent. A frame that cannot be used is left out with all its objects, and named.

    Args:
        video: its objects and where its frames are.
        backend: makes the masks.
        rule: of the run.
    """
    started = time.perf_counter()
    made = MadeVideo(name=video.name, masks={setting: [] for setting in rule.settings})
    try:
        if video.path is None:
            raise InputError(NO_FRAMES)
        frames = open_frames(video.path)
    except (InputError, FileNotFoundError) as error:
        made.left_out[""] = str(error)
        return made
    by_index = dict(_objects_by_frame(video, frames, made))
    for index in sorted(by_index):
        objects = [one for one in by_index[index] if len(one.points.foreground)]
        made.without_foreground += len(by_index[index]) - len(objects)
        if not objects:
            continue
        try:
            _check_inside(objects, frames)
            (frame,) = frames.read(index, index + 1)
            of_frame = FrameMaker(backend, rule, video.name, frame, objects).make()
        except InputError as error:
            made.left_out[frames.names[index]] = str(error)
            continue
        made.quality += of_frame.quality
        for setting, masks in of_frame.masks.items():
            made.masks[setting] += masks
    made.seconds = time.perf_counter() - started
    return made


def _objects_by_frame(
    video: AnnotatedVideo, frames: FrameSource, made: MadeVideo
) -> Iterator[tuple[int, list[ObjectOnFrame]]]:
    """The annotated frames that the video has; notes the others."""
    lookup = FrameNames(frames.names)
    ids_of: dict[int, list[str]] = {}
    for frame_id in video.frame_ids:
        index = lookup.index(frame_id)
        if index is None:
            made.frames += 1
            made.left_out[frame_id] = (
                f"expected a frame of {video.path} ({frames.names[0]} .. {frames.names[-1]}), "
                "found none of this name"
            )
        else:
            ids_of.setdefault(index, []).append(frame_id)
    made.frames += len(ids_of)
    for index, frame_ids in ids_of.items():
        objects = []
        for about in video.objects:
            points = Points.concatenate([about.points(frame_id) for frame_id in frame_ids])
            if len(points):
                objects.append(ObjectOnFrame(about, points))
        yield index, objects


def _check_inside(objects: Sequence[ObjectOnFrame], frames: FrameSource) -> None:
    for about, points in objects:
        outside = ~points.inside(frames.height, frames.width)
        if outside.any():
            x, y = points.pixels()[outside][0].tolist()
            raise InputError(
                f"object {about.key}: expected points inside {frames.width}x{frames.height}, found "
                f"({x}, {y})"
            )
