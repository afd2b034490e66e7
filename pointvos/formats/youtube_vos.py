"""YouTube-VOS folders.

``JPEGImages/<video>/``, ``Annotations/<video>/`` and, where it exists, ``meta.json`` with the
category and the frames of every object. Masks stand on some frames only, at any stride; in
validation sets only where an object first appears.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.frames import natural_order
from pointvos.core.jsonfile import read_json
from pointvos.core.masks import MAX_OBJECT_ID
from pointvos.core.safe_names import safe_join
from pointvos.formats.masked_video import (
    MaskedVideo,
    check_masks_have_frames,
    choose_videos,
    list_masks,
)

SPLIT_FOLDERS = {"val": ("val", "valid"), "valid": ("valid", "val")}  # the release says "valid"


def read_youtube_vos(
    root: str | Path,
    split: str,
    *,
    videos: Sequence[str] | None = None,
    masks_only: bool = False,
) -> list[MaskedVideo]:
    """The videos of one split of a YouTube-VOS folder, in the order of their names.

    Args:
        root: the folder that holds ``<split>/JPEGImages``, or itself JPEGImages and Annotations
            (then it is one split, whatever `split` says).
        split: "train", "val", ...
        videos: keep only these.
        masks_only: do not look at the frames (scoring needs none).

    Raises:
        FileNotFoundError: a folder is missing.
        InputError: there are no videos, a mask has no frame, meta.json is not as expected, or an
            object has no mask on a frame where meta.json says that it is annotated.
    """
    folder = _split_folder(Path(root), split)
    annotations = folder / "Annotations"
    available = sorted(path.name for path in annotations.iterdir() if path.is_dir())
    if not available:
        raise InputError(f"{annotations}: expected one folder of masks a video, found none")
    meta_file = folder / "meta.json"
    meta = _read_meta(meta_file) if meta_file.is_file() else {}
    found = []
    for name in choose_videos(available, videos, source=annotations):
        objects = meta.get(name, {})
        video = MaskedVideo(
            name=name,
            frame_folder=safe_join(folder / "JPEGImages", name, source=annotations),
            annotated=list_masks(annotations / name),
            categories={
                key: str(entry["category"]) for key, entry in objects.items() if "category" in entry
            },
            masks_only=masks_only,
        )
        if not masks_only:
            check_masks_have_frames(video)
        _check_listed_frames(video, objects, meta_file)
        found.append(video)
    return found


def _split_folder(root: Path, split: str) -> Path:
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: expected a YouTube-VOS folder, found none")
    candidates = [
        safe_join(root, name, source="split") for name in SPLIT_FOLDERS.get(split, (split,))
    ]
    for folder in [*candidates, root]:
        if (folder / "Annotations").is_dir():
            return folder
    raise FileNotFoundError(
        f"{candidates[0] / 'Annotations'}: expected the masks of split {split!r}, found neither "
        f"these nor {root / 'Annotations'}"
    )


def _read_meta(path: Path) -> dict[str, dict[int, Mapping[str, Any]]]:
    """Video -> object id -> its entry in meta.json."""
    value = read_json(path)
    videos = value.get("videos") if isinstance(value, dict) else None
    if not isinstance(videos, dict):
        raise InputError(f"{path}:videos: expected an object, one entry a video")
    meta: dict[str, dict[int, Mapping[str, Any]]] = {}
    for name, entry in videos.items():
        objects = entry.get("objects") if isinstance(entry, dict) else None
        if not isinstance(objects, dict):
            raise InputError(f"{path}:videos.{name}.objects: expected an object, one entry an id")
        meta[name] = {}
        for key, described in objects.items():
            where = f"{path}:videos.{name}.objects.{key}"
            if not (key.isdecimal() and 0 < int(key) <= MAX_OBJECT_ID):
                raise InputError(f"{where}: expected an id 1 .. {MAX_OBJECT_ID}, found {key!r}")
            frames = described.get("frames", []) if isinstance(described, dict) else None
            if not (isinstance(frames, list) and all(isinstance(one, str) for one in frames)):
                raise InputError(f"{where}.frames: expected a list of frame names")
            meta[name][int(key)] = described
    return meta


def _check_listed_frames(
    video: MaskedVideo, objects: Mapping[int, Mapping[str, Any]], meta_file: Path
) -> None:
    """Each frame that meta.json lists has a mask; of validation sets, each object's first one."""
    listed = [
        sorted(entry["frames"], key=natural_order)
        for entry in objects.values()
        if entry.get("frames")
    ]
    first = {frames[0] for frames in listed}
    every = {frame for frames in listed for frame in frames}
    only_first = set(video.annotated) <= first
    missing = sorted((first if only_first else every) - set(video.annotated), key=natural_order)
    if missing:
        folder = next(iter(video.annotated.values())).parent
        raise InputError(
            f"{folder / (missing[0] + '.png')}: expected a mask, as {meta_file} lists frame "
            f"{missing[0]} of {video.name}, found none"
        )
