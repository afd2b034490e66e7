"""Generated videos: a textured square moves over a textured background, another beside it."""

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.masks import write_index_png

SIZE = 64
SQUARE = 20
Frame = NDArray[np.uint8]


def texture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.float64]:
    """Blocks of 4 px around a random colour, [height, width, 3]."""
    color = rng.uniform(40, 215, 3)
    coarse = rng.normal(0, 25, ((height + 3) // 4, (width + 3) // 4, 3))
    return color + coarse.repeat(4, axis=0).repeat(4, axis=1)[:height, :width]


def squares_video(seed: int, frames: int = 8) -> tuple[list[Frame], list[Frame]]:
    """Frames uint8 [64, 64, 3] and masks uint8 [64, 64]; object 1 is one of two squares."""
    rng = np.random.default_rng(seed)
    background = texture(rng, SIZE, SIZE)
    tiles = [texture(rng, SQUARE, SQUARE) for _ in range(2)]
    rows = rng.permutation([rng.uniform(2, 10), rng.uniform(34, 42)])
    starts, speeds = rng.uniform(4, 40, 2), rng.uniform(-3, 3, 2)
    rgb, masks = [], []
    for t in range(frames):
        frame, mask = background.copy(), np.zeros((SIZE, SIZE), np.uint8)
        for which, tile in enumerate(tiles):
            left = int(np.clip(starts[which] + t * speeds[which], 0, SIZE - SQUARE))
            top = int(rows[which])
            frame[top : top + SQUARE, left : left + SQUARE] = tile
            if which == 0:
                mask[top : top + SQUARE, left : left + SQUARE] = 1
        noisy = frame + rng.normal(0, 4, frame.shape)
        rgb.append(np.clip(noisy, 0, 255).astype(np.uint8))
        masks.append(mask)
    return rgb, masks


def write_squares(root: Path, seeds: range, *, too_large: int = 0) -> Path:
    """A DAVIS folder of such videos, with masks that are some pixels too large on every side."""
    grow = np.ones((2 * too_large + 1, 2 * too_large + 1), np.uint8)
    for seed in seeds:
        rgb, masks = squares_video(seed)
        masks = [np.asarray(cv2.dilate(mask, grow), np.uint8) for mask in masks]
        frames = root / "JPEGImages" / "480p" / f"squares{seed}"
        frames.mkdir(parents=True)
        for t, (frame, mask) in enumerate(zip(rgb, masks, strict=True)):
            Image.fromarray(frame).save(frames / f"{t:05d}.png")
            write_index_png(root / "Annotations/480p" / f"squares{seed}" / f"{t:05d}.png", mask)
    listed = root / "ImageSets" / "2017" / "train.txt"
    listed.parent.mkdir(parents=True, exist_ok=True)
    listed.write_text("".join(f"squares{seed}\n" for seed in seeds))
    return root
