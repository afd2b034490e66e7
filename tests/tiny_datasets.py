"""Tiny mask datasets written to disk: squares that move over noise."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.masks import write_index_png

HEIGHT, WIDTH = 48, 64
Mask = NDArray[np.uint8]


def square_mask(squares: Mapping[int, tuple[int, int, int]]) -> Mask:
    """Object id -> (left, top, side) as an index mask [HEIGHT, WIDTH]."""
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    for object_id, (left, top, side) in squares.items():
        mask[top : top + side, left : left + side] = object_id
    return mask


def two_objects(frames: int = 6) -> list[Mask]:
    """Object 1 from the first frame on; object 5 from the third on, gone in the last."""
    masks = []
    for t in range(frames):
        squares = {1: (2 + t, 5, 20)}
        if 2 <= t < frames - 1:
            squares[5] = (35, 20 + t, 18)
        masks.append(square_mask(squares))
    return masks


def write_frames(folder: Path, names: Sequence[str], *, seed: int = 0) -> None:
    """One JPEG of noise a name."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    for name in names:
        pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{name}.jpg")


def write_video(
    frames: Path, annotations: Path, masks: Mapping[str, Mask], *, more_frames: Sequence[str] = ()
) -> None:
    """Frames with their masks, and frames without."""
    write_frames(frames, sorted([*masks, *more_frames]))
    for name, mask in masks.items():
        write_index_png(annotations / f"{name}.png", mask)


def write_davis(
    root: Path,
    videos: Mapping[str, Sequence[Mask]],
    *,
    split: str = "train",
    year: str = "2017",
    resolution: str = "480p",
) -> Path:
    """A DAVIS folder with a mask on every frame; returns `root`."""
    for video, masks in videos.items():
        write_video(
            root / "JPEGImages" / resolution / video,
            root / "Annotations" / resolution / video,
            {f"{index:05d}": mask for index, mask in enumerate(masks)},
        )
    listed = root / "ImageSets" / year / f"{split}.txt"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("".join(f"{video}\n" for video in videos))
    return root
