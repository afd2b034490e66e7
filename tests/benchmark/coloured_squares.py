"""Tiny videos in which colour tells objects apart: squares that move over a grey ground."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from pointvos.core.masks import write_index_png
from pointvos.formats.davis import read_davis
from pointvos.formats.masked_video import MaskedVideo
from tests.tiny_datasets import HEIGHT, WIDTH, Mask, square_mask, write_davis

COLOURS = {0: (90, 90, 90), 1: (220, 40, 40), 2: (40, 60, 220), 5: (30, 200, 60)}
FRAMES = 6

# So small that nothing of an object lies in the baselines' background, whatever point starts it.
RED = [square_mask({1: (4 + 3 * t, 5, 7)}) for t in range(FRAMES)]
RED_AND_BLUE = [square_mask({1: (4 + 3 * t, 5, 7), 2: (40 - 3 * t, 30, 7)}) for t in range(FRAMES)]
GREEN_COMES_LATE = [
    square_mask({1: (4 + 3 * t, 5, 7), **({5: (40 - 3 * t, 30, 7)} if t >= 2 else {})})
    for t in range(FRAMES)
]


def write_scene(
    root: Path, videos: Mapping[str, Sequence[Mask]], *, split: str = "val", year: str = "2017"
) -> Path:
    """A DAVIS folder whose frames show the masks in `COLOURS`; returns `root`."""
    write_davis(root, videos, split=split, year=year)
    for name, masks in videos.items():
        paint(root / "JPEGImages" / "480p" / name, masks)
    return root


def paint(folder: Path, masks: Sequence[Mask]) -> None:
    """Write the frames that belong to masks."""
    folder.mkdir(parents=True, exist_ok=True)
    palette = np.zeros((256, 3), np.uint8)
    for object_id, colour in COLOURS.items():
        palette[object_id] = colour
    for index, mask in enumerate(masks):
        Image.fromarray(palette[mask]).save(folder / f"{index:05d}.jpg", quality=100, subsampling=0)


def scene(root: Path, videos: Mapping[str, Sequence[Mask]]) -> list[MaskedVideo]:
    """The videos of `write_scene`, opened."""
    return read_davis(write_scene(root, videos), "val")


def write_predictions(folder: Path, videos: Mapping[str, Sequence[Mask]]) -> Path:
    """Masks as <sequence>/<frame>.png; returns `folder`."""
    for name, masks in videos.items():
        for index, mask in enumerate(masks):
            write_index_png(folder / name / f"{index:05d}.png", mask)
    return folder


def shifted(masks: Sequence[Mask], pixels: int = 2) -> list[Mask]:
    """The masks moved to the right."""
    moved = []
    for mask in masks:
        shift = np.zeros((HEIGHT, WIDTH), np.uint8)
        shift[:, pixels:] = mask[:, :-pixels]
        moved.append(shift)
    return moved
