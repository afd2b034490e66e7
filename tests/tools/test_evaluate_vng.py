"""The tool that scores VNG results, as people start it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pointvos.core.command_line import run_tool
from tests.vng.evaluation.test_official_rules import predict
from tests.vng.tiny_set import write_set
from tools.evaluate_vng import EvaluateVngSettings, main
from vng.data.vng_set import VngSet

CHECKOUT = Path(__file__).resolve().parents[2]


def arguments(root: Path, *more: str) -> list[str]:
    return [
        *("--set", str(root / "set"), "--predictions", str(root / "results")),
        *("--original_masks", str(root / "set/original.json"), "--output", str(root / "out")),
        *more,
    ]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = write_set(tmp_path / "set")
    predict(VngSet.open(folder, original_masks=folder / "original.json"), tmp_path / "results")
    return tmp_path


def test_scores_are_written_and_printed(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_tool(main, EvaluateVngSettings, "", arguments(root))
    results = json.loads((root / "out/results.json").read_text())
    assert (results["j_mean"], results["f_mean"], results["j_and_f"]) == (1, 1, 1)
    first = results["per_expression"][0]
    assert (first["video"], first["expression"], first["noun"]) == ("clip", 0, "dog")
    assert (first["j"], first["f"], len(first["j_by_frame"])) == (1, 1, 4)
    assert results["frames"] == "dense"
    assert results["settings"]["set"] == str(root / "set")
    page = (root / "out/results.md").read_text()
    for part in ("## Videos", "## Nouns", "## Expressions", "| clip 1: ball |"):
        assert part in page
    assert "100.0" in capsys.readouterr().out


def test_bad_input_is_one_line(root: Path) -> None:
    (root / "results/clip/1/00002.png").unlink()
    done = subprocess.run(
        [sys.executable, str(CHECKOUT / "tools/evaluate_vng.py"), *arguments(root)],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert "expected a mask for each of the 4 frames, found none for number 2" in done.stderr
    assert not (root / "out").exists()
