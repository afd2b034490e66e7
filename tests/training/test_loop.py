"""The loop: exact resume, checkpoints that may be torn or hostile, and what stops a run."""

import json
import os
import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from pointvos.core.errors import InputError
from pointvos.training.settings import DataSource, OptimizerSettings, TrainSettings
from pointvos.training.train_point_stcn import train
from tests.tiny_datasets import two_objects, write_davis
from tests.tiny_runs import tiny_run

pytestmark = pytest.mark.usefixtures("tiny_network")


def state(run: TrainSettings, iteration: int) -> dict[str, Any]:
    """Everything a checkpoint holds, by name."""
    folder = run.output / "checkpoints" / f"step_{iteration:07d}"
    optimizer = torch.load(folder / "optimizer.bin", weights_only=True)
    values: dict[str, Any] = {
        f"optimizer.{number}.{name}": value
        for number, moments in optimizer["state"].items()
        for name, value in moments.items()
    }
    values["groups"] = json.dumps(optimizer["param_groups"])
    for file in ("model", "running_mean"):
        values |= {f"{file}.{k}": v for k, v in load_file(folder / f"{file}.safetensors").items()}
    return values


def assert_same_state(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert set(one) == set(other)
    assert any(name.startswith("running_mean.") for name in one)
    assert any(name.startswith("optimizer.0.exp_avg") for name in one)
    for name, value in one.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, other[name]), name
        else:
            assert value == other[name], name


def log_of(run: TrainSettings) -> list[dict[str, float]]:
    lines = [json.loads(line) for line in (run.output / "log.jsonl").read_text().splitlines()]
    return [{k: v for k, v in line.items() if k != "seconds_per_step"} for line in lines]


@pytest.mark.parametrize(("regime", "workers"), [("points", 0), ("hybrid", 1), ("masks", 2)])
def test_two_and_two_steps_are_four(tmp_path: Path, regime: Any, workers: int) -> None:
    whole = tiny_run(tmp_path, regime, output=tmp_path / "whole", workers=workers)
    weights = train(whole)
    parts = replace(whole, output=tmp_path / "parts", stop_after=2)
    train(parts)
    assert json.loads((parts.output / "results.json").read_text())["iterations"] == 2
    # As many workers as there are now, not as many as there were.
    continued = train(replace(parts, stop_after=None, workers=1 - min(workers, 1)))
    assert_same_state(state(parts, 4), state(whole, 4))
    assert log_of(parts) == log_of(whole)
    assert len(log_of(whole)) == 4
    for name, tensor in load_file(weights).items():
        assert torch.equal(tensor, load_file(continued)[name]), name


def test_a_run_that_was_killed_after_its_checkpoint_goes_on_from_there(tmp_path: Path) -> None:
    whole = tiny_run(tmp_path, output=tmp_path / "whole")
    train(whole)
    killed = replace(whole, output=tmp_path / "killed", stop_after=3)
    train(killed)  # steps 1 to 3, checkpoints at 2 and 3
    shutil.rmtree(killed.output / "checkpoints" / "step_0000003")
    half_written = killed.output / "checkpoints" / "writing_0000003"
    half_written.mkdir()
    (half_written / "model.safetensors").write_bytes(b"torn")
    with (killed.output / "log.jsonl").open("a") as log:
        log.write('{"iteration": 4, "masks": 0.1')  # a line cut off
    train(replace(killed, stop_after=None))
    assert_same_state(state(killed, 4), state(whole, 4))
    assert log_of(killed) == log_of(whole)
    assert {p.name for p in (killed.output / "checkpoints").iterdir()} >= {"step_0000004"}


def test_a_finished_run_does_nothing_more(tmp_path: Path) -> None:
    run = tiny_run(tmp_path)
    before = load_file(train(run))
    files = {p: p.stat().st_mtime_ns for p in (run.output / "checkpoints").rglob("*")}
    after = load_file(train(run))
    assert {p: p.stat().st_mtime_ns for p in (run.output / "checkpoints").rglob("*")} == files
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert len(log_of(run)) == 4


def test_only_the_newest_checkpoints_stay(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, checkpoint_every=1)
    train(run)
    names = sorted(path.name for path in (run.output / "checkpoints").iterdir())
    assert names == ["step_0000003", "step_0000004"]


