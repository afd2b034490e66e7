"""An interactive training that takes seconds."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from pointvos.datasets.augment import AugmentSettings
from pointvos.datasets.clips import ClipSettings
from pointvos.simulation.interactions import PromptSettings
from pointvos.training.interactive.settings import (
    InteractiveLossSettings,
    InteractiveSettings,
    RoundSettings,
)
from pointvos.training.settings import DataSource, OptimizerSettings
from tests.tiny_runs import write_videos

CROP = AugmentSettings(crop=64)


def tiny_interactive(folder: Path, **changes: Any) -> InteractiveSettings:
    """Four steps of the small network on the videos of `folder`, written if they are not there."""
    root = folder / "davis"
    if not root.exists():
        write_videos(root)
    run = InteractiveSettings(
        output=folder / "run",
        data=[DataSource(kind="davis", root=root)],
        imagenet=False,
        iterations=4,
        batch_size=2,
        clips=ClipSettings(reference="mask", length=1, paste=0.5, video=CROP, static=CROP),
        prompts=PromptSettings(point_distance=4.0, trace=0.5),
        rounds=RoundSettings(counts=(0, 1, 2), coarse=0.5),
        losses=InteractiveLossSettings(points=200),
        optimizer=OptimizerSettings(
            name="adamw", learning_rate=1e-3, schedule="cosine", warmup=2, clip_norm=5.0, ema=0.9
        ),
        freeze=("depthwise",),
        workers=0,
        threads=1,
        log_every=1,
        checkpoint_every=2,
    )
    return replace(run, **changes)
