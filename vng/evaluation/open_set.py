"""The sets that grounding is evaluated on: narrated videos, images, referring expressions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from pointvos.core.errors import InputError
from pointvos.core.frames import FolderFrames
from pointvos.core.images import read_image
from pointvos.core.jsonfile import read_json
from vng.data.coco_png_set import CocoPngSet
from vng.data.expressions import NarratedVideo
from vng.data.frames import VideoFolder
from vng.data.referring_set import SENTENCE, ReferringSet
from vng.data.statistics import NarratedSet
from vng.data.vng_set import VngSet
from vng.inference.grounding import Frame

_COCO_SPLIT = re.compile(r"png_coco_(\w+)")
THING, STUFF, MIXED = "things", "stuff", "things and stuff"


class FrameReader(Protocol):
    """Gives the frames of narrated videos."""

    def check(self, video: NarratedVideo) -> None:
        """Refuse a video whose frames are not there, without decoding any.

        Raises:
            FileNotFoundError: there is no such video.
            InputError: it has no such frame, or another number of frames.
        """

    def read(self, video: NarratedVideo, index: int) -> Frame:
        """One frame, uint8 RGB [H, W, 3]."""

    def iterate(self, video: NarratedVideo) -> Iterator[Frame]:
        """All frames that the set lists, in order, decoded as they are asked for."""


@dataclass(frozen=True, eq=False)
class EvaluationSet:
    """What is evaluated on.

    Attributes:
        narrated: videos with expressions and masks.
        frames: None where only masks are scored.
        kinds: video -> object id -> what its score is also averaged over; empty without kinds.
        duplicates: file -> annotations that came a second time and do not count.
    """

    narrated: NarratedSet
    frames: FrameReader | None
    kinds: Mapping[str, Mapping[int, str]]
    duplicates: Mapping[str, list[str]]


class _Videos:
    """A folder of videos as a `FrameReader`."""

    def __init__(self, root: Path) -> None:
        self._folder = VideoFolder(root)

    def check(self, video: NarratedVideo) -> None:
        """See `FrameReader`."""
        source = self._folder.open(video)
        if not isinstance(source, FolderFrames):
            if len(source) != len(video.frames):
                raise InputError(
                    f"{self._folder.root}: {video.name}: expected {len(video.frames)} frames, "
                    f"found {len(source)}"
                )
            return
        known = set(source.names)
        numbers = {int(name) for name in source.names if name.isdecimal()}
        for name in video.frames:
            if name not in known and not (name.isdecimal() and int(name) in numbers):
                raise InputError(
                    f"{self._folder.root / video.name}: expected the frame {name!r}, found none of "
                    "this name"
                )

    def read(self, video: NarratedVideo, index: int) -> Frame:
        """See `FrameReader`."""
        return self._folder.read(video, index)

    def iterate(self, video: NarratedVideo) -> Iterator[Frame]:
        """See `FrameReader`."""
        source = self._folder.open(video)
        if isinstance(source, FolderFrames):
            for index in range(len(video.frames)):
                yield self._folder.read(video, index)
        else:  # a video file is decoded once, from its beginning
            self.check(video)
            for frame in source.read():
                yield frame.rgb


class _Images:
    """Image files, each a video of one frame."""

    def __init__(self, images: Mapping[str, Path]) -> None:
        self._images = images

    def check(self, video: NarratedVideo) -> None:
        """See `FrameReader`."""
        if not self._images[video.name].is_file():
            raise FileNotFoundError(f"{self._images[video.name]}: expected an image, found none")

    def read(self, video: NarratedVideo, index: int) -> Frame:
        """See `FrameReader`."""
        assert index == 0, "an image is a video of one frame"
        return read_image(self._images[video.name])

    def iterate(self, video: NarratedVideo) -> Iterator[Frame]:
        """See `FrameReader`."""
        yield self.read(video, 0)


def open_set(
    path: Path,
    *,
    frames: Path | None,
    masks: Path | None = None,
    original_masks: Path | None = None,
) -> EvaluationSet:
    """Open a set by what is there.

    Args:
        path: folder of a VNG set, a COCO-PNG file ``png_coco_<split>.json``, or a
            ``meta_expressions*.json`` of referring expressions.
        frames: folder of videos; of COCO-PNG the COCO folder, which holds the masks as well.
        masks: folder of PNGs, for referring expressions.
        original_masks: annotation file of OVIS or UVO, for VNG sets.

    Raises:
        FileNotFoundError: something is missing.
        InputError: it is no such set, or damaged.
    """
    if path.is_dir():
        vng_set = VngSet.open(path, original_masks=original_masks)
        duplicates = {str(f.path): [str(one) for one in f.duplicates] for f in vng_set.files}
        return EvaluationSet(vng_set, _folder(frames), {}, duplicates)
    content = read_json(path)
    if _is_referring(content):
        if masks is None:
            raise InputError(
                f"{path}: expected --masks with referring expressions, found none: give a folder "
                "of <video>/<frame>.png"
            )
        return EvaluationSet(ReferringSet.open(path, masks), _folder(frames), {}, {})
    split = _COCO_SPLIT.match(path.stem)
    if not isinstance(content, list) or split is None:
        raise InputError(
            f"{path}: expected the folder of a VNG set, png_coco_<split>.json or referring "
            "expressions, found none of them"
        )
    if frames is None:
        raise InputError(f"{path}: expected --frames, the COCO folder, found none")
    coco = CocoPngSet.open(path, frames, split[1])
    kinds = _kinds(coco, frames / "annotations" / f"panoptic_{split[1]}.json")
    return EvaluationSet(coco, _Images(coco.images), kinds, {})


def _folder(frames: Path | None) -> FrameReader | None:
    return None if frames is None else _Videos(frames)


def _is_referring(content: Any) -> bool:
    videos = content.get("videos") if isinstance(content, dict) else None
    if not isinstance(videos, dict):
        return False
    listed = (v.get("expressions") for v in videos.values() if isinstance(v, dict))
    items = [one for each in listed if isinstance(each, dict) for one in each.values()]
    return any(isinstance(one, dict) and SENTENCE in one for one in items)


def _kinds(coco: CocoPngSet, annotations: Path) -> dict[str, dict[int, str]]:
    """Things, stuff or both, of each object of each image."""
    content = read_json(annotations)
    try:
        is_thing = {row["id"]: bool(row["isthing"]) for row in content["categories"]}
        of_segment = {
            (str(row["file_name"]), int(one["id"])): is_thing[one["category_id"]]
            for row in content["annotations"]
            for one in row["segments_info"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{annotations}: expected COCO panoptic annotations, found "
            f"{type(error).__name__}: {error}"
        ) from error
    kinds: dict[str, dict[int, str]] = {}
    for name, objects in coco.segments.items():
        file_name = coco.panoptic[name].name
        for object_id, segments in objects.items():
            things = {of_segment[file_name, one] for one in segments}
            kind = MIXED if len(things) > 1 else THING if things == {True} else STUFF
            kinds.setdefault(name, {})[object_id] = kind
    return kinds
