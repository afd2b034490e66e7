"""Settings and data of trainings that take seconds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pointvos.datasets.augment import AugmentSettings
from pointvos.datasets.clips import ClipSettings
from pointvos.formats.davis import read_davis
from pointvos.formats.point_vos_files import write_records
from pointvos.simulation.point_sets import PointSampling, training_records
from pointvos.training.settings import DataSource, OptimizerSettings, TrainSettings
from pointvos.training.steps import REFERENCES, Regime
from tests.tiny_datasets import two_objects, write_davis

CROP = AugmentSettings(crop=32)


def write_videos(root: Path) -> Path:
    """Three DAVIS sequences of eight frames."""
    return write_davis(root, {name: two_objects(8) for name in ("bike", "camel", "dog")})


def write_points(root: Path, path: Path) -> Path:
    """Points drawn from the masks of a DAVIS folder."""
    rule = PointSampling(points=4, background_points=4, min_distance=3)
    records = (r for video in read_davis(root, "train") for r in training_records(video, rule))
    write_records(path, records)
    return path


def tiny_run(folder: Path, regime: Regime = "masks", **changes: Any) -> TrainSettings:
    """Four steps on the videos of `folder`, which are written if they are not there."""
    root = folder / "davis"
    points = folder / "points.json" if regime == "points" else None
    if not root.exists():
        write_videos(root)
    if points is not None and not points.exists():
        write_points(root, points)
    run = TrainSettings(
        output=folder / "run",
        data=[DataSource(kind="davis", root=root, points=points)],
        model="stcn_lite",
        imagenet=False,
        regime=regime,
        iterations=4,
        batch_size=1,
        clips=ClipSettings(reference=REFERENCES[regime][0], video=CROP, static=CROP),
        point_distance=3.0,
        optimizer=OptimizerSettings(
            name="adamw",
            learning_rate=1e-3,
            trunk_factor=0.5,
            weight_decay=0.01,
            schedule="cosine",
            warmup=2,
            clip_norm=5.0,
            ema=0.9,
        ),
        # torch 2.13 corrupts memory in the backward of a 1x1 stride-2 convolution with 4 channels
        # in this layout, which only the toy network has (8 channels and more are right).
        channels_last=False,
        workers=0,
        threads=1,
        log_every=1,
        checkpoint_every=2,
    )
    return replace(run, **changes)
