"""Draw point sets from the masks of a dataset: PV-DAVIS, PV-YT, initial points for a benchmark."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from PIL import Image

from pointvos.core.atomic import atomic_path
from pointvos.core.command_line import run_tool
from pointvos.core.progress import progress
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.open_dataset import open_dataset
from pointvos.formats.point_vos import PointVosRecord
from pointvos.formats.point_vos_files import write_records
from pointvos.formats.video_list import read_name_list
from pointvos.simulation.frame_choice import FRAMES_PER_VIDEO, even_frames
from pointvos.simulation.point_counts import PointCounts
from pointvos.simulation.point_sets import (
    BACKGROUND_POINTS,
    PointSampling,
    benchmark_records,
    training_records,
)
from pointvos.simulation.sample_points import MIN_DISTANCE_PX, POINTS_PER_OBJECT
from pointvos.visualize.overlay import overlay


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """What to draw from where."""

    dataset: str
    """layout of the folder: davis, youtube_vos or static (images and masks)"""

    root: Path
    """folder of the dataset"""

    output: Path
    """file to write, .json or .jsonl"""

    split: str = "train"
    """which videos; for DAVIS, "2016/train" says the year too (otherwise 2017 comes first)"""

    mode: Literal["training", "benchmark"] = "training"
    """training: several frames a video; benchmark: the first frame that shows each object, its
    foreground points in a random order of which a setting with k points takes the first k"""

    points: int = POINTS_PER_OBJECT
    """foreground points per object and frame, at most"""

    background_points: int = BACKGROUND_POINTS
    """background points per frame, shared by its objects"""

    frames: int = FRAMES_PER_VIDEO
    """annotated frames per video (training only)"""

    min_distance: float = MIN_DISTANCE_PX
    """between two points of one object, in pixels of the frame"""

    sampling: Literal["random", "farthest"] = "random"
    """random points, or farthest-point sampling from the centre of the mask"""

    frame_sampling: Literal["even", "random"] = "even"
    """which frames (training only)"""

    seed: int = 0
    """of every draw; equal seeds give equal files"""

    videos: Path | None = None
    """a text file, one name a line: draw from these videos only"""

    preview: Path | None = None
    """folder for pictures of the points of some videos"""

    previews: int = 4
    """pictures in that folder, of as many videos evenly spaced in the list"""


def main(settings: BuildSettings) -> None:
    """Write the point set and print what it holds."""
    rule = PointSampling(
        points=settings.points,
        background_points=settings.background_points,
        min_distance=settings.min_distance,
        sampling=settings.sampling,
        seed=settings.seed,
    )
    videos = open_dataset(
        settings.dataset,
        settings.root,
        settings.split,
        videos=None if settings.videos is None else read_name_list(settings.videos),
    )
    counts = PointCounts()
    shown = set(even_frames(len(videos), settings.previews).tolist()) if settings.preview else set()
    to_show: list[tuple[MaskedVideo, list[PointVosRecord]]] = []

    def draw(video: MaskedVideo) -> list[PointVosRecord]:
        if settings.mode == "benchmark":
            return benchmark_records(video, rule)
        return training_records(video, rule, frames=settings.frames, choice=settings.frame_sampling)

    def records() -> Iterator[PointVosRecord]:
        bar = progress(videos, description="drawing points", unit="video")
        for index, video in enumerate(bar):
            drawn = draw(video)
            counts.add_video(drawn)
            if index in shown:
                to_show.append((video, drawn))
            yield from drawn

    write_records(settings.output, records())
    print(f"{settings.output}")
    print(counts.table())
    if settings.preview:
        for video, drawn in to_show:
            print(write_preview(settings.preview, video, drawn))


def write_preview(folder: Path, video: MaskedVideo, records: Sequence[PointVosRecord]) -> Path:
    """One frame of a video with its masks and points; returns the file."""
    frame = records[0].frame_ids[0]
    index = list(video.frames.names).index(frame)
    picture = overlay(
        next(video.frames.read(index)).rgb,
        video.read_mask(frame),
        points={record.object_id or 1: record.points(frame) for record in records},
        names={record.object_id or 1: record.object_name or "" for record in records},
        opacity=0.25,
    )
    file = safe_join(folder, f"{video.name}.png")
    with atomic_path(file) as temporary:
        Image.fromarray(picture).save(temporary, format="PNG")
    return file


if __name__ == "__main__":
    run_tool(main, BuildSettings, __doc__)
