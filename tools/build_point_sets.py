"""Draw point sets from the masks of a dataset: PV-DAVIS, PV-YT, initial points for a benchmark.

Also from the masks of a VNG set, see docs/vng_sets.md.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from PIL import Image

from pointvos.core.atomic import atomic_path
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.progress import progress
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import MaskedVideo, choose_videos
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
from vng.convert.points_from_masks import records_from_masks
from vng.data.vng_set import VngSet

VNG = "vng"


@dataclass(frozen=True, kw_only=True)
class BuildSettings:
    """What to draw from where."""

    dataset: str
    """layout of the folder: davis, youtube_vos, static (images and masks) or vng
    (meta_expressions.json with masks; training points of the objects that its nouns mean)"""

    root: Path
    """folder of the dataset"""

    output: Path
    """file to write, .json or .jsonl"""

    split: str = "train"
    """which videos; for DAVIS, "2016/train" says the year too (otherwise 2017 comes first); a VNG
    set is one split"""

    original_masks: Path | None = None
    """annotation file of OVIS or UVO, for objects whose masks a VNG set does not hold itself"""

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
    videos: list[MaskedVideo] = []
    if settings.dataset == VNG:
        draws = _of_vng_set(settings, rule)
    else:
        videos = open_dataset(
            settings.dataset, settings.root, settings.split, videos=_wanted(settings)
        )
        draws = [partial(_of_masks, settings, rule, video) for video in videos]
    counts = PointCounts()
    shown = set(even_frames(len(videos), settings.previews).tolist()) if settings.preview else set()
    to_show: list[tuple[MaskedVideo, list[PointVosRecord]]] = []

    def records() -> Iterator[PointVosRecord]:
        bar = progress(draws, description="drawing points", unit="video")
        for index, draw in enumerate(bar):
            drawn = draw()
            counts.add_video(drawn)
            if index in shown:
                to_show.append((videos[index], drawn))
            yield from drawn

    write_records(settings.output, records())
    print(f"{settings.output}")
    print(counts.table())
    if settings.preview:
        for video, drawn in to_show:
            print(write_preview(settings.preview, video, drawn))


Draw = Callable[[], list[PointVosRecord]]  # the records of one video


def _of_masks(
    settings: BuildSettings, rule: PointSampling, video: MaskedVideo
) -> list[PointVosRecord]:
    if settings.mode == "benchmark":
        return benchmark_records(video, rule)
    return training_records(video, rule, frames=settings.frames, choice=settings.frame_sampling)


def _of_vng_set(settings: BuildSettings, rule: PointSampling) -> list[Draw]:
    if settings.mode == "benchmark":
        raise InputError("mode: expected training for a VNG set, found benchmark")
    if settings.preview:
        raise InputError(
            "preview: expected none for a VNG set (tools/inspect_vng.py shows it, and "
            "make_pseudo_masks.py --preview its points), found a folder"
        )
    narrated = VngSet.open(settings.root, original_masks=settings.original_masks)
    names = choose_videos(list(narrated.videos), _wanted(settings), source=settings.root)
    return [
        partial(
            records_from_masks,
            narrated,
            narrated.videos[name],
            rule,
            frames=settings.frames,
            choice=settings.frame_sampling,
        )
        for name in names
    ]


def _wanted(settings: BuildSettings) -> list[str] | None:
    return None if settings.videos is None else read_name_list(settings.videos)


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
