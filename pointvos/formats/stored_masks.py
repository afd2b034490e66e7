"""Mask stores to folders of palette PNGs (``<video>/<frame>.png``) and back, the same masks.

A palette PNG knows less than a store: one object a pixel, ids 1 to 254, no scores, and no
difference between an object that is absent and one that was not annotated. What would be lost is
refused unless it is asked for; scores are always left behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pointvos.core.errors import InputError
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.masks import VOID, object_ids, read_index_png, write_index_png
from pointvos.core.output_folder import output_folder
from pointvos.core.safe_names import safe_join
from pointvos.formats.index_masks import check_complete, index_mask
from pointvos.formats.masked_video import choose_videos, list_masks


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What a conversion did.

    Attributes:
        videos: converted now.
        already: videos that were there before.
        masks: masks of an object on a frame, of the videos converted now.
        without_objects: videos that show no object at all, of which nothing but the name is kept.
    """

    videos: int
    already: int
    masks: int
    without_objects: tuple[str, ...]


def write_palette_folders(
    store: MaskStore,
    output: str | Path,
    *,
    videos: Sequence[str] | None = None,
    front_first: Sequence[str | int] = (),
    missing_as_absent: bool = False,
    numbers: Callable[[str], Mapping[str, int]] | None = None,
) -> Converted:
    """Write ``<output>/<video>/<frame>.png`` for the videos of a store.

    A video appears whole; one that has a folder there already is left as it is, so that a job that
    was stopped goes on.

    Args:
        store: whose masks.
        output: folder of the videos' folders; for a DAVIS folder ``Annotations/480p``.
        videos: only these.
        front_first: objects that may overlap others, the foremost first.
        missing_as_absent: where an object was not annotated on a frame on which another was, leave
            it out of the PNG, as if it were absent there.
        numbers: gives object id -> number in the PNGs of a video; by default `png_numbers`.

    Raises:
        InputError: a video cannot be written without loss; the message names the objects.
    """
    written = already = masks = 0
    empty = []
    for name in choose_videos(store.videos(), videos, source=store.folder):
        folder = safe_join(output, name, source=store.folder)
        if folder.is_dir() and any(folder.iterdir()):
            already += 1
            continue
        video = store.read(name)
        if not video.masks:
            empty.append(name)
            continue
        if not missing_as_absent:
            check_complete(video)
        with output_folder(folder) as temporary:
            for frame in video.frames:
                index = index_mask(
                    video,
                    frame,
                    front_first=front_first,
                    numbers=None if numbers is None else numbers(name),
                )
                write_index_png(temporary / f"{frame}.png", index)
        written += 1
        masks += len(video.masks)
    return Converted(videos=written, already=already, masks=masks, without_objects=tuple(empty))


def store_palette_folders(
    folder: str | Path,
    writer: MaskStoreWriter,
    *,
    videos: Iterable[str] | None = None,
    record_ids: bool = False,
    void_as_background: bool = False,
) -> Converted:
    """Add the masks of ``<folder>/<video>/<frame>.png`` to a store; completed videos are left out.

    Every object has a mask on every annotated frame of its video, an empty one where it is absent.

    Args:
        folder: of the videos' folders.
        writer: of the store.
        videos: only these; by default every folder below that holds PNGs.
        record_ids: name the objects ``<video>/<number>``, as simulated Point-VOS records do.
        void_as_background: drop void (255), which a store does not know.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: a PNG is damaged, has no palette, is of another size or shows void.
    """
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a folder of masks, found none")
    stored = already = masks = 0
    empty = []
    done = writer.completed()
    for name in sorted(set(videos)) if videos is not None else folders_of_pngs(root):
        if name in done:
            already += 1
            continue
        rows = palette_masks(
            root, name, record_ids=record_ids, void_as_background=void_as_background
        )
        writer.add(name, rows)
        stored += 1
        masks += len(rows)
        if not rows:
            empty.append(name)
    return Converted(videos=stored, already=already, masks=masks, without_objects=tuple(empty))


def folders_of_pngs(root: Path) -> list[str]:
    """The folders below `root` that hold PNGs, sorted; their names are those of the videos."""
    found = {path.parent for path in root.rglob("*") if path.suffix.lower() == ".png"}
    return sorted(str(folder.relative_to(root)) for folder in found - {root})


def palette_masks(
    root: Path, video: str, *, record_ids: bool = False, void_as_background: bool = False
) -> list[StoredMask]:
    """The masks of every object on every frame of ``<root>/<video>/<frame>.png``, object by object.

    Raises:
        FileNotFoundError: there is no such folder.
        InputError: a PNG is damaged, has no palette, is of another size or shows void.
    """
    files = list_masks(safe_join(root, video, source=root))
    shown: dict[str, dict[int, StoredMask]] = {}
    numbers: set[int] = set()
    size: tuple[int, ...] | None = None
    for frame, path in files.items():
        index = read_index_png(path)
        size = size or index.shape
        if index.shape != size:
            raise InputError(
                f"{path}: expected a mask of {size[1]}x{size[0]} like the first of {video}, found "
                f"{index.shape[1]}x{index.shape[0]}"
            )
        if not void_as_background and (index == VOID).any():
            raise InputError(
                f"{path}: expected no void (255), which a mask store does not know, found "
                f"{np.count_nonzero(index == VOID)} pixels; store it as background if it may be"
            )
        present = object_ids(index)
        numbers.update(present)
        shown[frame] = {
            number: StoredMask.from_mask(_name(video, number, record_ids), frame, index == number)
            for number in present
        }
    absent = np.zeros(size or (1, 1), bool)
    return [
        shown[frame].get(number)
        or StoredMask.from_mask(_name(video, number, record_ids), frame, absent)
        for number in sorted(numbers)
        for frame in files
    ]


def _name(video: str, number: int, record_ids: bool) -> str:
    return f"{video}/{number}" if record_ids else str(number)
