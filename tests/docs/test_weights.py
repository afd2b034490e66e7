"""docs/weights.md names every file of weights that is shipped, and its examples run."""

import re
from pathlib import Path

import pytest
from safetensors import safe_open

from pointvos.core.weights import write_weights
from tests.docs.code_blocks import CHECKOUT, blocks_of
from vng.inference.rf_vng_weights import PRESENCE

PAGE = (CHECKOUT / "docs" / "weights.md").read_text(encoding="utf-8")
PACKAGES = ("pointvos", "vng")
FILES = sorted(path for name in PACKAGES for path in CHECKOUT.glob(f"{name}/weights/*.safetensors"))


def test_there_are_files() -> None:
    assert len(FILES) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_shipped_file_has_a_row_and_a_card(path: Path) -> None:
    (row,) = (line for line in PAGE.splitlines() if line[:3] == "| `" and path.name in line)
    size = float(re.findall(r"\| ([\d.]+) MB \|", row)[0])
    assert path.stat().st_size / 1e6 == pytest.approx(size, abs=0.5)
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    assert "| licence |" in card
    with safe_open(path, "pt") as stored:
        keys = set(stored.metadata())
    told = set(re.findall(r"`(\w+)`", PAGE.partition("| key | of |")[2].partition("\n\n")[0]))
    assert keys <= told


def test_the_calibration_has_the_name_of_the_page() -> None:
    assert f"| `{PRESENCE}` |" in PAGE


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load, write = (block.text for block in blocks_of(PAGE) if block.language == "python")
    names: dict[str, object] = {}
    exec(compile(load, "docs/weights.md", "exec"), names)
    model = names["model"]
    assert (model.architecture, model.network.training) == ("stcn_lite", False)

    monkeypatch.chdir(tmp_path)
    Path("runs/my_run").mkdir(parents=True)
    weights = {name: tensor for name, tensor in list(model.network.state_dict().items())[:2]}
    write_weights("runs/my_run/weights.safetensors", weights, {"architecture": "stcn_lite"})
    exec(compile(write, "docs/weights.md", "exec"), {})
    with safe_open("my_model.safetensors", "pt") as stored:
        assert stored.metadata() == {"architecture": "stcn_lite", PRESENCE: "0.4"}
        assert set(stored.keys()) == set(weights)
