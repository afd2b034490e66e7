"""Annotated frames from videos with masks, videos with points, and static images.

Decoded frames are kept in memory up to a budget: training reads each of them hundreds of times.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.frames import FolderFrames
from pointvos.core.images import read_image
from pointvos.core.masks import object_ids
from pointvos.core.points import Points
from pointvos.datasets.samples import UNKNOWN, AnnotatedFrame
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.static_images import StaticImage

ObjectPoints = Mapping[int, Points]  # object id -> points on one frame
PointsOfVideo = Mapping[str, ObjectPoints]  # frame name -> points on it

MIN_AREA = 400  # pixels of a thing that is worth segmenting in a training crop


class FrameCache:
    """Frames by key, decoded once while the budget lasts, decoded again after that."""

    def __init__(self, budget_mb: float) -> None:
        """Keep up to `budget_mb` MB (10^6 bytes)."""
        self._left = budget_mb * 1e6
        self._frames: dict[object, AnnotatedFrame] = {}

    def get(self, key: object, decode: Callable[[], AnnotatedFrame]) -> AnnotatedFrame:
        """The frame of `key`, from memory or from `decode`."""
        if key in self._frames:
            return self._frames[key]
        frame = decode()
        size = frame.rgb.nbytes + (0 if frame.index is None else frame.index.nbytes)
        if size <= self._left:
            self._left -= size
            self._frames[key] = frame
        return frame


class _FrameFiles(NamedTuple):
    """The annotated frames of a video."""

    paths: dict[str, Path]  # by frame name, in the order of the video
    size: tuple[int, int]  # height and width of them all


def shrunk_size(height: int, width: int, short_side: int | None) -> tuple[int, int]:
    """The (height, width) at which a frame is kept: at most `short_side` on the shorter side."""
    if short_side is None or min(height, width) <= short_side:
        return height, width
    factor = short_side / min(height, width)
    return round(height * factor), round(width * factor)


def shrink(frame: AnnotatedFrame, short_side: int | None) -> AnnotatedFrame:
    """The frame with at most `short_side` pixels on its shorter side; mask and points with it."""
    height, width = frame.rgb.shape[:2]
    new_height, new_width = shrunk_size(height, width, short_side)
    if (new_height, new_width) == (height, width):
        return frame
    matrix = geometry.scaling(new_width / width, new_height / height)
    rgb = cv2.resize(frame.rgb, (new_width, new_height), interpolation=cv2.INTER_AREA)
    index = None if frame.index is None else shrink_index(frame.index, short_side)
    return AnnotatedFrame(
        rgb=np.asarray(rgb, np.uint8),
        index=index,
        points={i: points.moved(matrix) for i, points in frame.points.items()},
    )


def shrink_index(index: NDArray[np.uint8], short_side: int | None) -> NDArray[np.uint8]:
    """The mask [H, W] of a frame at the size at which the frame is kept."""
    height, width = shrunk_size(index.shape[0], index.shape[1], short_side)
    if (height, width) == index.shape:
        return index
    # INTER_NEAREST_EXACT takes the pixel under the centre; INTER_NEAREST is up to half a pixel off.
    resized = cv2.resize(index, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
    return np.asarray(resized, np.uint8)


def check_inside(
    points: Mapping[int, Points], height: int, width: int, *, source: str | Path
) -> None:
    """Refuse annotated points outside their frame: they belong to another frame or video.

    Raises:
        InputError: naming the frame, the object and the point.
    """
    for object_id, of_object in points.items():
        inside = of_object.inside(height, width)
        if not inside.all():
            x, y = of_object.pixels()[~inside][0].tolist()
            raise InputError(
                f"{source}: expected points of object {object_id} inside {width}x{height}, found "
                f"({x}, {y})"
            )


class VideoReader:
    """Videos whose frames carry masks, points or both.

    Without `points` every frame with a mask exists. With `points` only the frames annotated there
    do, and masks are read beside them only if asked for.
    """

    static = False

    def __init__(
        self,
        name: str,
        videos: Sequence[MaskedVideo],
        *,
        points: Mapping[str, PointsOfVideo] | None = None,
        masks: bool | None = None,
        max_span: int | None = None,
        short_side: int | None = 480,
        cache_mb: float = 4000,
    ) -> None:
        """Remember what there is; nothing is decoded yet.

        Args:
            name: of the data set, for messages.
            videos: from `pointvos.formats.open_dataset`, or with points and frames alone.
            points: video name -> frame name -> object id -> points; other videos are left out.
            masks: whether masks are read; by default where there are no points.
            max_span: see `pointvos.datasets.samples.ClipReader`.
            short_side: frames are stored no larger than this (STCN resizes YouTube-VOS to 480).
            cache_mb: memory for decoded frames, in MB.

        Raises:
            InputError: a video of `points` does not exist.
        """
        self.name = name
        self.videos = list(videos)
        self.points = points
        self.masks = points is None if masks is None else masks
        self.max_span = max_span
        self.short_side = short_side
        self.cache = FrameCache(cache_mb)
        self._files: dict[int, _FrameFiles] = {}
        self._objects: dict[int, list[list[int]]] = {}
        if points is not None:
            known = {video.name for video in videos}
            unknown = sorted(set(points) - known)
            if unknown:
                raise InputError(f"{name}: expected points of its videos, found {unknown[0]!r}")
            self.videos = [video for video in videos if video.name in points]

    def __len__(self) -> int:
        """The number of videos."""
        return len(self.videos)

    def video_name(self, video: int) -> str:
        """The name of a video."""
        return self.videos[video].name

    def objects(self, video: int) -> list[list[int]]:
        """Ids on each annotated frame: those with a foreground point, or in the mask.

        All masks of a video are decoded the first time, without their frames.
        """
        if video not in self._objects:
            frames = self._frame_files(video).paths
            self._objects[video] = [self._ids(video, frame) for frame in frames]
        return self._objects[video]

    def _ids(self, video: int, frame: str) -> list[int]:
        if self.points is None:
            # At the size at which it is kept: a shrunk mask may lose a tiny object.
            return object_ids(shrink_index(self.videos[video].read_mask(frame), self.short_side))
        points = self.points[self.videos[video].name][frame]
        return [object_id for object_id, of_object in points.items() if len(of_object.foreground)]

    def _frame_files(self, video: int) -> _FrameFiles:
        """Which frames of a video are annotated, and where; its folder is listed the first time."""
        if video not in self._files:
            masked = self.videos[video]
            # Not `masked.frames`, which keeps the paths of every frame: of 120K videos, gigabytes.
            folder = FolderFrames(masked.frame_folder)
            wanted = set(masked.annotated if self.points is None else self.points[masked.name])
            paths = {
                frame: path
                for frame, path in zip(folder.names, folder.paths, strict=True)
                if frame in wanted
            }
            if len(paths) < len(wanted):
                missing = min(wanted - set(paths))
                raise InputError(
                    f"{masked.frame_folder}: expected the annotated frame {missing} of "
                    f"{self.name}/{masked.name}, found none"
                )
            self._files[video] = _FrameFiles(paths, (folder.height, folder.width))
        return self._files[video]

    def read(self, video: int, frame: int) -> AnnotatedFrame:
        """One annotated frame."""
        return self.cache.get((video, frame), lambda: self._decode(video, frame))

    def _decode(self, video: int, frame: int) -> AnnotatedFrame:
        files = self._frame_files(video)
        name, path = list(files.paths.items())[frame]
        rgb = read_image(path)
        height, width = files.size
        if rgb.shape[:2] != files.size:
            raise InputError(
                f"{path}: expected {width}x{height} like the first frame, found "
                f"{rgb.shape[1]}x{rgb.shape[0]}"
            )
        points = {} if self.points is None else self.points[self.videos[video].name][name]
        check_inside(points, height, width, source=path)
        index = self.videos[video].read_mask(name) if self.masks else None
        return shrink(AnnotatedFrame(rgb, index, points), self.short_side)


class StaticImageReader:
    """Images with masks or points of their objects; every image is a video of one frame."""

    static = True
    max_span: int | None = None

    def __init__(
        self,
        name: str,
        images: Sequence[StaticImage],
        *,
        points: Mapping[str, ObjectPoints] | None = None,
        masks: bool | None = None,
        short_side: int | None = 480,
        cache_mb: float = 2000,
    ) -> None:
        """Remember what there is; nothing is decoded yet.

        Args:
            name: of the data set, for messages.
            images: from `pointvos.formats.static_images` or another format of images.
            points: image name -> object id -> its annotated points; other images are left out.
            masks: whether masks are read; by default where there are no points.
            short_side: images are stored no larger than this.
            cache_mb: memory for decoded images, in MB.

        Raises:
            InputError: points name an unknown image.
        """
        self.name = name
        self.points = points
        self.masks = points is None if masks is None else masks
        self.short_side = short_side
        self.cache = FrameCache(cache_mb)
        unknown = sorted(set(points or ()) - {image.name for image in images})
        if unknown:
            raise InputError(f"{name}: expected the images of the points, found no {unknown[0]}")
        self.images = [image for image in images if points is None or image.name in points]
        self._objects: dict[int, list[int]] = {}

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def video_name(self, video: int) -> str:
        """The name of an image."""
        return self.images[video].name

    def objects(self, video: int) -> list[list[int]]:
        """Ids on the one frame: those with a foreground point, or large enough in the mask."""
        if video not in self._objects:
            self._objects[video] = self._ids(self.images[video])
        return [self._objects[video]]

    def _ids(self, image: StaticImage) -> list[int]:
        if self.points is not None:
            return [i for i, points in self.points[image.name].items() if len(points.foreground)]
        if not image.categories:  # the mask of one salient object
            return [1]
        index = shrink_index(image.read_mask(image.name), self.short_side)
        areas = np.bincount(index.ravel(), minlength=UNKNOWN + 1)[1:UNKNOWN]
        large = np.flatnonzero(areas >= MIN_AREA)
        # A crop would lose smaller ones; one that is alone has to do.
        return [int(i) + 1 for i in (large if len(large) else [areas.argmax()])]

    def read(self, video: int, frame: int) -> AnnotatedFrame:
        """The image with its mask or points."""
        assert frame == 0, "an image is a video of one frame"
        return self.cache.get(video, lambda: self._decode(video))

    def _decode(self, video: int) -> AnnotatedFrame:
        image = self.images[video]
        rgb = read_image(image.image)
        points = {} if self.points is None else dict(self.points[image.name])
        check_inside(points, rgb.shape[0], rgb.shape[1], source=image.image)
        index = image.read_mask(image.name) if self.masks else None
        return shrink(AnnotatedFrame(rgb, index, points), self.short_side)
