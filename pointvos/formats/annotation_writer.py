"""Writing annotation files video by video, for YouTube-VIS or Video Narrative Grounding."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, TextIO

from pycocotools import mask as coco_mask

from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError
from pointvos.core.frames import natural_order
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.formats.annotation_file import MASK_FIELDS, MAX_ID, AnnotationFile

AnnotationKind = Literal["ytvis", "vng"]
FRAME_SUFFIX = ".jpg"
_CATEGORY = {"id": 1, "name": "object"}  # of objects of which no category is known


class AnnotationWriter:
    """Writes an annotation file; what `described` says of videos and objects is kept.

    Use `annotation_writer` to make one.
    """

    def __init__(
        self,
        path: Path,
        videos: TextIO,
        annotations: TextIO,
        *,
        kind: AnnotationKind,
        described: AnnotationFile | None,
        renumber: bool,
    ) -> None:
        self.path = path
        self.renumbered = 0
        self._videos, self._annotations = videos, annotations
        self._kind: AnnotationKind = kind
        self._described = described
        self._renumber = renumber
        self._video_ids = {video.id for video in described.videos.values()} if described else set()
        self._next_video = max(self._video_ids, default=0) + 1
        self._ids: set[int] = set()
        self._first_video = self._first_annotation = True

    def add(self, video: VideoMasks, files: Sequence[str] | None = None) -> None:
        """Write a video with its objects.

        Args:
            video: its masks; the frames with a mask are those of the file.
            files: names of the image files of all its frames, if they are known.

        Raises:
            InputError: a mask is on none of the frames or damaged, masks are of several sizes, or
                an object's id is no number, or one that was there, and none may be made up.
        """
        try:
            record = self._video_record(video, files)
            frames = [Path(name).stem for name in record["file_names"]]
            unknown = sorted({*video.frames} - {*frames}, key=natural_order)
            if unknown:
                raise InputError(
                    f"expected masks on its {len(frames)} frames, found one on {unknown[0]!r:.60}"
                )
            for mask in video.masks:
                mask.check()
            _write(self._videos, record, first=self._first_video)
            self._first_video = False
            for head, masks in self._heads(video, record["id"]):
                by_frame = [masks.get(frame) for frame in frames]
                _write(
                    self._annotations,
                    {**head, **self._mask_fields(by_frame, record)},
                    first=self._first_annotation,
                )
                self._first_annotation = False
        except InputError as error:
            raise InputError(f"{self.path}: {video.name}: {error}") from error

    def _video_record(self, video: VideoMasks, files: Sequence[str] | None) -> dict[str, Any]:
        sizes = {(mask.height, mask.width) for mask in video.masks}
        known: dict[str, Any] = {}
        if self._described is not None and video.name in self._described:
            described = self._described.video(video.name)
            known = dict(described.record)
            if self._described.images:
                known["file_names"] = [known.pop("file_name")]
            sizes.add((described.height, described.width))
        if len(sizes) > 1:
            raise InputError(f"expected masks of one size [height, width], found {sorted(sizes)}")
        height, width = next(iter(sizes), (0, 0))
        if not known:
            known = {"id": self._next_video, "name": video.name}
            self._next_video += 1
            known["file_names"] = [
                f"{video.name}/{name}"
                for name in files or [f"{frame}{FRAME_SUFFIX}" for frame in video.frames]
            ]
        return {**known, "width": width, "height": height, "length": len(known["file_names"])}

    def _heads(
        self, video: VideoMasks, video_id: int
    ) -> Iterator[tuple[dict[str, Any], dict[str, StoredMask]]]:
        """What an annotation says beside masks, and its masks by frame, object after object."""
        left = {name: dict(masks) for name, masks in video.objects.items()}
        if self._described is not None and video.name in self._described:
            for one in self._described.objects_of(video.name):
                record = self._described.record(one)
                head = {key: value for key, value in record.items() if key not in MASK_FIELDS}
                for key in ("image_id", "object_id"):
                    head.pop(key, None)
                yield self._head(head, one.name, one.id, video, video_id), left.pop(one.name, {})
        for name, masks in left.items():
            number = int(name) if name.isascii() and name.isdecimal() and len(name) < 20 else None
            if number is not None and (number > MAX_ID or str(number) != name):
                number = None
            yield self._head({}, name, number, video, video_id), masks

    def _head(
        self,
        head: dict[str, Any],
        name: str,
        number: int | None,
        video: VideoMasks,
        video_id: int,
    ) -> dict[str, Any]:
        if self._renumber:
            self.renumbered += 1
            number = self.renumbered
        elif number is None or number in self._ids:
            found = "no number" if number is None else "another of this number"
            raise InputError(
                f"expected objects with numbers of their own in the whole file, found "
                f"{name!r:.80}, {found}; have them renumbered"
            )
        self._ids.add(number)
        head = {**head, "id": number, "video_id": video_id}
        if str(number) != name:
            head["object_id"] = name
        if self._kind == "vng":
            return {**head, "video_name": video.name}
        return {"category_id": _CATEGORY["id"], "iscrowd": 0, **head}

    def _mask_fields(
        self, masks: Sequence[StoredMask | None], video: dict[str, Any]
    ) -> dict[str, Any]:
        fields: dict[str, Any] = {
            "height": video["height"],
            "width": video["width"],
            "length": len(masks),
            "segmentations": [mask and mask.rle for mask in masks],
        }
        if self._kind == "ytvis":
            fields["areas"] = [mask and mask.area for mask in masks]
            fields["bboxes"] = [
                mask and [float(side) for side in coco_mask.toBbox(mask.rle)] for mask in masks
            ]
        else:
            del fields["length"]
        if any(mask is not None and mask.score is not None for mask in masks):
            fields["scores"] = [mask and mask.score for mask in masks]
        return fields


@contextmanager
def annotation_writer(
    path: str | Path,
    *,
    kind: AnnotationKind,
    described: AnnotationFile | None = None,
    renumber: bool = False,
) -> Iterator[AnnotationWriter]:
    """Write an annotation file, which appears whole once the context is left without error.

    Args:
        path: of the file.
        kind: `ytvis` has categories, boxes and areas, `vng` the names of videos.
        described: a file that describes videos and objects; its masks are not looked at.
        renumber: give the objects the numbers from 1 on; what they were called stays as
            ``object_id``.

    Raises:
        InputError: there is something already.
    """
    target = Path(path)
    if target.exists():
        raise InputError(f"{target}: expected a new file to write to, found one; choose another")
    with atomic_path(target) as temporary:
        spool = temporary.with_suffix(".annotations")
        try:
            with (
                temporary.open("w", encoding="utf-8") as videos,
                spool.open("w+", encoding="utf-8") as annotations,
            ):
                members = {"info": {}, **(described.members if described else {})}
                if kind == "ytvis":
                    members = {"categories": [_CATEGORY], **members}
                else:
                    members.pop("categories", None)
                head = json.dumps(members)
                videos.write(f'{head[:-1]},\n"videos": [')
                yield AnnotationWriter(
                    target,
                    videos,
                    annotations,
                    kind=kind,
                    described=described,
                    renumber=renumber,
                )
                videos.write('],\n"annotations": [')
                annotations.seek(0)
                shutil.copyfileobj(annotations, videos, 1 << 20)
                videos.write("]}\n")
        finally:
            spool.unlink(missing_ok=True)


def write_description(path: str | Path, file: AnnotationFile) -> None:
    """Write an annotation file without its masks, atomically."""
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8") as out:
        head = json.dumps({"info": {}, **file.members})
        out.write(f'{head[:-1]},\n"{"images" if file.images else "videos"}": [')
        for number, video in enumerate(file.videos.values()):
            _write(out, dict(video.record), first=not number)
        out.write('],\n"annotations": [')
        for number, one in enumerate(file.objects.values()):
            record = file.record(one)
            left = {key: value for key, value in record.items() if key not in MASK_FIELDS}
            _write(out, left, first=not number)
        out.write("]}\n")


def _write(out: TextIO, record: dict[str, Any], *, first: bool) -> None:
    try:
        text = json.dumps(record, allow_nan=False)
    except ValueError as error:
        raise InputError(
            f"expected numbers that JSON has, found NaN or infinity: {record!r:.60}"
        ) from error
    out.write(f"{'' if first else ','}\n{text}")
