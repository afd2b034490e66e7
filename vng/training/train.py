"""Training of RF-VNG."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from pointvos.training.loop import OpenedSamples, Task, run
from vng.data.samples import collate_narrated
from vng.training.data import open_samples
from vng.training.network import NarrativeGrounder, exported, make_network, metadata_of
from vng.training.settings import VngSettings
from vng.training.step import grounding_step

Validate = Callable[[NarrativeGrounder, int], Mapping[str, float]]


def train(settings: VngSettings, *, validate: Validate | None = None) -> Path:
    """Train to the end, or to `stop_after`; returns the exported weights.

    Args:
        settings: of the run.
        validate: (network, steps done) -> named scores; asked every `validate_every` steps.

    Raises:
        FileNotFoundError: a folder or file of the settings is missing.
        InputError: the data, the weights or a checkpoint do not fit the settings.
        RuntimeError: a loss is not finite; the message says at which step and which term.
    """

    def opened(_: NarrativeGrounder, samples: int) -> OpenedSamples:
        return open_samples(settings, samples=samples)

    task = Task(
        title=f"{settings.model}, {settings.query}",
        make_network=lambda: make_network(settings),
        step=grounding_step(settings.losses),
        open_samples=opened,
        collate=collate_narrated,
        metadata=metadata_of(settings),
        exported=exported,
        validate=validate,
    )
    return run(settings, task)
