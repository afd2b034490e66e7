"""A contact sheet of images with the nouns of their objects, to judge them by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.atomic import atomic_path
from pointvos.core.images import read_image
from pointvos.formats.static_images import StaticImage
from pointvos.visualize.strip import CaptionedPicture, picture_strip, small_overlay
from vng.data.object_names import ObjectName

COLUMNS = 6
_HEIGHT, _WIDTH = 240, 300  # of a picture, in pixels
_PAPER = 255


def write_sheet(
    path: str | Path,
    images: Sequence[StaticImage],
    names: Mapping[str, ObjectName],
    *,
    count: int,
    seed: int,
) -> None:
    """Draw some of the images, each over its noun and how sure that is, as a JPEG or PNG.

    Args:
        path: of the picture.
        images: all with a name.
        names: by image.
        count: how many to draw at random.
        seed: of that.

    Raises:
        ValueError: there is no image.
    """
    if not images or count < 1:
        raise ValueError(f"expected images to draw, found {min(len(images), count)}")
    order = np.random.default_rng(seed).permutation(len(images))[:count]
    chosen = [images[int(place)] for place in order]
    rows = [
        picture_strip([_picture(image, names[image.name]) for image in chosen[at : at + COLUMNS]])
        for at in range(0, len(chosen), COLUMNS)
    ]
    width = max(row.shape[1] for row in rows)
    padded = [
        cv2.copyMakeBorder(
            row, 0, 0, 0, width - row.shape[1], cv2.BORDER_CONSTANT, value=(_PAPER,) * 3
        )
        for row in rows
    ]
    with atomic_path(path) as temporary:
        Image.fromarray(np.concatenate(padded).astype(np.uint8)).save(temporary)


def _picture(image: StaticImage, name: ObjectName) -> CaptionedPicture:
    words = " / ".join(name.words)
    mask = image.read_mask(image.name)
    picture = small_overlay(read_image(image.image), mask, COLUMNS)
    return CaptionedPicture(f"{words} {name.probability:.2f}", _on_paper(picture))


def _on_paper(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture in the middle of paper of one size, made smaller where it is too large."""
    height, width = picture.shape[:2]
    scale = min(_HEIGHT / height, _WIDTH / width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    paper = np.full((_HEIGHT, _WIDTH, 3), _PAPER, np.uint8)
    top, left = (_HEIGHT - size[1]) // 2, (_WIDTH - size[0]) // 2
    paper[top : top + size[1], left : left + size[0]] = small
    return paper
