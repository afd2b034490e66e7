"""Image files in, checked before they are decoded."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from pointvos.core.errors import InputError

MAX_PIXELS = 64_000_000  # twice an 8K frame; a header that promises more is an attack or damage
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".webp")


def open_image(path: str | Path) -> Image.Image:
    """An opened image whose header has been checked; its pixels are not decoded yet.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no image, or larger than `MAX_PIXELS`.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected an image, found none")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # checked below
            image = Image.open(file)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError) as error:
        raise InputError(f"{file}: expected an image, found: {error}") from error
    if image.width * image.height > MAX_PIXELS:
        raise InputError(
            f"{file}: expected at most {MAX_PIXELS} pixels, found {image.width}x{image.height}"
        )
    return image


def decode(image: Image.Image, path: str | Path) -> NDArray[np.uint8]:
    """The pixels of an opened image.

    Raises:
        InputError: the file is cut off or damaged.
    """
    try:
        return np.array(image, dtype=np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path}: expected a whole image, found: {error}") from error


def read_image(path: str | Path) -> NDArray[np.uint8]:
    """An image file as RGB, uint8 [H, W, 3].

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no image, is cut off, or is larger than `MAX_PIXELS`.
    """
    image = open_image(path)
    try:
        with image:
            return decode(image.convert("RGB"), path)
    except (OSError, SyntaxError) as error:
        raise InputError(f"{path}: expected a whole image, found: {error}") from error


def image_size(path: str | Path) -> tuple[int, int]:
    """(height, width) from the header alone."""
    with open_image(path) as image:
        return image.height, image.width
