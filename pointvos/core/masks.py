"""Masks: index maps in palette PNGs, binary masks in COCO run lengths."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pycocotools import mask as coco_mask

from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError
from pointvos.core.images import decode, open_image
from pointvos.core.run_lengths import decode_runs

VOID = 255  # DAVIS: the label of pixels the annotators left undecided
MAX_OBJECT_ID = 254  # one byte a pixel; 0 is background, the last is void


class Rle(TypedDict):
    """COCO run lengths: size [height, width] and the compressed counts."""

    size: list[int]
    counts: str


def davis_palette() -> NDArray[np.uint8]:
    """The colours of DAVIS masks (the Pascal VOC scheme), uint8 [256, 3].

    The bits of an index are dealt out to the high bits of red, green and blue in turn.
    """
    index = np.arange(256)
    palette = np.zeros((256, 3), dtype=np.uint8)
    for bit in range(8):
        for channel in range(3):
            palette[:, channel] |= (((index >> (3 * bit + channel)) & 1) << (7 - bit)).astype(
                np.uint8
            )
        if 3 * (bit + 1) >= 8:
            break
    return palette


def read_index_png(path: str | Path) -> NDArray[np.uint8]:
    """A palette PNG as its object ids, uint8 [H, W]; 0 is background, 255 void.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the image has no palette: its values would be brightness, not object ids.
    """
    with open_image(path) as image:
        if image.mode != "P":
            raise InputError(
                f"{path}: expected a palette PNG whose values are object ids, found mode "
                f"{image.mode!r} without a palette; save it as an indexed PNG"
            )
        return decode(image, path)


def read_binary_png(path: str | Path) -> NDArray[np.bool_]:
    """Any mask image as foreground / background, bool [H, W]: whatever is not 0 is foreground.

    For results of one object, which methods publish as 0/1, 0/255 or palette images.
    """
    with open_image(path) as image:
        pixels = decode(image if image.mode in ("P", "L") else image.convert("L"), path)
    return pixels > 0


def write_index_png(path: str | Path, index: NDArray[np.integer]) -> None:
    """Write object ids [H, W] as a palette PNG with the DAVIS colours, atomically.

    Raises:
        ValueError: the array is not two-dimensional or holds an id outside 0 .. 255.
    """
    array = np.asarray(index)
    if array.ndim != 2 or (array.size and not 0 <= array.min() <= array.max() <= 255):
        raise ValueError(
            f"{path}: expected ids 0 .. 255 in [H, W], found shape {array.shape} and values "
            f"{array.min()} .. {array.max()}"
        )
    image = Image.fromarray(array.astype(np.uint8))
    image.putpalette(davis_palette().tobytes())
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")


def object_ids(index: NDArray[np.integer]) -> list[int]:
    """The object ids in an index mask, ascending, without background (0) and void (255)."""
    return [int(value) for value in np.unique(index) if 0 < value <= MAX_OBJECT_ID]


def encode_rle(mask: NDArray[np.bool_]) -> Rle:
    """A bool mask [H, W] as COCO run lengths."""
    encoded = coco_mask.encode(np.asfortranarray(mask, dtype=np.uint8))
    return Rle(size=[int(side) for side in encoded["size"]], counts=encoded["counts"].decode())


def decode_rle(rle: Rle) -> NDArray[np.bool_]:
    """COCO run lengths as a bool mask [H, W].

    Raises:
        InputError: the counts are damaged, or do not add up to the size.
    """
    counts, (height, width) = rle["counts"], rle["size"]
    raw = counts.encode("utf-8", "surrogatepass") if isinstance(counts, str) else counts
    return decode_runs(raw, height, width)
