"""The tool that looks at a set, as people start it."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.command_line import run_tool
from tests.vng.data.test_coco_png_set import narratives, write_coco
from tests.vng.tiny_set import FRAMES, HEIGHT, WIDTH, write_set
from tools.inspect_vng import InspectSettings, main


def run(*arguments: object) -> None:
    run_tool(main, InspectSettings, "", [str(one) for one in arguments])


def test_a_set_with_a_preview(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib", reason="the extra plots is not installed")
    folder = write_set(tmp_path / "set")
    (tmp_path / "frames/clip").mkdir(parents=True)
    for t in range(FRAMES):
        rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        Image.fromarray(rgb).save(tmp_path / f"frames/clip/{t:05d}.png")
    run(
        *("--set", folder, "--original_masks", folder / "original.json"),
        *("--frames", tmp_path / "frames", "--preview", 2, "--output", tmp_path / "out"),
    )
    results = json.loads((tmp_path / "out/results.json").read_text())
    assert (results["objects"], results["expressions"], results["frames"]) == (2, 2, "dense")
    assert "<mark" in (tmp_path / "out/preview.html").read_text()
    assert Image.open(tmp_path / "out/distributions.png").width > 500
    assert (tmp_path / "out/results.md").read_text().startswith("# set\n")
    assert "OVIS-VNG + UVO-VNG (paper)" in capsys.readouterr().out


def test_coco_png(tmp_path: Path) -> None:
    root = write_coco(tmp_path)
    run(
        *("--coco_png", narratives(root), "--coco", root, "--split", "val"),
        *("--preview", 1, "--plots", "false", "--output", tmp_path / "out"),
    )
    assert json.loads((tmp_path / "out/results.json").read_text())["objects"] == 2
    assert not (tmp_path / "out/distributions.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "expected --set or --coco_png, found neither"),
        (["--set", "x", "--coco_png", "y"], "found both"),
        (["--coco_png", "y"], "coco: expected the folder of COCO"),
    ],
)
def test_what_is_asked_for_must_be_clear(
    tmp_path: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        run(*arguments, "--output", tmp_path / "out")
    assert left.value.code == 2
    assert message in capsys.readouterr().err


def test_a_preview_needs_frames(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_set(tmp_path / "set")
    with pytest.raises(SystemExit):
        run(
            *("--set", folder, "--original_masks", folder / "original.json"),
            *("--preview", 2, "--plots", "false", "--output", tmp_path / "out"),
        )
    assert "frames: expected a folder with the frames" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
