"""Training of STCN in every regime."""

from __future__ import annotations

from pathlib import Path

from pointvos.datasets.collate import collate_clips
from pointvos.nn.stcn import STCN
from pointvos.training.data import make_dataset
from pointvos.training.loop import OpenedSamples, Task, run
from pointvos.training.networks import make_network
from pointvos.training.settings import TrainSettings
from pointvos.training.steps import step_of


def train(settings: TrainSettings) -> Path:
    """Train to the end, or to `stop_after`; returns the exported weights.

    Raises:
        FileNotFoundError: a folder or file of the settings is missing.
        InputError: the data, the weights or a checkpoint do not fit the settings.
        RuntimeError: a loss is not finite; the message says at which step and which term.
    """

    def open_samples(network: STCN, samples: int) -> OpenedSamples:
        clips, left_out = make_dataset(settings, point_radius=network.point_radius, samples=samples)
        return OpenedSamples(clips, len(clips.videos), left_out)

    task = Task(
        title=f"{settings.model}, {settings.regime}",
        make_network=lambda: make_network(settings),
        step=step_of(settings.regime, settings.losses),
        open_samples=open_samples,
        collate=collate_clips,
        metadata={"architecture": settings.model, "regime": settings.regime},
    )
    return run(settings, task)
