"""The log of a run: means of what was added, and no line twice after a resume."""

import json
from pathlib import Path

from pointvos.training.step_log import StepLog


def lines(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_holds_the_means_since_the_last(tmp_path: Path) -> None:
    log = StepLog(tmp_path / "log.jsonl", start=0, active=True)
    log.add({"masks": 1.0, "dice": 0.5})
    log.add({"masks": 3.0, "dice": 0.5})
    log.write(2, 1e-3)
    log.add({"masks": 7.0, "dice": 0.25})
    log.write(3, 1e-4)
    first, second = lines(tmp_path / "log.jsonl")
    assert (first["iteration"], first["learning_rate"], first["masks"]) == (2, 1e-3, 2.0)
    assert (second["iteration"], second["masks"], second["dice"]) == (3, 7.0, 0.25)
    assert first["seconds_per_step"] >= 0
    assert log.last == second


def test_lines_after_the_checkpoint_go_and_so_does_a_torn_one(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = StepLog(path, start=0, active=True)
    for iteration in range(1, 5):
        log.add({"masks": float(iteration)})
        log.write(iteration, 1e-3)
    with path.open("a") as file:
        file.write('{"iteration": 5, "mas')
    log = StepLog(path, start=2, active=True)
    log.add({"masks": 30.0})
    log.write(3, 1e-3)
    assert [(line["iteration"], line["masks"]) for line in lines(path)] == [(1, 1), (2, 2), (3, 30)]


def test_a_run_from_the_beginning_has_a_log_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    log = StepLog(path, start=0, active=True)
    log.add({"masks": 1.0})
    log.write(1, 1e-3)
    StepLog(path, start=0, active=True)
    assert lines(path) == []


def test_only_one_process_writes(tmp_path: Path) -> None:
    log = StepLog(tmp_path / "log.jsonl", start=0, active=False)
    log.add({"masks": 1.0})
    log.write(1, 1e-3)
    assert log.last["masks"] == 1.0
    assert not (tmp_path / "log.jsonl").exists()
