"""One data set of the mixture: how it is described, and its reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.datasets.left_out import LeftOutVideos
from pointvos.formats.static_images import list_static_images
from vng.data.category_nouns import NounSettings
from vng.data.category_reader import CategoryReader
from vng.data.coco_png_set import CocoPngSet
from vng.data.expressions import NarratedVideo
from vng.data.frames import VideoFolder
from vng.data.object_names import read_object_names
from vng.data.panoptic_images import read_panoptic_images
from vng.data.preview_page import ReadFrame
from vng.data.referring_set import ReferringSet
from vng.data.salient_reader import SalientReader
from vng.data.samples import NarratedReader
from vng.data.set_reader import NarratedSetReader
from vng.data.statistics import NarratedSet
from vng.data.vng_set import VngSet

Kind = Literal["vng", "referring", "coco_png", "coco_panoptic", "named_images"]

_Holds = Callable[[NarratedVideo], bool]

# What a kind needs beside its root, and what it may have.
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "vng": ("frames",),
    "referring": ("frames", "narratives"),
    "coco_png": ("narratives",),
    "coco_panoptic": (),
    "named_images": ("names",),
}
_MAY_HAVE: Mapping[str, tuple[str, ...]] = {"vng": ("original_masks",)}


@dataclass(frozen=True, kw_only=True)
class NarratedSource:
    """One data set of the mixture."""

    kind: Kind
    """``vng``: OVIS-VNG, UVO-VNG, Oops-VNG, Kinetics-VNG and others in their format; ``referring``:
    expressions of Ref-YouTube-VOS or Ref-DAVIS; images: ``coco_png``, ``coco_panoptic`` (texts are
    made of its categories), ``named_images`` (folders ``images`` and ``masks``, and a file of nouns
    that tools/name_objects.py writes)."""
    root: Path
    """Folder of the data set; of ``vng`` the one with meta_expressions.json, of ``referring`` that
    of the masks, ``<video>/<frame>.png``."""
    frames: Path | None = None
    """Folder with one folder or file a video, for ``vng`` and ``referring``."""
    narratives: Path | None = None
    """``png_coco_<split>.json`` of ``coco_png``, ``meta_expressions.json`` of ``referring``."""
    original_masks: Path | None = None
    """Annotation file of OVIS or UVO, for objects whose masks a ``vng`` set does not hold."""
    names: Path | None = None
    """Which noun each image of ``named_images`` shows."""
    split: str = "train"
    """Of COCO."""
    nouns: NounSettings = field(default_factory=NounSettings)
    """Which nouns are made for ``coco_panoptic``; ``absent`` holds for ``named_images`` too."""
    max_left_out: int = 0
    """Most videos or images that may be left out because their frames, or the masks of all their
    nouns, are missing; they are counted in the log."""
    repeats: int = 1
    """How often the data set stands in one pass over the mixture."""
    short_side: int | None = 480
    """Frames are kept no larger than this, in pixels."""

    def __post_init__(self) -> None:
        """Refuse a data set that cannot be opened as described."""
        if self.repeats < 1 or self.max_left_out < 0:
            raise InputError(
                f"data: expected repeats >= 1 and max_left_out >= 0 for {self.root}, found "
                f"{self.repeats} and {self.max_left_out}"
            )
        needs = _NEEDS[self.kind]
        for name in ("frames", "narratives", "original_masks", "names"):
            given = getattr(self, name) is not None
            if name in needs and not given:
                raise InputError(f"data: expected {name} of {self.kind} {self.root}, found none")
            if given and name not in (*needs, *_MAY_HAVE.get(self.kind, ())):
                raise InputError(
                    f"data: expected no {name} of {self.kind} {self.root}, which would not use it, "
                    f"found {getattr(self, name)}"
                )


def open_source(source: NarratedSource, cache_mb: float) -> tuple[NarratedReader, LeftOutVideos]:
    """The reader of one data set, and the videos that cannot be used.

    Args:
        source: the data set.
        cache_mb: memory for its decoded frames.

    Raises:
        FileNotFoundError: a folder or file is missing.
        InputError: the data set is empty or damaged, or too many videos cannot be used.
    """
    name = f"{source.kind} {source.root}"
    left_out = LeftOutVideos(name, source.max_left_out)
    kept = source.short_side
    if source.kind == "coco_panoptic":
        images, categories = read_panoptic_images(source.root, source.split)
        of_categories = CategoryReader(
            name,
            images,
            categories,
            nouns=source.nouns,
            left_out=left_out,
            short_side=kept,
            cache_mb=cache_mb,
        )
        return of_categories, left_out
    if source.kind == "named_images":
        salient = SalientReader(
            name,
            list_static_images(source.root),
            read_object_names(_given(source.names)),
            absent=source.nouns.absent,
            short_side=kept,
            cache_mb=cache_mb,
        )
        return salient, left_out
    narrated, holds, read = _open_set(source)
    videos = []
    for video in narrated.videos.values():
        if holds(video):
            videos.append(video)
        else:
            left_out.add(video.name, "its frames", "none")
    of_set = NarratedSetReader(
        name,
        narrated,
        read,
        videos=videos,
        left_out=left_out,
        short_side=kept,
        cache_mb=cache_mb,
    )
    return of_set, left_out


def _open_set(source: NarratedSource) -> tuple[NarratedSet, _Holds, ReadFrame]:
    """A set of narrated videos or images, whether there is a video, and how a frame is read."""
    if source.kind == "coco_png":
        of_images = CocoPngSet.open(_given(source.narratives), source.root, source.split)
        return of_images, partial(_has_image, of_images), partial(_read_image, of_images)
    folder = VideoFolder(_given(source.frames))
    if source.kind == "referring":
        referring = ReferringSet.open(_given(source.narratives), source.root)
        return referring, folder.holds, folder.read
    of_videos = VngSet.open(source.root, original_masks=source.original_masks)
    return of_videos, folder.holds, folder.read


def _has_image(narrated: CocoPngSet, video: NarratedVideo) -> bool:
    return narrated.images[video.name].is_file()


def _read_image(narrated: CocoPngSet, video: NarratedVideo, index: int) -> NDArray[np.uint8]:
    assert index == 0, "the only frame"
    return read_image(narrated.images[video.name])


def _given(path: Path | None) -> Path:
    assert path is not None, "the settings see to it"
    return path
