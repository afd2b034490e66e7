"""Predicted masks in the official layout: ``<result>/<video>/<expression id>/<frame>.png``.

The number in a file's name says which frame it is of: ``img_0000001.png`` or ``00000.png``. Names
that count from 1 (OVIS) are taken as counting from 0, and no number between may be missing.
Whatever is not 0 is the object.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError
from pointvos.core.masks import read_binary_png
from pointvos.core.safe_names import safe_join
from vng.data.expressions import NarratedVideo

_NUMBERED = re.compile(r"(?:img_)?(\d{1,9})", re.ASCII)


def expression_folder(root: str | Path, video: NarratedVideo, number: int) -> Path:
    """Where the masks of an expression are."""
    return safe_join(root, video.name, source=root) / str(number)


def result_files(root: str | Path, video: NarratedVideo, number: int) -> list[Path]:
    """The files of an expression, one a frame of its video.

    Raises:
        FileNotFoundError: the folder is missing, or holds no PNG.
        InputError: a name is no number, a number is missing or there twice, or there are other
            numbers than the video has frames.
    """
    folder = expression_folder(root, video, number)
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("*.png")):
        name = _NUMBERED.fullmatch(path.stem)
        if name is None:
            raise InputError(
                f"{path}: expected a name of a number, as 00000.png, found {path.name}"
            )
        other = found.setdefault(int(name[1]), path)
        if other is not path:
            raise InputError(f"{path}: expected every frame once, found {other.name} as well")
    if not found:
        raise FileNotFoundError(
            f"{folder}: expected the masks of an expression, <frame>.png, found none"
        )
    first = 0 if 0 in found else 1
    wanted = range(first, first + len(video.frames))
    missing = next((n for n in wanted if n not in found), None)
    more = next((found[n] for n in sorted(found) if n not in wanted), None)
    if missing is not None or more is not None:
        which = f"none for number {missing}" if more is None else f"{more.name} as well"
        raise InputError(
            f"{folder}: expected a mask for each of the {len(video.frames)} frames, found {which}"
        )
    return [found[n] for n in sorted(found)]


def read_result(path: Path) -> NDArray[np.bool_]:
    """A predicted mask, bool [H, W].

    Raises:
        InputError: the image is damaged.
    """
    return read_binary_png(path)


def write_result(
    root: str | Path, video: NarratedVideo, number: int, frame: int, mask: NDArray[np.bool_]
) -> Path:
    """Write one mask as a grey PNG of 0 and 255, atomically; returns where.

    Args:
        root: of the results.
        video: that the expression is of.
        number: id of the expression.
        frame: index of the frame.
        mask: bool [H, W].
    """
    folder = expression_folder(root, video, number)
    folder.mkdir(parents=True, exist_ok=True)
    path = safe_join(folder, f"{video.frames[frame]}.png", source=root)
    with atomic_path(path) as temporary:
        Image.fromarray(mask.astype(np.uint8) * 255).save(temporary, format="PNG")
    return path
