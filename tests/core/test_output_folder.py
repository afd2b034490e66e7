"""A folder of results is whole or absent, and never swallows what is not its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pointvos.core.errors import InputError
from pointvos.core.output_folder import output_folder

HOLD = """
import sys, time
from pointvos.core.output_folder import output_folder
with output_folder(sys.argv[1]) as folder:
    (folder / "half.txt").write_text("half")
    print("holding", flush=True)
    time.sleep(60)
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def start_holding(output: Path) -> subprocess.Popen[str]:
    """A process that has begun to write `output`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(output)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holding\n"
    return process


def stop(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


@pytest.mark.parametrize("exists", [False, True])
def test_the_folder_appears_whole(tmp_path, exists):
    target = tmp_path / "a" / "out"
    if exists:
        target.mkdir(parents=True)
    with output_folder(target) as folder:
        (folder / "x.txt").write_text("x")
        assert exists == target.exists()
    assert (target / "x.txt").read_text() == "x"
    assert names(target.parent) == ["out"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_an_error_leaves_nothing(tmp_path, error):
    def fail() -> None:
        with output_folder(tmp_path / "out") as folder:
            (folder / "x.txt").write_text("x")
            raise error

    with pytest.raises(type(error)):
        fail()
    assert names(tmp_path) == []


def test_an_earlier_result_is_replaced_on_demand(tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "old.txt").write_text("old")

    with (
        pytest.raises(InputError, match=r"expected a new or empty folder, found 'old\.txt';"),
        output_folder(target),
    ):
        pytest.fail("the folder was not refused")
    with pytest.raises(OSError, match="disk full"), output_folder(target, replaces=["old.txt"]):
        raise OSError("disk full")
    assert names(target) == ["old.txt"]
    with output_folder(target, replaces=["old.txt"]) as folder:
        (folder / "new.txt").write_text("new")
    assert names(target) == ["new.txt"]
    assert names(tmp_path) == ["out"]


def test_other_files_are_never_replaced(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    (tmp_path / "old.txt").write_text("old")

    with (
        pytest.raises(InputError, match=r"an earlier result \(old\.txt\), found 'thesis\.tex'"),
        output_folder(tmp_path, replaces=["old.txt"]),
    ):
        pytest.fail("the folder was not refused")
    assert names(tmp_path) == ["old.txt", "thesis.tex"]


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "out").write_text("x")
    with (
        pytest.raises(InputError, match="expected a new folder to write to, found a file"),
        output_folder(tmp_path / "out"),
    ):
        pytest.fail("the file was not refused")


def test_what_a_killed_process_left_is_removed_by_the_next(tmp_path):
    stop(start_holding(tmp_path / "out"))
    assert not (tmp_path / "out").exists()
    assert len(names(tmp_path)) == 1

    with output_folder(tmp_path / "out") as folder:
        (folder / "x.txt").write_text("x")

    assert names(tmp_path) == ["out"]


def test_what_a_living_process_writes_is_left_alone(tmp_path):
    process = start_holding(tmp_path / "out")
    try:
        (held,) = names(tmp_path)
        with output_folder(tmp_path / "out"):
            pass
        assert names(tmp_path) == sorted([held, "out"])
        assert names(tmp_path / held) == ["half.txt"]
    finally:
        stop(process)
