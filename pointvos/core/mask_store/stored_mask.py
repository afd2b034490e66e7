"""One mask of one object on one frame, as the store holds it: run lengths, decoded on demand.

Objects are named by text. Point-VOS records have hashes or ``<video>/<object id>``, DAVIS small
integers and VNG integers of up to 19 digits: decimal text holds an integer without loss, and no
integer holds a hash. Integers are accepted and become that text, so `int(object_id)` returns them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frames import NaturalKey, natural_order
from pointvos.core.masks import Rle, encode_rle
from pointvos.core.run_lengths import checked_runs, decode_runs
from pointvos.core.safe_names import safe_join

MAX_NAME_BYTES = 1024  # of a video or object
MAX_FRAME_BYTES = 240  # with ".png" still a file name
_PLAIN = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_CONTROL = re.compile(r"[\x00-\x1f]")


@dataclass(frozen=True, slots=True)
class StoredMask:
    """A mask of an object on a frame; empty where the object is absent.

    Attributes:
        object_id: external name of the object; an integer as decimal text.
        frame: name of the frame (stem of its file).
        height: of the frame, in pixels.
        width: of the frame, in pixels.
        counts: compressed COCO run lengths.
        score: confidence in [0, 1], if there is one.
    """

    object_id: str
    frame: str
    height: int
    width: int
    counts: bytes
    score: float | None = None

    @classmethod
    def from_mask(
        cls,
        object_id: str | int,
        frame: str,
        mask: NDArray[np.bool_],
        *,
        score: float | None = None,
    ) -> StoredMask:
        """From a bool mask [H, W]; of other types whatever is not 0 is foreground.

        Raises:
            ValueError: it has another number of dimensions.
        """
        foreground = np.asarray(mask).astype(bool, copy=False)
        if foreground.ndim != 2:
            raise ValueError(f"expected a mask [H, W], found shape {foreground.shape}")
        return cls.from_rle(object_id, frame, encode_rle(foreground), score=score)

    @classmethod
    def from_rle(
        cls, object_id: str | int, frame: str, rle: Rle, *, score: float | None = None
    ) -> StoredMask:
        """From compressed COCO run lengths."""
        height, width = rle["size"]
        counts = rle["counts"]
        # What is not ASCII becomes bytes that no run length has, and is refused as such.
        raw = counts.encode("utf-8", "surrogatepass") if isinstance(counts, str) else counts
        return cls(str(object_id), frame, height, width, raw, score)

    @property
    def rle(self) -> Rle:
        """COCO run lengths, as `pycocotools` and `pointvos.core.masks` take them."""
        return Rle(size=[self.height, self.width], counts=self.counts.decode("latin-1"))

    @property
    def area(self) -> int:
        """Pixels of the mask, counted without decoding it; 0 where the object is absent.

        Raises:
            InputError: the run lengths are damaged.
        """
        return int(checked_runs(self.counts, self.height, self.width)[1::2].sum())

    def decode(self) -> NDArray[np.bool_]:
        """The mask, bool [H, W].

        Raises:
            InputError: the run lengths are damaged.
        """
        try:
            return decode_runs(self.counts, self.height, self.width)
        except InputError as error:
            raise InputError(f"object {self.object_id}, frame {self.frame}: {error}") from error

    def check(self) -> NDArray[np.int64]:
        """Refuse what no store may hold.

        Returns:
            The lengths of the runs, background first, int64 [R].

        Raises:
            InputError: a bad name, size or score, or run lengths that do not fill the size.
        """
        check_object_id(self.object_id)
        check_frame_name(self.frame)
        if self.score is not None and not 0 <= self.score <= 1:
            raise InputError(f"expected a score in [0, 1], found {self.score}")
        return checked_runs(self.counts, self.height, self.width)


@dataclass(frozen=True)
class VideoMasks:
    """All masks of one video.

    Attributes:
        name: of the video.
        masks: by object, then by frame, both in natural order. A frame on which an object was not
            annotated or segmented has none; one on which it is absent has an empty one.
    """

    name: str
    masks: Sequence[StoredMask]

    @cached_property
    def objects(self) -> Mapping[str, Mapping[str, StoredMask]]:
        """Object id -> frame -> mask."""
        found: dict[str, dict[str, StoredMask]] = {}
        for mask in self.masks:
            found.setdefault(mask.object_id, {})[mask.frame] = mask
        return found

    @cached_property
    def frames(self) -> list[str]:
        """The frames on which any object has a mask, in natural order."""
        return sorted({mask.frame for mask in self.masks}, key=natural_order)


def row_order(mask: StoredMask) -> tuple[NaturalKey, NaturalKey]:
    """A sort key: where among the masks of its video a mask stands."""
    return natural_order(mask.object_id), natural_order(mask.frame)


def check_each_once(masks: Sequence[StoredMask]) -> None:
    """Refuse two masks of an object on one frame.

    Raises:
        InputError: naming the first such object and frame.
    """
    seen = set()
    for mask in masks:
        place = (mask.object_id, mask.frame)
        if place in seen:
            raise InputError(
                f"expected one mask of an object on a frame, found two of object "
                f"{mask.object_id} on frame {mask.frame}"
            )
        seen.add(place)


def check_video_name(name: str) -> None:
    """Refuse a video name that leads out of a folder or is no text for a file system.

    Raises:
        InputError: saying what was expected.
    """
    _check_text(name, "a video name", MAX_NAME_BYTES)
    if _PLAIN.fullmatch(name) and len(name) <= MAX_FRAME_BYTES:
        return
    safe_join("", name, source="video name")
    parts = name.split("/")
    if {"", "."} & {*parts} or any(len(part.encode()) > MAX_FRAME_BYTES for part in parts):
        raise InputError(
            f"expected a video name whose parts have 1 to {MAX_FRAME_BYTES} bytes, found "
            f"{_shown(name)}"
        )


def check_object_id(name: str) -> None:
    """Refuse what is no object id.

    Raises:
        InputError: saying what was expected.
    """
    _check_text(name, "an object id", MAX_NAME_BYTES)


def check_frame_name(name: str) -> None:
    """Refuse a frame name that is no plain file name.

    Raises:
        InputError: saying what was expected.
    """
    _check_text(name, "a frame name", MAX_FRAME_BYTES)
    if not _PLAIN.fullmatch(name):
        safe_join("", name, source="frame name")
        if "/" in name:
            raise InputError(f"expected a frame name without folders, found {_shown(name)}")


def _check_text(name: str, what: str, limit: int) -> None:
    try:
        too_long = len(name.encode()) > limit
    except UnicodeEncodeError:  # half a surrogate pair
        too_long = True
    if not name.strip() or too_long or _CONTROL.search(name):
        raise InputError(
            f"expected {what} of 1 to {limit} bytes without control characters, found "
            f"{_shown(name)}"
        )


def _shown(name: str) -> str:
    return repr(name if len(name) <= 60 else f"{name[:57]}...")
