"""The training tool as people start it: plain, killed and resumed, and with several processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pointvos.core.command_line import run_tool
from pointvos.training.settings import TrainSettings
from tests.killed_training import kill_at_step
from tests.tiny_runs import write_videos
from tools.train_point_stcn import main

CHECKOUT = Path(__file__).resolve().parents[2]
TOOL = str(CHECKOUT / "tools" / "train_point_stcn.py")

CONFIG = """
model: stcn_lite
imagenet: false
regime: hybrid
data:
- kind: davis
  root: {root}
iterations: 4
batch_size: {batch}
point_distance: 4.0
clips:
  reference: drawn_points
  reference_counts: [3]
  max_objects: 1
  video: {{crop: 64}}
  static: {{crop: 64}}
optimizer: {{name: adamw, learning_rate: 0.001, schedule: cosine, ema: 0.9}}
threads: 1
workers: 1
log_every: 1
checkpoint_every: 1
"""


def config(folder: Path, *, batch: int = 1) -> Path:
    if not (folder / "davis").exists():
        write_videos(folder / "davis")
    path = folder / f"batch{batch}.yaml"
    path.write_text(CONFIG.format(root=folder / "davis", batch=batch))
    return path


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=CHECKOUT, env=environment(), capture_output=True, text=True, check=False
    )


def losses(output: Path) -> list[float]:
    lines = (output / "log.jsonl").read_text().splitlines()
    return [json.loads(line)["masks"] for line in lines]


def assert_same_weights(one: Path, other: Path, *, atol: float = 0.0) -> None:
    expected = load_file(other / "weights.safetensors")
    found = load_file(one / "weights.safetensors")
    assert set(found) == set(expected)
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, atol=atol, rtol=0, msg=name)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line on stderr of a call that must end with exit code 2."""
    with pytest.raises(SystemExit) as end:
        run_tool(main, TrainSettings, "", list(arguments))
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_key_that_does_not_exist(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path)
    path.write_text(path.read_text().replace("iterations", "iteratons"))
    line = refused(capsys, "--config", str(path), "--output", str(tmp_path / "run"))
    assert line.startswith(f"error: {path}: ")
    assert line.endswith("did you mean iterations?")
    assert not (tmp_path / "run").exists()


def test_data_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = config(tmp_path)
    line = refused(
        capsys, "--config", str(path), "--output", str(tmp_path / "run"),
        "--data", f"[{{kind: davis, root: {tmp_path / 'nowhere'}}}]",
    )  # fmt: skip
    assert line == f"error: {tmp_path / 'nowhere'}: expected a DAVIS folder, found none"
    assert not (tmp_path / "run").exists()


def test_an_empty_data_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    line = refused(
        capsys, "--config", str(config(tmp_path)), "--output", str(tmp_path / "run"),
        "--data", f"[{{kind: static, root: {tmp_path}}}]",
    )  # fmt: skip
    assert "images: expected images" in line
    assert not (tmp_path / "run").exists()


@pytest.mark.slow
def test_killed_and_resumed_is_as_if_never_stopped(tmp_path: Path) -> None:
    command = [sys.executable, TOOL, "--config", str(config(tmp_path))]
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = run(*command, "--output", str(whole))
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"weights: {whole / 'weights.safetensors'}"

    kill_at_step(2, killed, [*command, "--iterations", "4"], environment=environment(), seconds=120)

    done = run(*command, "--output", str(killed), "--workers", "0")
    assert done.returncode == 0, done.stderr
    assert "; step " in done.stderr
    assert "step 0 of 4" not in done.stderr  # it went on, it did not start again
    assert_same_weights(killed, whole)
    assert losses(killed) == losses(whole)


@pytest.mark.slow
def test_two_processes_are_one_with_the_double_batch(tmp_path: Path) -> None:
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--nproc_per_node",
        "2",
        "--standalone",
    ]
    both, alone = tmp_path / "both", tmp_path / "alone"
    steps = ["--stop_after", "2", "--workers", "0"]
    done = run(*launcher, TOOL, "--config", str(config(tmp_path)), "--output", str(both), *steps)
    assert done.returncode == 0, done.stderr
    single = [sys.executable, TOOL, "--config", str(config(tmp_path, batch=2))]
    done = run(*single, "--output", str(alone), *steps)
    assert done.returncode == 0, done.stderr
    # Adam divides by the gradient's size: where that is rounding, a step of 1e-3 is too.
    assert_same_weights(both, alone, atol=4e-3)
    model = [load_file(p / "checkpoints/step_0000002/model.safetensors") for p in (both, alone)]
    differences = [(model[0][name] - model[1][name]).abs().mean() for name in model[0]]
    assert torch.stack(differences).mean() < 1e-5

    # Two processes go on where two stopped; one process does not.
    done = run(
        *launcher, TOOL, "--config", str(config(tmp_path)), "--output", str(both),
        "--stop_after", "3", "--workers", "0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(losses(both)) == 3
    done = run(sys.executable, TOOL, "--config", str(config(tmp_path)), "--output", str(both))
    assert done.returncode == 2
    assert "found other values of processes" in done.stderr


@pytest.mark.slow
def test_accelerate_launch_starts_it(tmp_path: Path) -> None:
    launcher = [sys.executable, "-m", "accelerate.commands.launch", "--cpu", "--num_processes", "1"]
    output = tmp_path / "run"
    done = run(
        *launcher, TOOL, "--config", str(config(tmp_path)), "--output", str(output),
        "--stop_after", "1",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert (output / "weights.safetensors").is_file()


@pytest.mark.slow
def test_a_run_that_fails_says_so_in_one_line(tmp_path: Path) -> None:
    done = run(
        sys.executable, TOOL, "--config", str(config(tmp_path)), "--output", str(tmp_path / "run"),
        "--optimizer.learning_rate", "1e30",
    )  # fmt: skip
    assert done.returncode == 1
    line = done.stderr.splitlines()[-1]
    assert line.startswith("error: RuntimeError: step ")
    assert "Traceback" not in done.stderr
