"""PV sets as dataset dicts with the points that PointSup trains on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.core.points import Points
from pointvos.formats.masked_video import choose_videos
from pointvos.formats.point_vos_files import iterate_records
from pointvos.interop.dataset_dicts import (
    COUNTS,
    Box,
    Categories,
    DatasetDicts,
    box_of_mask,
    box_of_pixels,
    fixed_classes,
    image_dict,
    point_annotation,
)
from pointvos.interop.frame_files import FrameFiles
from pointvos.interop.mask_sets import VideoMaskReader, check_mask_fits, open_masks
from pointvos.pseudomask.annotated_videos import (
    NO_FRAMES,
    AnnotatedObject,
    AnnotatedVideo,
    read_annotated_videos,
)


@dataclass(frozen=True, kw_only=True)
class PointSet:
    """A file of Point-VOS records and the extracted frames of its videos.

    An image dict for every annotated frame, an annotation for every object with a foreground point
    on it. ``image_id`` is ``<video>/<frame>``; in the layout of the release, whose folders of
    frames are named by records, ``<key>/<frame>``.

    Attributes:
        points: .json or .jsonl.
        frames: holds one folder of images a video, or one an object, as the release does.
        masks: a mask store or a folder of palette PNGs, such as the pseudo-masks of these points,
            for boxes around whole objects. Where an object has no mask on a frame, and without
            `masks` everywhere, its box is that of its foreground points, which is too small.
        videos: only these; by default all.
        categories: see `fixed_classes`; names are the records' ``object_name``.
        max_missing: how many videos may have no frames; they are left out and counted.
    """

    points: str | Path
    frames: str | Path
    masks: str | Path | None = None
    videos: Sequence[str] | None = None
    categories: str | Sequence[str] | None = None
    max_missing: int = 0

    def known_metadata(self) -> dict[str, Any]:
        """The categories, where the records do not decide about them."""
        classes = fixed_classes(self.categories)
        return {} if classes is None else {"thing_classes": classes}

    def read(self, box_mode: int) -> DatasetDicts:
        """Read all records.

        Args:
            box_mode: ``BoxMode.XYXY_ABS``.

        Raises:
            FileNotFoundError: a file or folder is missing.
            InputError: a record is damaged, a point lies outside its frame, a frame is missing or
                in a video file, more than `max_missing` videos are missing, a name is no category,
                or no frame carries a foreground point.
        """
        annotated = read_annotated_videos(self.points, self.frames)
        names = self._names()
        categories = Categories(self.categories, names.values())
        masks = None if self.masks is None else open_masks(self.masks)
        counts = Counter(
            images=0,
            objects=0,
            boxes_from_masks=0,
            boxes_from_points=0,
            ambiguous_points=0,
            objects_without_foreground=0,
            frames_without_object=0,
            videos_without_frames=0,
            records_without_video=len(annotated.unnamed),
        )
        dicts: list[dict[str, Any]] = []
        for name in choose_videos(list(annotated.videos), self.videos, source=self.points):
            video = annotated.videos[name]
            if video.path is None:
                self._miss(name, counts)
                continue
            dicts += _VideoOfPoints(
                video=video,
                files=FrameFiles(video.path),
                masks=_masks_of(masks, video),
                source=f"{self.points}: {name}",
                counts=counts,
            ).dicts(names, categories, box_mode)
        if not dicts:
            raise InputError(
                f"{self.points}: expected frames with foreground points (ACCEPTED), found none"
            )
        return DatasetDicts(dicts, {"thing_classes": categories.classes, COUNTS: dict(counts)})

    def _names(self) -> dict[str, str | None]:
        """Key of a record -> name of its object; not read where there is one category."""
        if self.categories is None:
            return {}
        return {record.key: record.object_name for record in iterate_records(self.points)}

    def _miss(self, name: str, counts: Counter[str]) -> None:
        counts["videos_without_frames"] += 1
        missing = counts["videos_without_frames"]
        if missing > self.max_missing:
            raise InputError(
                f"{self.points}: {name}: {NO_FRAMES} in {self.frames}; {missing} videos are "
                f"missing, {self.max_missing} are allowed (max_missing)"
            )


@dataclass(frozen=True, kw_only=True)
class _VideoOfPoints:
    """One video on its way into dicts."""

    video: AnnotatedVideo
    files: FrameFiles
    masks: VideoMasks | None
    source: str
    counts: Counter[str]

    def dicts(
        self, names: Mapping[str, str | None], categories: Categories, box_mode: int
    ) -> list[dict[str, Any]]:
        """One an image, in the order of the frames."""
        on_frame: dict[int, list[tuple[AnnotatedObject, str]]] = {}
        for one in self.video.objects:
            for frame_id in one.frame_ids:
                index = self.files.index(frame_id, source=f"{self.source}: {one.key}")
                on_frame.setdefault(index, []).append((one, frame_id))
        found = []
        for index, objects in sorted(on_frame.items(), key=lambda item: item[0]):
            frame = self.files.name(index)
            image = image_dict(self.files.file(index), f"{self.video.name}/{frame}")
            annotations = []
            for one, frame_id in objects:
                points = one.points(frame_id)
                box = self._box(one, points, frame, image)
                if box is not None:
                    category = categories.id_of(
                        names.get(one.key), source=f"{self.source}: {one.key}"
                    )
                    annotations.append(
                        point_annotation(points, box, box_mode=box_mode, category_id=category)
                    )
            if annotations:
                found.append({**image, "annotations": annotations})
            self.counts["images" if annotations else "frames_without_object"] += 1
            self.counts["objects"] += len(annotations)
        return found

    def _box(
        self, one: AnnotatedObject, points: Points, frame: str, image: Mapping[str, Any]
    ) -> Box | None:
        """The box of an object; None if no point on it is known."""
        outside = ~points.inside(image["height"], image["width"])
        if outside.any():
            x, y = points.pixels()[outside][0]
            raise InputError(
                f"{self.source}: object {one.key}, frame {frame}: expected points inside "
                f"{image['width']}x{image['height']}, found ({x}, {y})"
            )
        foreground = points.foreground
        if not len(foreground):
            self.counts["objects_without_foreground"] += 1
            return None
        self.counts["ambiguous_points"] += len(points) - len(foreground) - len(points.background)
        mask = self._mask(one, frame)
        if mask is not None:
            check_mask_fits(image, mask, source=self.source)
            box = box_of_mask(mask)
            if box is not None:
                self.counts["boxes_from_masks"] += 1
                return box
        self.counts["boxes_from_points"] += 1
        return box_of_pixels(foreground.pixels())

    def _mask(self, one: AnnotatedObject, frame: str) -> StoredMask | None:
        """The mask of an object, which may be named by its record, its number or both."""
        if self.masks is None:
            return None
        for name in (one.key, f"{self.video.name}/{one.number}", str(one.number)):
            if name in self.masks.objects:
                return self.masks.objects[name].get(frame)
        return None


def _masks_of(reader: VideoMaskReader | None, video: AnnotatedVideo) -> VideoMasks | None:
    if reader is None or video.name not in reader:
        return None
    return reader.read(video.name)
