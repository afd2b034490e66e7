"""The tool that converts masks, as people start it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pointvos.core.command_line import run_tool
from pointvos.core.mask_store.reader import MaskStore
from tests.annotation_files import LARGE_ID, vng, write
from tools.convert_masks import ConvertSettings, main, with_source

CHECKOUT = Path(__file__).resolve().parents[2]
TOOL = CHECKOUT / "tools" / "convert_masks.py"


def run(*arguments: object) -> None:
    run_tool(main, ConvertSettings, "", with_source([str(word) for word in arguments]))


def test_the_documented_call_works(tmp_path):
    content = vng()
    content["annotations"].append(content["annotations"][0])
    source = write(tmp_path / "a.json", content)
    command = [TOOL, "--input", source, "--from", "auto", "--output", tmp_path / "s"]
    done = subprocess.run(
        [sys.executable, *map(str, command), "--to", "store"],
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    warning = f"warning: 1 annotations left out whose id came before (first: {LARGE_ID})\n"
    assert (done.returncode, done.stderr) == (0, warning)
    assert done.stdout.splitlines() == [
        "vng -> store: 2 videos, 4 objects (1 without masks), 5 masks (1 empty)",
        f"written: {tmp_path}/s",
    ]
    result = json.loads((tmp_path / "s/_results.json").read_text())
    assert result["duplicates"] == [LARGE_ID]
    assert (result["from"], result["settings"]["to"]) == ("vng", "store")
    assert MaskStore.open(tmp_path / "s").verify() == []


def test_it_is_executable():
    assert os.access(TOOL, os.X_OK)


def test_a_second_run_does_nothing_and_json_has_its_results_beside(tmp_path, capsys):
    source = write(tmp_path / "a.json", vng())
    run("--input", source, "--output", tmp_path / "s", "--to", "store")
    capsys.readouterr()
    run("--input", source, "--output", tmp_path / "s", "--to", "store")
    assert capsys.readouterr().out.splitlines() == [
        "already there: 2 of 2 videos",
        f"nothing to do: {tmp_path}/s holds all masks of {source}",
    ]
    run("--input", tmp_path / "s", "--from=store", "--output", tmp_path / "b.json", "--to", "vng")
    assert json.loads((tmp_path / "b.results.json").read_text())["masks"] == 5


@pytest.mark.parametrize(
    ("change", "to", "message"),
    [
        ({}, "png", "error: b: expected object ids 1 to 254"),
        ({"videos": []}, "store", "found neither"),
        ({"annotations": [{"id": 1}]}, "store", "annotations[0]: expected a whole number as 'v"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, capsys, change, to, message):
    source = write(tmp_path / "a.json", {**vng(), **change})
    with pytest.raises(SystemExit) as end:
        run("--input", source, "--output", tmp_path / "out", "--to", to)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
    assert not (tmp_path / "out/results.json").exists()
