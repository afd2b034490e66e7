"""Mask stores and folders of palette PNGs as dataset dicts with masks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import find_video
from pointvos.core.mask_store.layout import MANIFEST
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.core.masks import object_ids, read_index_png
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import choose_videos, list_masks
from pointvos.interop.dataset_dicts import (
    COUNTS,
    NAMES,
    Categories,
    DatasetDicts,
    box_of_mask,
    fixed_classes,
    image_dict,
    mask_annotation,
)
from pointvos.interop.frame_files import FrameFiles


class VideoMaskReader(Protocol):
    """Masks of whole videos, read one by one; a `MaskStore` is one."""

    def __contains__(self, video: object) -> bool:
        """Whether there are masks of this video."""

    def videos(self) -> list[str]:
        """The names of all videos, sorted."""

    def read(self, video: str) -> VideoMasks:
        """All masks of a video."""


class PaletteFolders:
    """Folders of palette PNGs, ``<video>/<frame>.png``, read like a mask store.

    Objects are named by their numbers. Void (255) belongs to no object.
    """

    def __init__(self, folder: str | Path) -> None:
        """Look which videos there are.

        Raises:
            FileNotFoundError: there is no such folder.
            InputError: no folder in it holds PNGs.
        """
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder}: expected masks, found no such folder")
        parents = {path.parent for path in self.folder.rglob("*") if path.suffix.lower() == ".png"}
        self._videos = sorted(
            str(parent.relative_to(self.folder)) for parent in parents - {self.folder}
        )
        if not self._videos:
            raise InputError(
                f"{self.folder}: expected a mask store ({MANIFEST}) or a folder of palette PNGs a "
                "video, found neither"
            )

    def __contains__(self, video: object) -> bool:
        return video in self._videos

    def videos(self) -> list[str]:
        """The names of all videos, sorted."""
        return list(self._videos)

    def read(self, video: str) -> VideoMasks:
        """Masks of every object on every annotated frame, empty where it is absent.

        Raises:
            InputError: a PNG is damaged or has no palette.
        """
        files = list_masks(safe_join(self.folder, video, source=self.folder))
        masks: dict[tuple[int, str], StoredMask] = {}
        sizes: dict[str, tuple[int, ...]] = {}
        for frame, path in files.items():
            index = read_index_png(path)
            sizes[frame] = index.shape
            for number in object_ids(index):
                masks[number, frame] = StoredMask.from_mask(number, frame, index == number)
        return VideoMasks(
            video,
            [
                masks.get((number, frame))
                or StoredMask.from_mask(number, frame, np.zeros(sizes[frame], bool))
                for number in sorted({number for number, _ in masks})
                for frame in files
            ],
        )


def open_masks(folder: str | Path) -> VideoMaskReader:
    """A mask store, or folders of palette PNGs.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: it is neither, or a damaged store.
    """
    if (Path(folder) / MANIFEST).is_file():
        return MaskStore.open(folder)
    return PaletteFolders(folder)


def check_mask_fits(image: Mapping[str, Any], mask: StoredMask, *, source: str | Path) -> None:
    """Refuse a mask of another size than its image.

    Raises:
        InputError: naming both.
    """
    if (mask.height, mask.width) != (image["height"], image["width"]):
        raise InputError(
            f"{source}: expected a mask of {image['width']}x{image['height']} as "
            f"{image['file_name']}, found {mask.width}x{mask.height} of object {mask.object_id}"
        )


@dataclass(frozen=True, kw_only=True)
class MaskSet:
    """Masks of videos whose frames are image files: ground truth, pseudo-masks or predictions.

    An image dict for every frame on which an object is seen, an annotation for every object that
    is. ``image_id`` is ``<video>/<frame>``.

    Attributes:
        masks: a mask store, or a folder of ``<video>/<frame>.png`` with a palette.
        frames: holds one folder of images a video.
        videos: only these, such as the lines of a list of a split; by default all.
        categories: see `fixed_classes`.
        object_names: object id -> name, for `categories`; a mask itself has no name. An id is a
            record's key, a number as text, or ``<video>/<number>``.
    """

    masks: str | Path
    frames: str | Path
    videos: Sequence[str] | None = None
    categories: str | Sequence[str] | None = None
    object_names: Mapping[str, str | None] = field(default_factory=dict)

    def known_metadata(self) -> dict[str, Any]:
        """The categories, where they do not depend on names."""
        classes = fixed_classes(self.categories)
        if classes is None:
            classes = Categories(NAMES, self.object_names.values()).classes
        return {"thing_classes": classes}

    def read(self, box_mode: int) -> DatasetDicts:
        """Read all masks, a video at a time.

        Args:
            box_mode: ``BoxMode.XYXY_ABS``.

        Raises:
            FileNotFoundError: a folder is missing.
            InputError: a video has no frames or a video file, a mask is damaged or of another size
                than its image, or nothing shows any object.
        """
        reader = open_masks(self.masks)
        categories = Categories(self.categories, self.object_names.values())
        counts = Counter(
            images=0,
            objects=0,
            objects_absent=0,
            frames_without_object=0,
            videos_without_object=0,
        )
        dicts: list[dict[str, Any]] = []
        for name in choose_videos(reader.videos(), self.videos, source=self.masks):
            dicts += self._of_video(reader.read(name), categories, box_mode, counts)
        if not dicts:
            raise InputError(f"{self.masks}: expected frames that show objects, found none")
        return DatasetDicts(dicts, {"thing_classes": categories.classes, COUNTS: dict(counts)})

    def _of_video(
        self, video: VideoMasks, categories: Categories, box_mode: int, counts: Counter[str]
    ) -> list[dict[str, Any]]:
        if not video.masks:
            counts["videos_without_object"] += 1
            return []
        path = find_video(self.frames, video.name, source=self.masks)
        if path is None:
            raise FileNotFoundError(
                f"{Path(self.frames) / video.name}: expected the frames of a video of "
                f"{self.masks}, found none"
            )
        files = FrameFiles(path)
        source = f"{self.masks}: {video.name}"
        dicts = []
        for frame in video.frames:
            index = files.index(frame, source=source)
            image = image_dict(files.file(index), f"{video.name}/{files.name(index)}")
            annotations = []
            for object_id, masks in video.objects.items():
                mask = masks.get(frame)
                box = None if mask is None else _box(mask, source)
                if mask is None or box is None:
                    counts["objects_absent"] += mask is not None
                    continue
                check_mask_fits(image, mask, source=source)
                category = categories.id_of(self.object_names.get(object_id), source=source)
                annotations.append(
                    mask_annotation(mask, box, box_mode=box_mode, category_id=category)
                )
            if annotations:
                dicts.append({**image, "annotations": annotations})
            counts["images" if annotations else "frames_without_object"] += 1
            counts["objects"] += len(annotations)
        return dicts


def _box(mask: StoredMask, source: str) -> list[float] | None:
    try:
        return box_of_mask(mask)
    except InputError as error:
        raise InputError(f"{source}: {error}") from error
