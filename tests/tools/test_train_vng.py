"""The training tool of RF-VNG as people start it, on a tiny VNG set."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from pointvos.core.command_line import parse_settings, run_tool
from pointvos.core.errors import InputError
from pointvos.core.weights import load_strictly, read_weights
from tests.killed_training import kill_at_step
from tests.vng.text.tiny_encoders import bert_folder
from tests.vng.tiny_set import FRAMES, HEIGHT, WIDTH, write_set
from tools.train_vng import main
from vng.nn.builders import rf_vng_lite
from vng.training.settings import VngSettings
from vng.training.sources import NarratedSource

CHECKOUT = Path(__file__).resolve().parents[2]
TOOL = str(CHECKOUT / "tools" / "train_vng.py")
LAUNCHER = [
    sys.executable,
    *("-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"),
]

CONFIG = """
model: rf_vng_lite
imagenet: false
text_encoder: {folder}/bert
data:
- kind: vng
  root: {folder}/set
  original_masks: {folder}/set/original.json
  frames: {folder}/frames
clips:
  frames: 2
  video: {{short_sides: [80], longest: 128, crop: 0.0}}
iterations: 4
batch_size: {batch}
optimizer: {{name: adamw, learning_rate: 0.001, schedule: cosine, ema: 0.9}}
freeze: [trunk]
threads: 1
workers: 1
log_every: 1
checkpoint_every: 1
"""


def config(folder: Path, batch: int = 1) -> Path:
    if not (folder / "set").exists():
        write_set(folder / "set")
        bert_folder(folder / "bert")
        frames = folder / "frames" / "clip"
        frames.mkdir(parents=True)
        rng = np.random.default_rng(0)
        for t in range(FRAMES):
            rgb = rng.integers(0, 255, (HEIGHT, WIDTH, 3), np.uint8)
            cv2.imwrite(str(frames / f"{t:05d}.png"), rgb)
    path = folder / f"run_{batch}.yaml"
    path.write_text(CONFIG.format(folder=folder, batch=batch))
    return path


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment(), capture_output=True, text=True, check=False
    )


def log_of(output: Path) -> list[dict[str, float]]:
    lines = (output / "log.jsonl").read_text().splitlines()
    return [
        {name: value for name, value in json.loads(line).items() if name != "seconds_per_step"}
        for line in lines
    ]


def assert_about_equal(
    found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor], *, atol: float
) -> None:
    """Adam divides by the gradient's size: where that is rounding, a step of 1e-3 is too."""
    assert set(found) == set(expected)
    for name, value in found.items():
        torch.testing.assert_close(value, expected[name], atol=atol, rtol=0, msg=name)
    differences = [(found[name].float() - expected[name].float()).abs().mean() for name in found]
    assert torch.stack(differences).mean() < 1e-5


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a call that must end with exit code 2."""
    with pytest.raises(SystemExit) as end:
        run_tool(main, VngSettings, "", list(arguments))
    assert end.value.code == 2
    return capsys.readouterr().err.splitlines()[-1]


def test_help_names_every_setting() -> None:
    done = run(sys.executable, TOOL, "--help")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for words in (
        "--optimizer.text_factor",
        "--checkpoint_gradients",
        "--dry_run",
        "--tracking",
        "--validate_every",
        "--clips.still.short_sides",
        "--losses.dice",
        "What stands for a noun",
        "Do not train the text encoder",
    ):
        assert words in text, words


def test_the_commands_of_the_docs() -> None:
    text = (CHECKOUT / "docs" / "training_vng.md").read_text()
    commands = [line.split("tools/train_vng.py", 1)[1] for line in text.splitlines()
                if "tools/train_vng.py --config" in line]  # fmt: skip
    assert len(commands) >= 6
    for command in commands:
        settings = parse_settings(VngSettings, command.split())
        assert settings.output.parts[0] == "runs"
    flags = {flag for flag in re.findall(r"`--([a-z_.]+)", text)}
    assert {"weights", "query", "dry_run", "checkpoint_gradients"} <= flags
    known = run(sys.executable, TOOL, "--help").stdout
    assert [flag for flag in sorted(flags) if f"--{flag}" not in known] == []


def test_a_run_is_validated_and_leaves_weights_that_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "run"
    validation = {
        "set": str(tmp_path / "set"),
        "frames": str(tmp_path / "frames"),
        "original_masks": str(tmp_path / "set" / "original.json"),
        "frames_per_video": 2,
        "short_side": 80,
    }
    run_tool(
        main, VngSettings, "",
        ["--config", str(config(tmp_path)), "--output", str(output), "--stop_after", "2",
         "--workers", "0", "--validate_every", "2", "--validation", json.dumps(validation)],
    )  # fmt: skip
    path = output / "weights.safetensors"
    assert capsys.readouterr().out.splitlines()[-1] == f"weights: {path}"
    weights, metadata = read_weights(path)
    assert metadata["architecture"] == "rf_vng_lite"
    load_strictly(rf_vng_lite(text_channels=16), weights, path)
    first, _, validated = log_of(output)
    assert set(first) == {
        *("iteration", "learning_rate", "ce", "bbox", "giou", "mask", "dice", "auxiliary", "map")
    }
    scores = validated["validation"]
    assert isinstance(scores, dict)
    assert set(scores) == {"j_mean", "f_mean", "j_and_f"}
    assert scores["j_and_f"] == pytest.approx((scores["j_mean"] + scores["f_mean"]) / 2, abs=1e-6)
    assert 0 <= scores["j_mean"] <= 1


def test_a_dry_run(tmp_path: Path) -> None:
    output = tmp_path / "run"
    done = run(
        sys.executable, TOOL, "--config", str(config(tmp_path)), "--output", str(output),
        "--dry_run",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "4 steps: about" in done.stderr
    assert "weights:" not in done.stdout
    assert not output.exists()


def test_data_that_does_not_fit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, output = str(config(tmp_path)), str(tmp_path / "run")
    root, empty = tmp_path / "set", tmp_path / "empty"
    empty.mkdir()
    masks = root / "original.json"

    def line(*data: str) -> str:
        return refused(capsys, "--config", path, "--output", output, "--data", *data)

    source = f"kind: vng, root: {root}, original_masks: {masks}, frames: "
    assert "clip: expected its frames, found none" in line(f"[{{{source}{empty}}}]")
    assert f"{tmp_path / 'nowhere'}: expected a folder" in line(f"[{{{source}{tmp_path}/nowhere}}]")
    assert not (tmp_path / "run").exists()


def test_a_source_has_what_its_kind_needs_and_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"data: expected frames of vng .*, found none"):
        NarratedSource(kind="vng", root=tmp_path)
    with pytest.raises(InputError, match=r"data: expected names of named_images .*, found none"):
        NarratedSource(kind="named_images", root=tmp_path)
    with pytest.raises(InputError, match="data: expected no names of coco_panoptic"):
        NarratedSource(kind="coco_panoptic", root=tmp_path, names=tmp_path)
    with pytest.raises(InputError, match="expected repeats >= 1 and max_left_out >= 0"):
        NarratedSource(kind="coco_panoptic", root=tmp_path, repeats=0)


@pytest.mark.slow
def test_killed_and_resumed_is_as_if_never_stopped(tmp_path: Path) -> None:
    command = [sys.executable, TOOL, "--config", str(config(tmp_path))]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = run(*command, "--output", str(whole))
    assert done.returncode == 0, done.stderr

    kill_at_step(2, killed, command, environment=environment(), seconds=480)

    done = run(*command, "--output", str(killed), "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert "step 0 of 4" not in done.stderr  # it went on, it did not start again
    expected, found = (load_file(folder / "weights.safetensors") for folder in (whole, killed))
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    assert log_of(killed) == log_of(whole)


@pytest.mark.slow
def test_two_processes_are_one_with_the_double_batch(tmp_path: Path) -> None:
    both, alone = tmp_path / "both", tmp_path / "alone"
    steps = ["--stop_after", "2", "--workers", "0"]
    done = run(*LAUNCHER, TOOL, "--config", str(config(tmp_path)), "--output", str(both), *steps)
    assert done.returncode == 0, done.stderr
    single = [sys.executable, TOOL, "--config", str(config(tmp_path, batch=2))]
    done = run(*single, "--output", str(alone), *steps)
    assert done.returncode == 0, done.stderr
    model = [load_file(p / "checkpoints/step_0000002/model.safetensors") for p in (both, alone)]
    assert_about_equal(model[0], model[1], atol=4e-3)

    # Two processes go on where two stopped; one process does not.
    done = run(
        *LAUNCHER, TOOL, "--config", str(config(tmp_path)), "--output", str(both),
        "--stop_after", "3", "--workers", "0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(log_of(both)) == 3
    done = run(sys.executable, TOOL, "--config", str(config(tmp_path)), "--output", str(both))
    assert done.returncode == 2
    assert "found other values of processes" in done.stderr


@pytest.mark.slow
def test_a_sharded_network_trains_as_a_whole_one_and_goes_on(tmp_path: Path) -> None:
    tool = [*LAUNCHER, str(CHECKOUT / "tests" / "sharded_on_cpus.py"), TOOL, "--workers", "0"]
    no_mean = ["--optimizer.ema", "null"]
    command = [*tool, "--config", str(config(tmp_path)), *no_mean]
    whole, stopped, alone = (tmp_path / name for name in ("whole", "stopped", "alone"))
    for output, more in ((whole, []), (stopped, ["--stop_after", "2"]), (stopped, [])):
        done = run(*command, "--output", str(output), *more)
        assert done.returncode == 0, done.stderr
    assert "step 2 of 4" in done.stderr
    assert log_of(stopped) == log_of(whole)
    single = [sys.executable, TOOL, "--config", str(config(tmp_path, batch=2)), *no_mean]
    done = run(*single, "--output", str(alone))
    assert done.returncode == 0, done.stderr
    found, resumed, expected = (
        load_file(folder / "weights.safetensors") for folder in (whole, stopped, alone)
    )
    assert set(found) == set(resumed)
    for name, value in found.items():
        assert torch.equal(value, resumed[name]), name
    assert_about_equal(found, expected, atol=8e-3)

    done = run(*tool, "--config", str(config(tmp_path)), "--output", str(tmp_path / "refused"))
    assert done.returncode != 0
    assert "optimizer.ema: expected null where FSDP spreads the network" in done.stderr
