"""Masks of linked objects out of a mask store, under the frames and numbers of a VNG set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import FrameNames
from pointvos.core.frames import FrameSource
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from vng.convert.link_types import Reason
from vng.convert.point_objects import PointObject


@dataclass(frozen=True)
class NoMasks:
    """Why an object has no masks in the set.

    Attributes:
        reason: `MISSING_MASKS` or `UNUSABLE_MASKS`.
        note: more about it.
    """

    reason: Reason
    note: str = ""


class ObjectMasks:
    """The masks of one video.

    Args:
        store: object ids are keys of records; the video is under its name, or, as where frames
            were in a folder for every object, each object is a video of its own key.
        video: its name.
        frames: of the video.
        dense: whether every frame must have a mask of every object.

    Raises:
        InputError: the store is damaged.
    """

    def __init__(self, store: MaskStore, video: str, frames: FrameSource, *, dense: bool) -> None:
        self._store, self._frames, self._dense = store, frames, dense
        self._lookup = FrameNames(frames.names)
        self._shared: Mapping[str, Mapping[str, StoredMask]] = (
            store.read(video).objects if video in store else {}
        )

    def of(self, one: PointObject) -> list[StoredMask] | NoMasks:
        """Its masks, named by its obj_id and by the frames of the video; or why there are none.

        None on a frame says that the object was not segmented there, an empty one that it is
        absent.

        Raises:
            InputError: the store is damaged.
        """
        key = one.about.key
        found = self._shared.get(key)
        if found is None and key in self._store:
            found = self._store.read(key).objects.get(key)
        if not found:
            return NoMasks(Reason.MISSING_MASKS, "no mask on any frame")
        named: dict[int, StoredMask] = {}
        for mask in found.values():
            problem = self._enter(mask, one.obj_id, named)
            if problem:
                return NoMasks(Reason.UNUSABLE_MASKS, problem)
        if self._dense and len(named) < len(self._frames):
            return NoMasks(
                Reason.UNUSABLE_MASKS,
                f"expected masks on all {len(self._frames)} frames of a dense set, found "
                f"{len(named)}",
            )
        masks = [named[index] for index in sorted(named)]
        if not _any_pixel(masks):
            return NoMasks(Reason.MISSING_MASKS, "only empty masks")
        return masks

    def _enter(self, mask: StoredMask, obj_id: int, named: dict[int, StoredMask]) -> str:
        """Enter a mask under its frame; returns what is wrong with it."""
        frames = self._frames
        index = self._lookup.index(mask.frame)
        if index is None:
            return (
                f"expected masks on frames of the video ({frames.names[0]} .. {frames.names[-1]}), "
                f"found one on {mask.frame}"
            )
        if (mask.height, mask.width) != (frames.height, frames.width):
            return (
                f"expected masks of {frames.width}x{frames.height} like the frames, found "
                f"{mask.width}x{mask.height}"
            )
        if index in named:
            return f"expected one mask on frame {frames.names[index]}, found two"
        named[index] = replace(mask, object_id=str(obj_id), frame=frames.names[index])
        return ""


def _any_pixel(masks: Sequence[StoredMask]) -> bool:
    try:
        return any(mask.area for mask in masks)
    except InputError as error:
        raise InputError(f"object {masks[0].object_id}: {error}") from error
