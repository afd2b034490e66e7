"""Point images: a PNG of the frame's size whose few non-zero pixels are the points of an object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError
from pointvos.core.images import decode, open_image
from pointvos.core.masks import davis_palette
from pointvos.core.points import PointLabel, Points

VALUE_OF_LABEL = {PointLabel.BACKGROUND: 1, PointLabel.FOREGROUND: 2, PointLabel.AMBIGUOUS: 255}
_LABEL_OF_VALUE = {value: label for label, value in VALUE_OF_LABEL.items()}


def read_point_png(path: str | Path) -> tuple[Points, tuple[int, int]]:
    """The points of a point image, in reading order, and its (height, width).

    Values: 0 no point, 1 background (REJECTED), 2 foreground (ACCEPTED), 255 ambiguous. The values
    say it all, so that grey images are read as well as palette images.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no such image, or holds another value.
    """
    with open_image(path) as image:
        if image.mode not in ("P", "L"):
            raise InputError(
                f"{path}: expected a palette PNG with the values 0, 1, 2, 255, found mode "
                f"{image.mode!r}"
            )
        values = decode(image, path)
    rows, columns = np.nonzero(values)
    found = values[rows, columns]
    unknown = sorted(set(np.unique(found).tolist()) - set(_LABEL_OF_VALUE))
    if unknown:
        raise InputError(f"{path}: expected the values 0, 1, 2, 255, found {unknown[:5]}")
    labels = [_LABEL_OF_VALUE[value] for value in found.tolist()]
    height, width = values.shape
    return Points.from_pixels(np.stack([columns, rows], axis=1), labels), (height, width)


def write_point_png(path: str | Path, points: Points, height: int, width: int) -> None:
    """Write the points of one object in one frame as a point image, atomically.

    Raises:
        ValueError: a point lies outside the frame, or two share a pixel.
    """
    if not points.inside(height, width).all():
        raise ValueError(f"{path}: expected points inside {width}x{height}, found some outside")
    pixels = points.pixels()
    if len(np.unique(pixels, axis=0)) < len(pixels):
        raise ValueError(f"{path}: expected one point a pixel, found several")
    values = np.zeros((height, width), dtype=np.uint8)
    values[pixels[:, 1], pixels[:, 0]] = [
        VALUE_OF_LABEL[PointLabel(label)] for label in points.labels.tolist()
    ]
    image = Image.fromarray(values)
    image.putpalette(davis_palette().tobytes())
    with atomic_path(path) as temporary:
        image.save(temporary, format="PNG")
