"""A video with object masks on some of its frames, whatever folder layout it comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frames import FolderFrames, natural_order
from pointvos.core.images import image_size
from pointvos.core.masks import object_ids, read_index_png

MaskReader = Callable[[Path], NDArray[np.uint8]]


@dataclass(frozen=True, eq=False)
class MaskedVideo:
    """One video of a mask dataset. Nothing is decoded until it is asked for.

    Attributes:
        name: of the video or sequence.
        frame_folder: where its frames are.
        annotated: frame name -> mask file, in the order of the video.
        categories: object id -> category name, where the dataset tells; ids may have gaps.
        masks_only: the frames are not needed and not looked at (scoring): masks are then compared
            with the first mask and not with the frames.
        read_png: how a mask file becomes object ids, uint8 [H, W].
    """

    name: str
    frame_folder: Path
    annotated: Mapping[str, Path]
    categories: Mapping[int, str] = field(default_factory=dict)
    masks_only: bool = False
    read_png: MaskReader = read_index_png

    @cached_property
    def frames(self) -> FolderFrames:
        """The frames of the video.

        Raises:
            FileNotFoundError: there is no such folder.
            InputError: it holds no images.
        """
        return FolderFrames(self.frame_folder)

    @cached_property
    def size(self) -> tuple[int, int]:
        """(height, width) that every mask must have."""
        if self.masks_only:
            return image_size(next(iter(self.annotated.values())))
        return self.frames.height, self.frames.width

    def read_mask(self, frame: str) -> NDArray[np.uint8]:
        """Object ids of one annotated frame, uint8 [H, W]; 0 is background, 255 void.

        Raises:
            FileNotFoundError: the mask file is gone.
            InputError: the frame has no mask, or the mask is damaged, has no palette or is of
                another size than the frames.
        """
        if frame not in self.annotated:
            raise InputError(
                f"{self.name}: expected a frame with a mask, found {frame!r}, which has none"
            )
        path = self.annotated[frame]
        mask = self.read_png(path)
        if mask.shape != self.size:
            raise InputError(
                f"{path}: expected a mask of {self.size[1]}x{self.size[0]} like the "
                f"{'first mask' if self.masks_only else 'frames'} of {self.name}, found "
                f"{mask.shape[1]}x{mask.shape[0]}"
            )
        return mask

    def first_appearance(self) -> dict[int, str]:
        """Object id -> first frame whose mask shows it, ids ascending. Reads every mask."""
        first: dict[int, str] = {}
        for frame in self.annotated:
            for object_id in object_ids(self.read_mask(frame)):
                first.setdefault(object_id, frame)
        return dict(sorted(first.items()))

    def object_ids(self) -> list[int]:
        """The ids of all objects that any mask shows, ascending. Reads every mask."""
        return list(self.first_appearance())


def list_masks(folder: Path) -> dict[str, Path]:
    """Frame name -> PNG for the masks in `folder`, in natural order of their names.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: it holds no PNG.
    """
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a folder of masks, found none")
    masks = {
        path.stem: path
        for path in sorted(folder.iterdir(), key=lambda path: natural_order(path.stem))
        if path.suffix.lower() == ".png"
    }
    if not masks:
        raise InputError(f"{folder}: expected masks (*.png), found none")
    return masks


def check_masks_have_frames(video: MaskedVideo) -> None:
    """Refuse masks that belong to no frame.

    Raises:
        InputError: naming the first such mask.
    """
    names = set(video.frames.names)
    for frame, path in video.annotated.items():
        if frame not in names:
            raise InputError(
                f"{path}: expected a frame of the same name in {video.frame_folder}, found none"
            )


def choose_videos(
    available: Sequence[str], wanted: Sequence[str] | None, *, source: str | Path
) -> list[str]:
    """The `wanted` names in the order of `available`; all of them for None.

    Raises:
        InputError: a wanted name is not available.
    """
    if wanted is None:
        return list(available)
    missing = sorted(set(wanted) - set(available))
    if missing:
        raise InputError(
            f"{source}: expected the videos asked for, found no {', '.join(missing[:5])} among "
            f"{len(available)} videos"
        )
    chosen = set(wanted)
    return [name for name in available if name in chosen]
