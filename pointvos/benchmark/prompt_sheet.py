"""A picture of the objects whose masks are worst, in the middle and best: numbers hide the reason.

A row is an object: its true mask, then what each number of points and a trace made of it, on a part
of the image around the object.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.benchmark.mask_from_points import (
    TRACE,
    PromptProtocol,
    draw_prompts,
)
from pointvos.benchmark.mask_reports import iou_of, setting_title
from pointvos.benchmark.named_backends import NamedBackend
from pointvos.benchmark.prompt_images import LabelledImage, PromptImage
from pointvos.core import geometry
from pointvos.core.points import Points
from pointvos.visualize.overlay import overlay
from pointvos.visualize.strip import CaptionedPicture, picture_strip

EACH = 3  # objects from either end, and from the middle
TILE = (234, 312)  # height and width of a picture
CONTEXT = 2.0  # sides of what is shown, in sides of the object's box
LEAST = 0.25  # of the image are shown at least, along its longer side
INK = ((255, 255, 255), 5), ((190, 20, 20), 3)  # colours and widths of a trace, one on another


def prompt_sheet(
    images: Sequence[PromptImage],
    records: Sequence[Mapping[str, Any]],
    backend: NamedBackend,
    protocol: PromptProtocol,
) -> NDArray[np.uint8]:
    """The worst objects on top, then the middle ones, then the best; from the first draw.

    Args:
        images: that were evaluated.
        records: of the backend on them.
        backend: makes the masks of the chosen objects again.
        protocol: what was tried.

    Returns:
        uint8 RGB [H, W, 3].
    """
    image_of = {image.name: image for image in images}
    rows = []
    for record, row in chosen_objects(records, protocol):
        image = image_of[record["image"]].read()
        rows.append(_strip(image, row, backend, protocol))
    return np.concatenate(rows)


def chosen_objects(
    records: Sequence[Mapping[str, Any]], protocol: PromptProtocol
) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """(record of the image, row of the object), by the mean IoU over the numbers of points."""

    def quality(pair: tuple[Mapping[str, Any], Mapping[str, Any]]) -> float:
        return sum(iou_of(pair[1], str(count)) for count in protocol.point_counts)

    ranked = sorted(((one, row) for one in records for row in one["objects"]), key=quality)
    if len(ranked) <= 3 * EACH:
        return ranked
    middle = (len(ranked) - EACH) // 2
    return [*ranked[:EACH], *ranked[middle : middle + EACH], *ranked[-EACH:]]


def _strip(
    image: LabelledImage,
    row: Mapping[str, Any],
    backend: NamedBackend,
    protocol: PromptProtocol,
) -> NDArray[np.uint8]:
    object_id = row["object_id"]
    drawn = draw_prompts(image, protocol, 0)
    window = _window(image.mask(object_id))
    named = f" {row['category']}" if row["category"] else ""
    share = f"{100 * row['share']:.1f} %"
    caption = f"{image.name}{named}, {share}"
    pictures = [CaptionedPicture(caption, _tile(image.rgb, image.mask(object_id), window))]
    for setting in [*(str(count) for count in protocol.point_counts), TRACE]:
        prompt = drawn.prompt(setting, object_id)
        (result,) = backend.backend.masks(image.rgb, [prompt])
        caption = f"{setting_title(setting)}: {100 * image.iou(object_id, result.mask):.1f}"
        picture = _tile(image.rgb, result.mask, window, points=prompt.points, trace=prompt.trace)
        pictures.append(CaptionedPicture(caption, picture))
    return picture_strip(pictures)


def _window(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """The map from the image to a tile that shows the object and what is around it."""
    height, width = mask.shape
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    shown = max(
        CONTEXT * (rows[-1] - rows[0] + 1) / TILE[0],
        CONTEXT * (columns[-1] - columns[0] + 1) / TILE[1],
        LEAST * max(height / TILE[0], width / TILE[1]),
    )  # image pixels a pixel of the tile
    whole = max(height / TILE[0], width / TILE[1])
    scale = 1 / min(shown, whole)
    left, top = (
        _start((places[0] + places[-1] + 1) / 2, tile / scale, side)
        for places, tile, side in ((columns, TILE[1], width), (rows, TILE[0], height))
    )
    return geometry.compose(geometry.translation(-left, -top), geometry.scaling(scale, scale))


def _start(centre: float, shown: float, side: int) -> float:
    """Where a window of a length starts that shows little beyond the image."""
    if shown >= side:
        return (side - shown) / 2
    return float(np.clip(centre - shown / 2, 0, side - shown))


def _tile(
    rgb: NDArray[np.uint8],
    mask: NDArray[np.bool_],
    window: NDArray[np.float64],
    *,
    points: Points | None = None,
    trace: NDArray[np.float32] | None = None,
) -> NDArray[np.uint8]:
    height, width = TILE
    small = geometry.warp(_smoothed(rgb, window), window, height, width, fill=(255, 255, 255))
    index = geometry.warp(mask.astype(np.uint8), window, height, width, nearest=True)
    picture = overlay(small, index, points={} if points is None else {1: points.moved(window)})
    if trace is not None:
        path = geometry.pixels_at(geometry.transform(trace, window)).astype(np.int32)
        for colour, thickness in INK:
            cv2.polylines(picture, [path[:, None]], False, colour, thickness, cv2.LINE_AA)
    return picture


def _smoothed(rgb: NDArray[np.uint8], window: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Without what would alias when it is made smaller."""
    sigma = 0.4 / float(window[0, 0])
    return rgb if sigma < 0.5 else np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)
