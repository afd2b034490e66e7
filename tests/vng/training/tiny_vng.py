"""A training of RF-VNG that takes seconds: a toy network, generated clips."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pointvos.training.loop import OpenedSamples
from pointvos.training.settings import OptimizerSettings
from tests.vng.nn.tiny_rf_vng import TRUNK_CHANNELS, TinyTrunk
from tests.vng.text.tiny_encoders import bert_folder
from tests.vng.training.generated_clips import ColouredSquares
from vng.data.dataset import NarratedSettings
from vng.nn.builders import BUILDERS, rf_vng_on
from vng.nn.rf_vng import RFVNG
from vng.training import train as training
from vng.training.settings import VngSettings
from vng.training.sources import NarratedSource


def tiny_rf_vng(*, text_channels: int, dropout: float = 0.0) -> RFVNG:
    """All parts of the full network, small."""
    return rf_vng_on(
        TinyTrunk(),
        trunk_channels=TRUNK_CHANNELS,
        channels=32,
        layers=2,
        text_channels=text_channels,
        dropout=dropout,
    )


def use_tiny_network(monkeypatch: pytest.MonkeyPatch, *, dropout: float = 0.0) -> None:
    """Let ``model: rf_vng_lite`` build a toy."""

    def build(*, text_channels: int) -> RFVNG:
        return tiny_rf_vng(text_channels=text_channels, dropout=dropout)

    monkeypatch.setitem(BUILDERS, "rf_vng_lite", build)


def use_generated_clips(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """Let trainings read coloured squares instead of their data sets."""

    def opened(settings: VngSettings, *, samples: int) -> OpenedSamples:
        return OpenedSamples(ColouredSquares(samples, **options), 9, {})

    monkeypatch.setattr(training, "open_samples", opened)


def tiny_run(folder: Path, **changes: Any) -> VngSettings:
    """Four steps of the toy with a tiny text encoder, which is written if it is not there."""
    text = folder / "bert"
    if not text.exists():
        bert_folder(text)
    run = VngSettings(
        output=folder / "run",
        data=[NarratedSource(kind="coco_panoptic", root=folder / "coco")],
        imagenet=False,
        text_encoder=str(text),
        iterations=4,
        batch_size=1,
        clips=NarratedSettings(frames=1),
        optimizer=OptimizerSettings(
            name="adamw", learning_rate=1e-3, schedule="cosine", warmup=2, clip_norm=1.0, ema=0.9
        ),
        # See tests/tiny_runs.py.
        channels_last=False,
        workers=0,
        threads=1,
        log_every=1,
        checkpoint_every=2,
    )
    return replace(run, **changes)
