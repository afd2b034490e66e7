"""Masks of Video Narrative Grounding: ``extra_masks.json``, and the OVIS and UVO files beside it.

Objects are named by numbers of up to 19 digits. Where videos have a ``ytid`` (UVO), masks stand on
some frames only, and the number in a frame's name is its place in the video.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.formats.annotation_file import AnnotatedObject, AnnotatedVideo, AnnotationFile

MAX_FRAMES = 1_000_000  # of a video; a larger number in a name is damage
_UVO_FIELD = "ytid"


class VngMasks:
    """An opened file of VNG masks. Masks are read when they are asked for.

    Attributes:
        path: of the file.
        videos: by their ids in the file.
        objects: by their ids, which are the ``obj_id`` of expressions.
        sparse: whether masks stand on some frames only, by the numbers in their names (UVO).
        duplicates: ids of annotations that came again; the first of an id is kept, as by the
            official evaluator.
    """

    def __init__(self, path: str | Path) -> None:
        """Read the file once, in bounded memory.

        Raises:
            FileNotFoundError: there is no such file.
            InputError: it is damaged or names something unsafe; some videos have a ``ytid`` and
                others none; an annotation is of no video in it.
        """
        self.file = AnnotationFile(path, first_wins=True)
        self.path = self.file.path
        self.videos: Mapping[int, AnnotatedVideo] = self.file.videos
        self.objects: Mapping[int, AnnotatedObject] = self.file.objects
        self.duplicates = self.file.duplicates
        named = [_UVO_FIELD in video.record for video in self.videos.values()]
        self.sparse = any(named)
        if self.sparse and not all(named):
            raise InputError(
                f"{self.path}: expected a {_UVO_FIELD} for every video or for none, found "
                f"{sum(named)} of {len(named)}"
            )

    def video_of(self, object_id: int) -> AnnotatedVideo:
        """The video of an object.

        Raises:
            InputError: there is no such object.
        """
        return self.videos[self._object(object_id).video_id]

    def frame_numbers(self, video: AnnotatedVideo) -> list[int]:
        """Where in the video its frames are, from 0: one after another, or as their names say.

        Raises:
            InputError: a name has no number in it, or one that came before.
        """
        if not self.sparse:
            return list(range(len(video.frames)))
        numbers: list[int] = []
        for frame in video.frames:
            number = re.fullmatch(r"\D*(\d{1,9})", frame, re.ASCII)
            if number is None or int(number[1]) >= MAX_FRAMES:
                raise InputError(
                    f"{self.path}: {video.name}: expected frames named by their numbers, found "
                    f"{frame!r:.60}"
                )
            numbers.append(int(number[1]))
        if len(set(numbers)) < len(numbers):
            raise InputError(
                f"{self.path}: {video.name}: expected every frame once, found one twice"
            )
        return numbers

    def masks(self, object_id: int, *, frames: int | None = None) -> list[StoredMask | None]:
        """The masks of an object by frame: None where not annotated, empty where it is absent.

        Args:
            object_id: as in an expression.
            frames: of the video; by default as many as there must be for the last with a mask.

        Raises:
            InputError: there is no such object, its record is damaged, or its video has masks
                beyond so many frames.
        """
        one = self._object(object_id)
        video = self.videos[one.video_id]
        numbers = self.frame_numbers(video)
        length = max(numbers, default=-1) + 1
        if frames is not None and length > frames:
            raise InputError(
                f"{self.path}: {video.name}: expected masks on its {frames} frames, found frame "
                f"{length - 1}"
            )
        found: list[StoredMask | None] = [None] * (length if frames is None else frames)
        for number, mask in zip(numbers, self.file.masks(one), strict=True):
            found[number] = mask
        return found

    def __contains__(self, object_id: object) -> bool:
        return object_id in self.objects

    def _object(self, object_id: int) -> AnnotatedObject:
        if object_id not in self.objects:
            raise InputError(
                f"{self.path}: expected the object {object_id}, found none such among "
                f"{len(self.objects)}"
            )
        return self.objects[object_id]
