"""The training tool of the interactive segmenter as people start it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pointvos.core.command_line import run_tool
from pointvos.core.weights import load_strictly, read_weights
from pointvos.nn.interactive.builders import BUILDERS
from pointvos.training.interactive.settings import InteractiveSettings
from tests.killed_training import kill_at_step
from tests.tiny_runs import write_videos
from tools.train_interactive import main

CHECKOUT = Path(__file__).resolve().parents[2]
TOOL = str(CHECKOUT / "tools" / "train_interactive.py")

CONFIG = """
model: interactive_lite
imagenet: false
data:
- kind: davis
  root: {root}
iterations: 4
batch_size: 2
clips:
  reference: mask
  length: 1
  video: {{crop: 64}}
  static: {{crop: 64}}
prompts: {{point_distance: 4.0, trace: 0.5}}
rounds: {{counts: [0, 1, 2], coarse: 0.5}}
losses: {{points: 300}}
optimizer: {{name: adamw, learning_rate: 0.001, schedule: cosine, ema: 0.9}}
freeze: [depthwise]
threads: 1
workers: 1
log_every: 1
checkpoint_every: 1
"""


def config(folder: Path) -> Path:
    write_videos(folder / "davis")
    path = folder / "run.yaml"
    path.write_text(CONFIG.format(root=folder / "davis"))
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


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a call that must end with exit code 2."""
    with pytest.raises(SystemExit) as end:
        run_tool(main, InteractiveSettings, "", list(arguments))
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_help_names_every_setting() -> None:
    done = run(sys.executable, TOOL, "--help")
    assert done.returncode == 0, done.stderr
    text = " ".join(done.stdout.split())
    for words in (
        "--rounds.coarse_scale",
        "Optimiser steps.",
        "Numbers of rounds of corrections",
        "Least distance between the points of an object",
        "Folder for checkpoints, the log and the exported weights.",
    ):
        assert words in text


def test_a_run_leaves_weights_that_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "run"
    run_tool(
        main, InteractiveSettings, "",
        ["--config", str(config(tmp_path)), "--output", str(output), "--stop_after", "2",
         "--workers", "0"],
    )  # fmt: skip
    path = output / "weights.safetensors"
    assert capsys.readouterr().out.splitlines()[-1] == f"weights: {path}"
    weights, metadata = read_weights(path)
    assert metadata == {"architecture": "interactive_lite", "format": "pointvos"}
    assert {tensor.dtype for tensor in weights.values()} == {torch.float16}
    load_strictly(BUILDERS[metadata["architecture"]](), weights, path)
    lines = log_of(output)
    assert [line["iteration"] for line in lines] == [1, 2]
    assert set(lines[0]) == {"iteration", "learning_rate", "cross_entropy", "dice", "auxiliary"}


def test_weights_to_start_from(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(config(tmp_path))
    wrong = CHECKOUT / "pointvos" / "weights" / "stcn_lite_hybrid.safetensors"
    line = refused(
        capsys, "--config", path, "--output", str(tmp_path / "run"), "--weights", str(wrong)
    )
    assert "expected weights of interactive_lite, found weights of stcn_lite" in line
    line = refused(
        capsys, "--config", path, "--output", str(tmp_path / "run"), "--weights",
        str(tmp_path / "none.safetensors"),
    )  # fmt: skip
    assert "none.safetensors" in line
    assert not (tmp_path / "run").exists()


def test_data_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(
        capsys, "--config", str(config(tmp_path)), "--output", str(tmp_path / "run"),
        "--data", f"[{{kind: davis, root: {tmp_path / 'nowhere'}}}]",
    )  # fmt: skip
    assert line == f"error: {tmp_path / 'nowhere'}: expected a DAVIS folder, found none"


@pytest.mark.slow
def test_killed_and_resumed_is_as_if_never_stopped(tmp_path: Path) -> None:
    command = [sys.executable, TOOL, "--config", str(config(tmp_path))]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = run(*command, "--output", str(whole))
    assert done.returncode == 0, done.stderr

    kill_at_step(2, killed, command, environment=environment(), seconds=240)

    done = run(*command, "--output", str(killed), "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert "step 0 of 4" not in done.stderr  # it went on, it did not start again
    expected, found = (load_file(folder / "weights.safetensors") for folder in (whole, killed))
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        assert torch.equal(found[name], tensor), name
    assert log_of(killed) == log_of(whole)
