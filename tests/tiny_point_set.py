"""A tiny PV set with its frames: coloured squares over gray, points drawn from their masks."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pointvos.formats.davis import read_davis
from pointvos.formats.point_vos_files import write_records
from pointvos.simulation.point_sets import PointSampling, training_records
from tests.tiny_datasets import Mask, two_objects, write_davis

COLOURS = {0: (110, 110, 110), 1: (220, 40, 40), 5: (40, 60, 220)}
VIDEOS = ("bike", "camel", "dog", "train/eagle")


def frame_of(mask: Mask, seed: int = 0) -> Any:
    """The picture of a mask, uint8 [H, W, 3]."""
    rgb = np.zeros((*mask.shape, 3))
    for number, colour in COLOURS.items():
        rgb[mask == number] = colour
    noise = np.random.default_rng(seed).normal(0, 6, rgb.shape)
    return np.clip(rgb + noise, 0, 255).astype(np.uint8)


def write_point_set(
    root: Path, videos: Mapping[str, Sequence[Mask]] | Sequence[str] = VIDEOS, *, frames: int = 3
) -> tuple[Path, Path]:
    """Write the set and its frames below `root`; returns points.json and the folder of frames.

    Object 5 of each video is not on every annotated frame, where its record holds the background
    points alone.
    """
    if not isinstance(videos, Mapping):
        videos = {name: two_objects(6) for name in videos}
    write_davis(root / "davis", videos)
    folder = root / "davis" / "JPEGImages" / "480p"
    for video, masks in videos.items():
        for index, mask in enumerate(masks):
            path = folder / video / f"{index:05d}.jpg"
            Image.fromarray(frame_of(mask, index)).save(path, quality=95)
    rule = PointSampling(points=4, background_points=3, min_distance=3)
    write_records(
        root / "points.json",
        (
            record
            for video in read_davis(root / "davis", "train")
            for record in training_records(video, rule, frames=frames)
        ),
    )
    return root / "points.json", folder


def record(
    key: str, video: str | None, points: Sequence[tuple[int, int, str, str]], **more: Any
) -> dict[str, Any]:
    """A record of the release as a one-key object: (x, y, frame, status) a point."""
    listed = [
        {"x": x, "y": y, "frame_id": frame, "status": status, "is_fg_candidate": True}
        for x, y, frame, status in points
    ]
    value = {
        "question_hash": key,
        "question": "What?",
        "object_name": "thing",
        "video_name": video,
        **more,
        "annotated_points": listed,
    }
    return {key: value}


def write_json(path: Path, *records: dict[str, Any]) -> Path:
    """Records as one JSON file."""
    path.write_text(json.dumps({key: value for one in records for key, value in one.items()}))
    return path
