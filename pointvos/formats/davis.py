"""DAVIS 2016 and 2017 folders.

``JPEGImages/<resolution>/<sequence>/``, ``Annotations/<resolution>/<sequence>/`` and
``ImageSets/<year>/<split>.txt``. Objects may appear late, vanish, and have gaps in their ids.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.images import decode, open_image
from pointvos.core.masks import read_index_png
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import (
    MaskedVideo,
    check_masks_have_frames,
    choose_videos,
    list_masks,
)
from pointvos.formats.video_list import read_name_list

YEARS = ("2017", "2016")  # where a folder holds both lists, the multi-object ones come first
RESOLUTIONS = ("480p", "Full-Resolution", "1080p")


def read_davis(
    root: str | Path,
    split: str,
    *,
    year: int | str | None = None,
    resolution: str | None = None,
    videos: Sequence[str] | None = None,
    masks_only: bool = False,
) -> list[MaskedVideo]:
    """The sequences of one split of a DAVIS folder, in the order of its list.

    Every frame must have a mask, with two exceptions that are recognised by their regularity: sets
    that annotate every n-th frame, and test sets that annotate the first frame only.

    Args:
        root: the folder that holds JPEGImages, Annotations and ImageSets.
        split: "train", "val", "test-dev", ...; "2016/val" says the year as well.
        year: 2016 or 2017; by default 2017 where the split exists in both.
        resolution: name of the folder below JPEGImages; by default 480p, else Full-Resolution.
        videos: keep only these sequences of the split.
        masks_only: do not look at the frames (scoring needs none).

    Raises:
        FileNotFoundError: a folder or list is missing.
        InputError: the split is empty or names a sequence outside the folder, a frame has no mask,
            or a mask no frame.
    """
    folder = Path(root)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: expected a DAVIS folder, found none")
    list_file = _list_file(folder, split, year)
    names = choose_videos(read_name_list(list_file), videos, source=list_file)
    resolution = resolution or _resolution(folder / "Annotations")
    read_png = _read_2016_png if list_file.parent.name == "2016" else read_index_png
    found = []
    for name in names:
        video = MaskedVideo(
            name=name,
            frame_folder=safe_join(folder / "JPEGImages" / resolution, name, source=list_file),
            annotated=list_masks(
                safe_join(folder / "Annotations" / resolution, name, source=list_file)
            ),
            masks_only=masks_only,
            read_png=read_png,
        )
        if not masks_only:
            check_masks_have_frames(video)
            _check_regular(video)
        found.append(video)
    return found


def _list_file(root: Path, split: str, year: int | str | None) -> Path:
    sets = root / "ImageSets"
    if "/" in split:
        return safe_join(sets, f"{split}.txt", source="split")
    candidates = [
        safe_join(sets, f"{candidate}/{split}.txt", source="split")
        for candidate in ([str(year)] if year is not None else YEARS)
    ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    present = sorted(str(path.relative_to(sets)) for path in sets.glob("*/*.txt"))
    raise FileNotFoundError(
        f"{candidates[0]}: expected the list of split {split!r}, found "
        f"{', '.join(present) if present else 'no lists in ' + str(sets)}"
    )


def _resolution(annotations: Path) -> str:
    for name in RESOLUTIONS:
        if (annotations / name).is_dir():
            return name
    raise FileNotFoundError(
        f"{annotations}: expected a folder {' or '.join(RESOLUTIONS)}, found none"
    )


def _check_regular(video: MaskedVideo) -> None:
    """Masks on every n-th frame from the first on, or on the first alone; no holes."""
    names = video.frames.names
    with_mask = [index for index, name in enumerate(names) if name in video.annotated]
    if with_mask == [0]:
        return
    gaps = np.diff(with_mask)
    stride = int(gaps.min()) if len(gaps) else 1
    missing = sorted(set(range(0, len(names), stride)) - set(with_mask))
    if missing:
        frame = names[missing[0]]
        folder = next(iter(video.annotated.values())).parent
        raise InputError(
            f"{folder / (frame + '.png')}: expected a mask for frame {frame} of {video.name}, "
            f"found none ({len(missing)} of {len(names)} frames have no mask)"
        )


def _read_2016_png(path: Path) -> NDArray[np.uint8]:
    """A mask of DAVIS-2016, whose original release holds grey 0 / 255 images of one object."""
    with open_image(path) as image:
        if image.mode == "L":
            grey = decode(image, path)
            if not np.any((grey != 0) & (grey != 255)):
                return (grey // 255).astype(np.uint8)
    return read_index_png(path)
