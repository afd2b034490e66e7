"""Masks of many videos, read one video at a time, whatever holds them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from pointvos.core.errors import InputError
from pointvos.core.mask_store.layout import MANIFEST
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import VideoMasks
from pointvos.formats.annotation_file import AnnotationFile
from pointvos.formats.mask_store_dataset import STORE_FOLDER
from pointvos.formats.stored_masks import folders_of_pngs, palette_masks
from pointvos.formats.vng_masks import VngMasks

MaskKind = Literal["store", "png", "ytvis", "vng"]
DESCRIPTION = "_annotations.json"  # in a store that was made from JSON: the JSON without its masks


class MaskSource(Protocol):
    """Where masks come from."""

    @property
    def kind(self) -> MaskKind:
        """Of what holds them."""

    @property
    def described(self) -> AnnotationFile | None:
        """What is known of videos and objects beside their masks."""

    def names(self) -> list[str]:
        """The names of all videos."""

    def read(self, name: str) -> VideoMasks:
        """All masks of a video."""


@dataclass(frozen=True)
class StoreSource:
    """A mask store."""

    store: MaskStore
    described: AnnotationFile | None
    kind: MaskKind = field(default="store", init=False)

    def names(self) -> list[str]:
        """The names of all videos, sorted."""
        return self.store.videos()

    def read(self, name: str) -> VideoMasks:
        """All masks of a video."""
        return self.store.read(name)


@dataclass(frozen=True)
class PngSource:
    """Folders of palette PNGs, ``<video>/<frame>.png``."""

    folder: Path
    void_as_background: bool = False
    described: AnnotationFile | None = field(default=None, init=False)
    kind: MaskKind = field(default="png", init=False)

    def names(self) -> list[str]:
        """The names of all videos, sorted."""
        return folders_of_pngs(self.folder)

    def read(self, name: str) -> VideoMasks:
        """All masks of a video."""
        masks = palette_masks(self.folder, name, void_as_background=self.void_as_background)
        return VideoMasks(name, masks)


@dataclass(frozen=True)
class AnnotationSource:
    """A JSON file with masks."""

    file: AnnotationFile
    kind: MaskKind

    @property
    def described(self) -> AnnotationFile:
        """The file itself."""
        return self.file

    def names(self) -> list[str]:
        """The names of all videos, in the order of the file."""
        return self.file.names()

    def read(self, name: str) -> VideoMasks:
        """All masks of a video."""
        return self.file.read(name)


def open_masks(
    path: str | Path, kind: MaskKind | None = None, *, void_as_background: bool = False
) -> MaskSource:
    """Open what holds masks.

    Args:
        path: a mask store or a folder with one in ``masks``, a folder of folders of palette PNGs,
            or a JSON file.
        kind: of what it is; None to tell it by what it holds.
        void_as_background: of PNGs: drop void (255).

    Raises:
        FileNotFoundError: there is nothing.
        InputError: it is damaged or something else, or does not say what it is.
    """
    source = Path(path)
    if not source.exists():
        raise FileNotFoundError(f"{source}: expected masks, found nothing")
    if source.is_file():
        return _open_json(source, kind)
    inner = source / STORE_FOLDER
    store = inner if (inner / MANIFEST).is_file() else source
    is_store = (store / MANIFEST).is_file()
    if kind == "store" or (kind is None and is_store):
        description = store / DESCRIPTION
        described = AnnotationFile(description) if description.is_file() else None
        return StoreSource(MaskStore.open(store), described)
    if kind in ("ytvis", "vng"):
        raise InputError(f"{source}: expected a JSON file, found a folder")
    if (source / "Annotations").is_dir():
        raise InputError(
            f"{source}: expected folders of PNGs named as the videos, found Annotations; give the "
            "folder in it that holds them"
        )
    if not folders_of_pngs(source):
        raise InputError(
            f"{source}: expected a mask store ({MANIFEST}) or folders of PNGs, found neither"
        )
    return PngSource(source, void_as_background)


def _open_json(path: Path, kind: MaskKind | None) -> AnnotationSource:
    if kind in ("store", "png"):
        raise InputError(f"{path}: expected a folder, found a file")
    if kind == "vng":
        return AnnotationSource(VngMasks(path).file, "vng")
    file = AnnotationFile(path, first_wins=kind is None)
    found = kind or _kind_of(file)
    if found == "vng":
        return AnnotationSource(VngMasks(path).file, "vng")
    if file.duplicates:
        raise InputError(f"{path}: expected every id once, found {file.duplicates[0]} again")
    return AnnotationSource(file, found)


def _kind_of(file: AnnotationFile) -> Literal["ytvis", "vng"]:
    if file.images:
        return "ytvis"
    if any("ytid" in video.record for video in file.videos.values()):
        return "vng"
    if "categories" in file.members:
        return "ytvis"
    if file.names_videos:
        return "vng"
    raise InputError(
        f"{file.path}: expected categories (ytvis), or ytid of videos or video_name of annotations "
        "(vng), found none; say which of the two it is"
    )
