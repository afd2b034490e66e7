"""Folders of images with the mask of one salient object each, as STCN is first trained on.

``images/<name>.jpg`` and ``masks/<name>.png``, bright where the object is (ECSSD, DUTS and others).
Every image is a video of one frame, with object 1; video and frame carry the image's name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frames import FolderFrames
from pointvos.core.images import IMAGE_SUFFIXES, decode, image_size, open_image
from pointvos.formats.masked_video import MaskedVideo, choose_videos

HALF = 128  # brightness from which a pixel is the object (STCN code: above 0.5 of the range)


class SingleImage(FolderFrames):
    """One image as the frames of a video."""

    def __init__(self, path: Path) -> None:
        """Read the header; the image is decoded when it is read."""
        self.folder = path.parent
        self.paths = [path]
        self.name = path.stem
        self.names = [path.stem]
        self.height, self.width = image_size(path)
        self.rate = 24.0


@dataclass(frozen=True, eq=False, kw_only=True)
class StaticImage(MaskedVideo):
    """A video of one frame.

    Attributes:
        image: its file.
    """

    image: Path

    @cached_property
    def frames(self) -> FolderFrames:
        """The one frame."""
        return SingleImage(self.image)


def read_static_images(
    root: str | Path,
    split: str = "train",
    *,
    videos: Sequence[str] | None = None,
    masks_only: bool = False,
) -> list[MaskedVideo]:
    """The images of a folder, in the order of their names.

    Args:
        root: the folder that holds ``images`` and ``masks``.
        split: says nothing here, such folders are not split.
        videos: keep only the images of these names.
        masks_only: do not look at the images (scoring needs none).

    Raises:
        FileNotFoundError: a folder is missing.
        InputError: there is no image, two have one name, or one has no mask.
    """
    del split
    return choose_images(list_static_images(root), videos, masks_only=masks_only, source=root)


def choose_images(
    images: Sequence[StaticImage],
    wanted: Sequence[str] | None,
    *,
    masks_only: bool,
    source: str | Path,
) -> list[MaskedVideo]:
    """The `wanted` images, all of them for None, as a dataset reader gives them.

    Raises:
        InputError: a wanted name is not there.
    """
    chosen = set(choose_videos([image.name for image in images], wanted, source=source))
    return [replace(image, masks_only=masks_only) for image in images if image.name in chosen]


def list_static_images(root: str | Path, *, masks: bool = True) -> list[StaticImage]:
    """All images of a folder, in the order of their names.

    Args:
        root: the folder that holds ``images`` and ``masks``.
        masks: whether every image must have a mask; without, masks are not looked for.

    Raises:
        FileNotFoundError: a folder is missing.
        InputError: there is no image, two have one name, or one has no mask.
    """
    folder, mask_folder = Path(root) / "images", Path(root) / "masks"
    for part in (folder, mask_folder) if masks else (folder,):
        if not part.is_dir():
            raise FileNotFoundError(f"{part}: expected a folder, found none")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES)
    if not files:
        raise InputError(f"{folder}: expected images ({' '.join(IMAGE_SUFFIXES)}), found none")
    found: dict[str, StaticImage] = {}
    for file in files:
        if file.stem in found:
            raise InputError(f"{folder}: expected one image a name, found two of {file.stem}")
        mask = mask_folder / f"{file.stem}.png"
        if masks and not mask.is_file():
            raise InputError(f"{mask}: expected the mask of an image, found none")
        found[file.stem] = StaticImage(
            name=file.stem,
            frame_folder=folder,
            annotated={file.stem: mask} if masks else {},
            read_png=_read_bright_mask,
            image=file,
        )
    return list(found.values())


def _read_bright_mask(path: Path) -> NDArray[np.uint8]:
    """A saliency mask as object 1, uint8 [H, W].

    Raises:
        InputError: it is damaged, or nothing in it is bright enough to be the object.
    """
    with open_image(path) as image:
        brightness = decode(image.convert("L"), path)
    if brightness.max() < HALF:
        raise InputError(
            f"{path}: expected a mask with an object (brightness {HALF} or more), found none above "
            f"{brightness.max()}"
        )
    return (brightness >= HALF).astype(np.uint8)
