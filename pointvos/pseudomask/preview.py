"""A contact sheet of pseudo-masks with the points they were made from."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from PIL import Image

from pointvos.core import geometry
from pointvos.core.atomic import atomic_path
from pointvos.core.frame_lookup import FrameNames
from pointvos.core.frames import open_frames
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.points import Points
from pointvos.pseudomask.annotated_videos import AnnotatedVideo
from pointvos.pseudomask.corpus import CorpusJob
from pointvos.pseudomask.frame_masks import given_points
from pointvos.pseudomask.mask_rule import ALL_POINTS
from pointvos.visualize.overlay import overlay
from pointvos.visualize.strip import CaptionedPicture, picture_strip

COLUMNS = 4
PANEL_WIDTH, PANEL_HEIGHT = 480, 360  # pixels, at most
_PAPER = 255
_COLOUR = 5  # of the palette: purple, which is rare in pictures


def write_preview(job: CorpusJob, rows: pa.Table, count: int) -> None:
    """Draw some of the masks that are not empty, as preview.jpg; always the same ones.

    Args:
        job: whose masks and points.
        rows: quality of all masks.
        count: how many.
    """
    made = rows.filter(pc.greater(rows["area"], 0))
    if not len(made):
        return
    # Not evenly spaced, which would show the same frame of every video.
    rng = np.random.default_rng(0)
    chosen = np.sort(rng.choice(len(made), size=min(count, len(made)), replace=False))
    stores = {setting: MaskStore.open(job.output.store(setting)) for setting in job.rule.settings}
    panels = [
        _panel(job.annotated.videos[row["video"]], stores[row["setting"]], row)
        for row in made.take(chosen).to_pylist()
    ]
    height = max(panel.rgb.shape[0] for panel in panels)
    panels = [CaptionedPicture(one.caption, _padded(one.rgb, height)) for one in panels]
    sheet = np.concatenate(
        [_row(panels[start : start + COLUMNS]) for start in range(0, len(panels), COLUMNS)]
    )
    with atomic_path(job.output.preview) as temporary:
        Image.fromarray(sheet).save(temporary, format="JPEG", quality=90)


def _row(panels: list[CaptionedPicture]) -> NDArray[np.uint8]:
    blank = CaptionedPicture("", np.full_like(panels[0].rgb, _PAPER))
    return picture_strip(panels + [blank] * (COLUMNS - len(panels)))


def _padded(picture: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """The picture in the middle of a panel of that height."""
    panel = np.full((height, PANEL_WIDTH, 3), _PAPER, np.uint8)
    top, left = (height - picture.shape[0]) // 2, (PANEL_WIDTH - picture.shape[1]) // 2
    panel[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return panel


def _panel(video: AnnotatedVideo, store: MaskStore, row: dict[str, Any]) -> CaptionedPicture:
    assert video.path is not None
    frames = open_frames(video.path)
    lookup = FrameNames(frames.names)
    index = lookup.index(row["frame"])
    assert index is not None
    (frame,) = frames.read(index, index + 1)
    about = next(one for one in video.objects if one.key == row["object_id"])
    points = given_points(
        Points.concatenate(
            [about.points(name) for name in about.frame_ids if lookup.index(name) == index]
        ),
        row["setting"],
    )
    mask = store.read(video.name).objects[about.key][row["frame"]].decode()
    scale = min(PANEL_WIDTH / frames.width, PANEL_HEIGHT / frames.height)
    width, height = round(frames.width * scale), round(frames.height * scale)
    picture = overlay(
        np.asarray(cv2.resize(frame.rgb, (width, height), interpolation=cv2.INTER_AREA), np.uint8),
        np.asarray(
            cv2.resize(
                mask.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST_EXACT
            )
            * _COLOUR,
            np.uint8,
        ),
        points={
            _COLOUR: points.moved(geometry.scaling(width / frames.width, height / frames.height))
        },
    )
    count = "" if row["setting"] == ALL_POINTS else f", {len(points)} points"
    return CaptionedPicture(
        f"{row['object_id']}, {row['frame']}{count}: {row['score']:.2f}", picture
    )
