"""A video whose masks are in a mask store, to be used like one of a folder of PNGs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import VideoMasks
from pointvos.formats.index_masks import check_complete, index_mask, png_numbers
from pointvos.formats.masked_video import MaskedVideo


@dataclass(frozen=True, eq=False)
class StoredVideo(MaskedVideo):
    """A video whose masks are in a store; use `stored_video` to make one."""

    video_masks: VideoMasks | None = None
    front_first: Sequence[str | int] = ()

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) that every mask must have."""
        if not self.masks_only:
            return self.frames.height, self.frames.width
        first = self._masks.masks[0]
        return first.height, first.width

    def read_mask(self, frame: str) -> NDArray[np.uint8]:
        """Object ids of one annotated frame, uint8 [H, W]; 0 is background.

        Raises:
            InputError: the frame has no mask, or one that is damaged, overlaps another or is of
                another size than the frames.
        """
        if frame not in self.annotated:
            raise InputError(
                f"{self.name}: expected a frame with a mask, found {frame!r}, which has none"
            )
        mask = index_mask(self._masks, frame, front_first=self.front_first)
        if mask.shape != self.size:
            raise InputError(
                f"{self.annotated[frame]}: expected a mask of {self.size[1]}x{self.size[0]}, found "
                f"{mask.shape[1]}x{mask.shape[0]}"
            )
        return mask

    @property
    def _masks(self) -> VideoMasks:
        assert self.video_masks is not None
        return self.video_masks


def stored_video(
    store: MaskStore,
    name: str,
    frame_folder: str | Path,
    *,
    front_first: Sequence[str | int] = (),
    missing_as_absent: bool = False,
    masks_only: bool = False,
) -> StoredVideo:
    """A video of a store, to be used like one of a folder of PNGs. Holds its run lengths.

    Args:
        store: whose masks.
        name: of the video.
        frame_folder: where its frames are.
        front_first: objects that may overlap others, the foremost first.
        missing_as_absent: take an object as absent where it was not annotated and others were.
        masks_only: the frames are not needed and not looked at.

    Raises:
        InputError: there is no such video, or what it holds does not go into index masks.
    """
    video = store.read(name)
    png_numbers(video)
    if not missing_as_absent:
        check_complete(video)
    return StoredVideo(
        name=name,
        frame_folder=Path(frame_folder),
        annotated={frame: store.folder / name / frame for frame in video.frames},
        masks_only=masks_only,
        video_masks=video,
        front_first=tuple(front_first),
    )
