"""Index masks (one object a pixel, ids 1 to 254) from the masks of a store, which may overlap."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.core.masks import MAX_OBJECT_ID


def png_numbers(video: VideoMasks) -> dict[str, int]:
    """Object id -> value in a palette PNG: the id itself, or the number of ``<video>/<number>``.

    Raises:
        InputError: an id is neither, is not in 1 .. 254, or two ids are the same number.
    """
    numbers: dict[str, int] = {}
    owner: dict[int, str] = {}
    for object_id in video.objects:
        text = object_id.removeprefix(f"{video.name}/")
        number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0
        if not 0 < number <= MAX_OBJECT_ID:
            raise InputError(
                f"{video.name}: expected object ids 1 to {MAX_OBJECT_ID} or {video.name}/1 to "
                f"{video.name}/{MAX_OBJECT_ID}, found {object_id!r:.80}"
            )
        if number in owner:
            raise InputError(
                f"{video.name}: expected objects of different numbers, found {owner[number]!r:.80} "
                f"and {object_id!r:.80}"
            )
        numbers[object_id] = number
        owner[number] = object_id
    return numbers


def numbers_in_order(video: VideoMasks) -> dict[str, int]:
    """Object id -> number: as `png_numbers`, or from 1 in natural order where ids are no numbers.

    Records of the Point-VOS release are named by hashes.

    Raises:
        InputError: there are more than 254 objects.
    """
    try:
        return png_numbers(video)
    except InputError:
        if len(video.objects) > MAX_OBJECT_ID:
            raise
    return {object_id: number for number, object_id in enumerate(video.objects, start=1)}


def index_mask(
    video: VideoMasks,
    frame: str,
    *,
    front_first: Sequence[str | int] = (),
    numbers: Mapping[str, int] | None = None,
) -> NDArray[np.uint8]:
    """The objects of one frame as a map of their numbers, uint8 [H, W]; 0 is background.

    Args:
        video: the masks of a video.
        frame: one of its frames.
        front_first: objects that may overlap others, the foremost first; all are before those that
            are not listed.
        numbers: object id -> number, 1 to 254; by default `png_numbers`.

    Raises:
        InputError: two objects overlap of which none is listed; sizes differ; run lengths are
            damaged; an object has no number.
    """
    if numbers is None:
        numbers = png_numbers(video)
    ranks = {str(object_id): rank for rank, object_id in enumerate(front_first)}
    shown = [masks[frame] for masks in video.objects.values() if frame in masks]
    if not shown:
        raise InputError(f"{video.name}: expected a frame with masks, found {frame!r:.80}")
    index = np.zeros((shown[0].height, shown[0].width), np.uint8)
    name_of = {number: object_id for object_id, number in numbers.items()}
    for mask in sorted(shown, key=lambda mask: -ranks.get(mask.object_id, len(ranks))):
        if (mask.height, mask.width) != index.shape:
            raise InputError(
                f"{video.name}: expected masks of one size on frame {frame}, found "
                f"{index.shape[1]}x{index.shape[0]} and {mask.width}x{mask.height}"
            )
        pixels = _decoded(video, mask)
        below = index[pixels]
        if mask.object_id not in ranks and below.any():
            number = int(below[below > 0][0])
            raise InputError(
                f"{video.name}: expected objects that do not overlap, as in a palette PNG, found "
                f"{name_of[number]!r} and {mask.object_id!r} on "
                f"{np.count_nonzero(below == number)} pixels of frame {frame}; say which is in "
                "front"
            )
        index[pixels] = numbers[mask.object_id]
    return index


def check_complete(video: VideoMasks) -> None:
    """Refuse a video of which some object was not annotated on a frame on which another was.

    Raises:
        InputError: naming the first such object and frame.
    """
    for object_id, masks in video.objects.items():
        missing = [frame for frame in video.frames if frame not in masks]
        if missing:
            raise InputError(
                f"{video.name}: expected masks of every object on every annotated frame, found "
                f"none of {object_id!r} on frame {missing[0]} and {len(missing) - 1} more; if it "
                "is absent there, convert with missing_as_absent"
            )


def _decoded(video: VideoMasks, mask: StoredMask) -> NDArray[np.bool_]:
    try:
        return mask.decode()
    except InputError as error:
        raise InputError(f"{video.name}: {error}") from error
