"""A video and some given objects become a folder: masks, an overlay video, a strip, the facts."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.atomic import atomic_path, write_json
from pointvos.core.frames import FrameSource
from pointvos.core.masks import read_index_png, write_index_png
from pointvos.core.output_folder import output_folder
from pointvos.core.progress import progress
from pointvos.core.run_facts import RunFacts
from pointvos.core.video_writer import write_video
from pointvos.inference.given_objects import GivenObjects
from pointvos.inference.models import PropagationSettings
from pointvos.inference.propagate import VideoModel, propagate
from pointvos.inference.video_report import ObjectReport, VideoReport
from pointvos.visualize.overlay import overlay
from pointvos.visualize.strip import CaptionedPicture, picture_strip, small_overlay, strip_frames

WRITTEN = ("masks", "overlay.mp4", "strip.png", "results.json")


def propagate_video(
    model: VideoModel,
    frames: FrameSource,
    given: GivenObjects,
    output: str | Path,
    *,
    facts: RunFacts,
    settings: PropagationSettings | None = None,
    backward: bool = True,
    overwrite: bool = False,
) -> VideoReport:
    """Segment a video and write the results; memory does not grow with its length.

    Masks are written as they come, in both directions of time; pictures are drawn in a second pass
    over the frames and the written masks, in order. The folder appears when all of it is there:
    ``masks/<frame>.png`` (DAVIS palette) for every frame, ``overlay.mp4``, ``strip.png`` and, last,
    ``results.json``.

    Args:
        model: segments the video.
        frames: the video.
        given: the objects to follow.
        output: a folder that does not exist or is empty.
        facts: of the run, for results.json.
        settings: values that are not None replace those of the model.
        backward: whether objects are also followed from where they are given to the start.
        overwrite: replace an earlier result.

    Returns:
        What stands in results.json, without `facts`.

    Raises:
        InputError: the folder holds something, a frame cannot be read, or an object cannot be used.
    """
    with output_folder(output, replaces=WRITTEN if overwrite else ()) as folder:
        started = time.perf_counter()
        areas = _write_masks(model, frames, given, folder / "masks", settings, backward)
        segmented = time.perf_counter()
        _write_pictures(frames, given, folder)
        report = VideoReport(
            video=frames.name,
            height=frames.height,
            width=frames.width,
            rate=frames.rate,
            frames=list(frames.names),
            objects=[_object_report(given, frames, i, areas[i]) for i in given.object_ids],
            model=model.name,
            propagation=model.used_settings(settings),
            segmenting_seconds=segmented - started,
            drawing_seconds=time.perf_counter() - segmented,
        )
        write_json(folder / "results.json", {**report.as_dict(), **facts.as_dict()})
    return report


def _write_masks(
    model: VideoModel,
    frames: FrameSource,
    given: GivenObjects,
    folder: Path,
    settings: PropagationSettings | None,
    backward: bool,
) -> dict[int, list[int]]:
    """Write a mask for every frame; returns the pixels of each object in each frame."""
    areas = {object_id: [0] * len(frames) for object_id in given.object_ids}
    segmented = propagate(
        lambda: model.propagator(settings), frames, given.by_frame, backward=backward
    )
    for frame, segmentation in progress(
        segmented, description="segmenting", unit="frame", total=len(frames)
    ):
        mask = segmentation.index_mask()
        write_index_png(folder / f"{frame.name}.png", mask)
        counts = np.bincount(mask.ravel(), minlength=256)
        for object_id, of_object in areas.items():
            of_object[frame.index] = int(counts[object_id])
    return areas


def _write_pictures(frames: FrameSource, given: GivenObjects, folder: Path) -> None:
    """Draw the overlay video and the strip from the frames and the written masks."""
    names = {object_id: given.label(object_id) for object_id in given.object_ids}
    strip_of = strip_frames(len(frames), shown=given.by_frame)
    pictures: list[CaptionedPicture] = []

    def drawn() -> Iterator[NDArray[np.uint8]]:
        for frame in progress(
            frames.read(), description="drawing", unit="frame", total=len(frames)
        ):
            mask = read_index_png(folder / "masks" / f"{frame.name}.png")
            if frame.index in strip_of:
                caption = f"frame {frame.name}"
                if frame.index in given.by_frame:
                    caption += " (given)"
                small = small_overlay(
                    frame.rgb, mask, len(strip_of), points=given.points_on(frame.index)
                )
                pictures.append(CaptionedPicture(caption, small))
            yield overlay(frame.rgb, mask, points=given.points_on(frame.index), names=names)

    write_video(folder / "overlay.mp4", drawn(), frames.rate)
    with atomic_path(folder / "strip.png") as temporary:
        Image.fromarray(picture_strip(pictures)).save(temporary)


def _object_report(
    given: GivenObjects, frames: FrameSource, object_id: int, area: list[int]
) -> ObjectReport:
    reference = given.frames_of(object_id)
    points = [given.points_on(index).get(object_id) for index in reference]
    return ObjectReport(
        object_id=object_id,
        name=given.label(object_id),
        reference_frames=[frames.names[index] for index in reference],
        points=sum(len(of_frame.foreground) for of_frame in points if of_frame is not None) or None,
        area=area,
    )
