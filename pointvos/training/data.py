"""The training data of a run from its settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.datasets.clips import ClipDataset
from pointvos.datasets.left_out import LeftOutVideos
from pointvos.datasets.readers import ObjectPoints, PointsOfVideo, StaticImageReader, VideoReader
from pointvos.datasets.reference import DrawPoints
from pointvos.datasets.sampler import CLIP_LENGTH
from pointvos.datasets.samples import ClipReader
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.open_dataset import open_dataset
from pointvos.formats.point_vos import PointVosRecord
from pointvos.formats.point_vos_files import iterate_records
from pointvos.formats.point_vos_release import PointVosRelease
from pointvos.formats.static_images import StaticImage, list_static_images
from pointvos.simulation.sample_points import sample_points
from pointvos.training.settings import (
    IMAGES,
    RELEASES,
    STATIC,
    ClipRunSettings,
    DataSource,
    TrainSettings,
)


def open_source(
    source: DataSource, cache_mb: float, *, masks: bool = True
) -> tuple[ClipReader, LeftOutVideos]:
    """The reader of one data set, and the videos that cannot be used.

    Args:
        source: the data set.
        cache_mb: memory for its decoded frames.
        masks: whether masks are read where points are given too.

    Raises:
        FileNotFoundError: a folder or file is missing.
        InputError: the data set is empty, unknown or damaged, or too many videos cannot be used.
    """
    left_out = LeftOutVideos(str(source.points or source.root), source.max_left_out)
    if source.kind in IMAGES:
        points_of_images = None if source.points is None else _points_of_images(source)
        if source.kind == STATIC:  # such a folder needs no masks where it has points
            images = list_static_images(source.root, masks=masks or source.points is None)
        else:
            videos = open_dataset(source.kind, source.root, source.split)
            images = [video for video in videos if isinstance(video, StaticImage)]
        static = StaticImageReader(
            source.root.name,
            images,
            points=points_of_images,
            masks=masks or source.points is None,
            short_side=source.short_side,
            cache_mb=cache_mb,
        )
        return static, left_out
    points: dict[str, PointsOfVideo] | None
    if source.kind in RELEASES:
        videos, points = _read_release(source, left_out)
    else:
        videos = open_dataset(source.kind, source.root, source.split)
        points = None if source.points is None else _points_of_videos(source)
    if points is None:
        videos = list(_with_clips(videos, left_out))
    else:
        points = dict(_usable(points, left_out))
    reader = VideoReader(
        RELEASES.get(source.kind, source.root.name),
        videos,
        points=points,
        masks=masks,
        max_span=source.max_span,
        short_side=source.short_side,
        cache_mb=cache_mb,
    )
    return reader, left_out


def _with_clips(videos: Iterable[MaskedVideo], left_out: LeftOutVideos) -> Iterator[MaskedVideo]:
    for video in videos:
        if len(video.annotated) >= CLIP_LENGTH:
            yield video
        else:
            left_out.add(video.name, f"{CLIP_LENGTH} annotated frames", str(len(video.annotated)))


def _usable(
    points: dict[str, PointsOfVideo], left_out: LeftOutVideos
) -> Iterator[tuple[str, PointsOfVideo]]:
    for video, frames in points.items():
        if len(frames) < CLIP_LENGTH:
            left_out.add(video, f"{CLIP_LENGTH} annotated frames", str(len(frames)))
        elif not any(_has_foreground(points) for points in frames.values()):
            left_out.add(video, "a foreground point", "none")
        else:
            yield video, frames


def _points_of_images(source: DataSource) -> dict[str, ObjectPoints]:
    """Image -> object id -> points on its one frame."""
    images: dict[str, ObjectPoints] = {}
    for name, frames in _points_of_videos(source).items():
        objects = [points for points in frames.values() if _has_foreground(points)]
        if len(frames) != 1 or not objects:
            raise InputError(
                f"{source.points}: expected points on the one frame of image {name}, one of them "
                f"on an object, found {len(frames)} frames, {len(objects)} of them with such points"
            )
        images[name] = objects[0]
    return images


def _has_foreground(points: ObjectPoints) -> bool:
    return any(len(of_object.foreground) for of_object in points.values())


def _points_of_videos(source: DataSource) -> dict[str, PointsOfVideo]:
    """Video -> frame -> object id -> points; objects without an id are numbered in file order."""
    videos: dict[str, dict[str, dict[int, Points]]] = {}
    ids: dict[str, set[int]] = {}
    for record in _named_records(source):
        video = str(record.video_name)
        taken = ids.setdefault(video, set())
        object_id = len(taken) + 1 if record.object_id is None else record.object_id
        if object_id in taken:
            raise InputError(
                f"{source.points}: expected every object of {video} once, found {object_id} twice"
            )
        taken.add(object_id)
        frames = videos.setdefault(video, {})  # a video without points is left out by name
        for frame, points in record.by_frame().items():
            frames.setdefault(frame, {})[object_id] = points
    return dict(videos)


def _named_records(source: DataSource) -> Iterator[PointVosRecord]:
    """The records of a points file, one in memory at a time."""
    assert source.points is not None
    count = 0
    for record in iterate_records(source.points):
        count += 1
        if record.video_name is None:
            raise InputError(
                f"{source.points}: {record.key}: expected a video_name, found null; use a kind "
                f"{' or '.join(RELEASES)} for the release"
            )
        yield record
    if not count:
        raise InputError(f"{source.points}: expected records, found none")


def _read_release(
    source: DataSource, left_out: LeftOutVideos
) -> tuple[list[MaskedVideo], dict[str, PointsOfVideo]]:
    """PV-Oops or PV-Kinetics: one video an object, named by its question hash."""
    release = PointVosRelease(
        source.root,
        RELEASES[source.kind],
        source.split,
        subset=source.subset,
        max_missing=source.max_left_out,
    )
    videos: list[MaskedVideo] = []
    points: dict[str, PointsOfVideo] = {}
    for item in release:
        key = item.record.key
        videos.append(MaskedVideo(name=key, frame_folder=item.frame_folder, annotated={}))
        points[key] = {frame: {1: found} for frame, found in item.record.by_frame().items()}
    for key in release.missing:
        left_out.add(key, "its frames", "none")
    for key in release.unnamed:
        left_out.add(key, "a video_name", "null")
    return videos, points


def draw_points_apart(min_distance: float) -> DrawPoints:
    """A function that draws points from a mask as the benchmark does (paper, section 3.1)."""

    def draw(mask: NDArray[np.bool_], count: int, rng: np.random.Generator) -> NDArray[np.float32]:
        return geometry.pixel_centres(
            sample_points(mask, count, min_distance=min_distance, rng=rng)
        )

    return draw


def open_sources(
    settings: ClipRunSettings, *, masks: bool = True
) -> tuple[list[tuple[ClipReader, int]], dict[str, dict[str, str]]]:
    """The readers of a run with how often each stands in the mixture, and what they do without.

    Args:
        settings: of the run.
        masks: whether masks are read where points are given too.

    Returns:
        The readers, and for each source the videos left out with the reason.

    Raises:
        FileNotFoundError: a folder or file is missing.
        InputError: as `open_source`.
    """
    cache_mb = settings.cache_mb / len(settings.data) / max(1, settings.workers)
    readers: list[tuple[ClipReader, int]] = []
    left_out: dict[str, dict[str, str]] = {}
    for source in settings.data:
        reader, without = open_source(source, cache_mb, masks=masks)
        readers.append((reader, source.repeats))
        left_out[f"{source.kind} {source.root} {source.split}"] = without.reasons
    return readers, left_out


def make_dataset(
    settings: TrainSettings, *, point_radius: int, samples: int
) -> tuple[ClipDataset, dict[str, dict[str, str]]]:
    """The mixture of a run.

    Args:
        settings: of the run.
        point_radius: of the network, `STCN.point_radius`.
        samples: the length of the whole run over all processes.

    Returns:
        The data set, and for each of its sources the videos left out with the reason.
    """
    readers, left_out = open_sources(settings, masks=settings.regime != "points")
    dataset = ClipDataset(
        readers,
        settings.clips,
        samples=samples,
        seed=settings.seed,
        point_radius=point_radius,
        draw_points=draw_points_apart(settings.point_distance),
    )
    return dataset, left_out
