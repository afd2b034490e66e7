"""A folder of frames and a mask store as a data set, such as `make_pseudo_masks.py` writes.

``JPEGImages/<video>/`` (a link will do) and ``masks/``, the store. Masks are read when they are
asked for, so that a store of a million of them is not in memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.safe_names import safe_join
from pointvos.formats.index_masks import index_mask, numbers_in_order
from pointvos.formats.masked_video import MaskedVideo, check_masks_have_frames, choose_videos

FRAMES_FOLDER = "JPEGImages"
STORE_FOLDER = "masks"


@dataclass(frozen=True, eq=False, kw_only=True)
class VideoOfStore(MaskedVideo):
    """A video whose masks stay in their store.

    Attributes:
        store: that holds the masks.
        numbers: object id in the store -> number in index masks.
        mask_size: (height, width) of the masks.
    """

    store: MaskStore
    numbers: Mapping[str, int]
    mask_size: tuple[int, int]

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) that every mask must have."""
        return self.mask_size if self.masks_only else (self.frames.height, self.frames.width)

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
        mask = index_mask(self.store.read(self.name), frame, numbers=self.numbers)
        if mask.shape != self.size:
            raise InputError(
                f"{self.annotated[frame]}: expected a mask of {self.size[1]}x{self.size[0]}, found "
                f"{mask.shape[1]}x{mask.shape[0]}"
            )
        return mask


def read_mask_store(
    root: str | Path,
    split: str = "train",
    *,
    videos: Sequence[str] | None = None,
    masks_only: bool = False,
) -> list[MaskedVideo]:
    """The videos of a mask store and its frames, in the order of their names.

    Objects have the numbers in their ids; where ids are hashes, they are numbered in their order.
    An object without a mask on a frame on which others have one counts as absent there. Videos
    without any mask are left out.

    Args:
        root: the folder that holds JPEGImages and masks.
        split: of no effect; a store is one split.
        videos: keep only these.
        masks_only: do not look at the frames (scoring needs none).

    Raises:
        FileNotFoundError: a folder is missing.
        InputError: the store is damaged, of another version or without masks, or a mask has no
            frame.
    """
    del split
    folder = Path(root)
    store = MaskStore.open(folder / STORE_FOLDER)
    if not masks_only and not (folder / FRAMES_FOLDER).is_dir():
        raise FileNotFoundError(
            f"{folder / FRAMES_FOLDER}: expected the frames of the videos, or a link to them, "
            "found none"
        )
    found: list[MaskedVideo] = []
    for name in choose_videos(store.videos(), videos, source=store.folder):
        masks = store.read(name)
        if not masks.masks:
            continue
        video = VideoOfStore(
            name=name,
            frame_folder=safe_join(folder / FRAMES_FOLDER, name, source=store.folder),
            annotated={frame: store.folder / name / frame for frame in masks.frames},
            masks_only=masks_only,
            store=store,
            numbers=numbers_in_order(masks),
            mask_size=(masks.masks[0].height, masks.masks[0].width),
        )
        if not masks_only:
            check_masks_have_frames(video)
        found.append(video)
    if not found:
        raise InputError(f"{store.folder}: expected videos with masks, found none")
    return found