def test_a_checkpoint_of_other_settings_is_refused(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, stop_after=2)
    train(run)
    other = replace(run, seed=5, batch_size=2)
    with pytest.raises(InputError, match="found other values of batch_size, seed; choose another"):
        train(other)
    # What does not change the result may change.
    train(replace(run, stop_after=3, log_every=7, checkpoint_every=3, cache_mb=1.0))


def test_a_new_run_is_not_mixed_with_old_checkpoints(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, stop_after=2)
    train(run)
    with pytest.raises(InputError, match="expected no checkpoints with resume false, found step_"):
        train(replace(run, resume=False))


class _Touch:
    """Pickles as a call that leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize(
    "name", ["optimizer.bin", "random_states_0.pkl", "custom_checkpoint_0.pkl"]
)
def test_a_pickle_with_code_in_a_checkpoint_is_never_run(tmp_path: Path, name: str) -> None:
    run = tiny_run(tmp_path, stop_after=2)
    train(run)
    touched = tmp_path / "touched"
    folder = run.output / "checkpoints" / "step_0000002"
    (folder / name).write_bytes(pickle.dumps({"state": _Touch(touched)}))
    if name == "random_states_0.pkl":  # Accelerate goes on without them; no step draws from them
        train(replace(run, stop_after=3))
    else:
        with pytest.raises(InputError, match="step_0000002: expected a whole checkpoint, found: "):
            train(replace(run, stop_after=3))
    assert not touched.exists()


@pytest.mark.parametrize(
    "name", ["model.safetensors", "optimizer.bin", "running_mean.safetensors", "run.json"]
)
def test_a_damaged_checkpoint_is_named(tmp_path: Path, name: str) -> None:
    run = tiny_run(tmp_path, stop_after=2)
    train(run)
    file = run.output / "checkpoints" / "step_0000002" / name
    file.write_bytes(file.read_bytes()[:40])
    with pytest.raises(InputError, match="step_0000002") as caught:
        train(replace(run, stop_after=3))
    assert len(str(caught.value).splitlines()) == 1


def test_a_loss_that_is_not_finite_stops_the_run_and_is_named(tmp_path: Path) -> None:
    run = tiny_run(
        tmp_path,
        optimizer=OptimizerSettings(learning_rate=1e30),
        checkpoint_every=1,
    )
    with pytest.raises(RuntimeError, match=r"step 1: the loss term masks is nan; lower the learn"):
        train(run)
    assert not (run.output / "weights.safetensors").exists()


def test_accumulated_batches_are_one_large_batch(tmp_path: Path) -> None:
    large = tiny_run(tmp_path, output=tmp_path / "large", batch_size=2)
    small = replace(large, output=tmp_path / "small", batch_size=1, accumulation=2)
    train(large)
    train(small)
    assert [line["masks"] for line in log_of(small)] == pytest.approx(
        [line["masks"] for line in log_of(large)], rel=1e-4
    )
    expected = state(large, 4)
    for name, value in state(small, 4).items():
        if name.startswith("model."):
            torch.testing.assert_close(value, expected[name], atol=2e-4, rtol=1e-3)


@pytest.mark.parametrize("workers", [0, 1])
def test_a_bad_video_stops_the_run_with_one_line(tmp_path: Path, workers: int) -> None:
    run = tiny_run(tmp_path, workers=workers)
    for frame in (tmp_path / "davis" / "JPEGImages" / "480p" / "camel").iterdir():
        frame.write_bytes(frame.read_bytes()[:400])
    with pytest.raises(InputError, match=r"camel/0000\d.jpg: expected a") as caught:
        train(replace(run, iterations=30))
    assert len(str(caught.value).splitlines()) == 1


def test_what_a_run_leaves_behind(tmp_path: Path) -> None:
    root = write_davis(tmp_path / "short", {"long": two_objects(6), "two": two_objects(2)})
    source = DataSource(kind="davis", root=root, max_left_out=1)
    run = tiny_run(tmp_path, data=[source], stop_after=1)
    train(run)
    results = json.loads((run.output / "results.json").read_text())
    assert results["iterations"] == 1
    assert results["last_log_line"]["iteration"] == 1
    assert results["left_out"] == {f"davis {root} train": {"two": "2, not 3 annotated frames"}}
    assert results["settings"]["data"][0]["root"] == str(root)
    assert results["seconds"] > 0
    assert sorted(path.name for path in run.output.iterdir()) == [
        "checkpoints",
        "log.jsonl",
        "results.json",
        "weights.safetensors",
    ]
