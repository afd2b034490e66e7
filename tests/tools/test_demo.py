"""The demo, and what its example is made of."""

import json
from importlib import metadata

import numpy as np
import pytest

from pointvos.core.command_line import run_tool
from pointvos.core.frames import open_frames
from pointvos.core.masks import read_index_png
from pointvos.core.video_writer import write_video
from pointvos.formats.initial_points import read_initial_points
from tools import demo


def run(*arguments: object) -> None:
    run_tool(demo.main, demo.DemoSettings, "", [str(argument) for argument in arguments])


@pytest.fixture
def tiny_scene(tmp_path, monkeypatch) -> None:
    """A tiny video and its points in the place of the real ones."""
    rgb = np.zeros((64, 96, 3), np.uint8)
    rgb[20:44, 30:60] = 200
    write_video(tmp_path / "tiny.mp4", [rgb] * 4, 25)
    points = {"id": 1, "name": "box", "frame": "00002", "points": [[40, 30, 1], [5, 5, 0]]}
    (tmp_path / "tiny.json").write_text(json.dumps({"objects": [points]}))
    monkeypatch.setattr(demo, "packaged_video", lambda: tmp_path / "tiny.mp4")
    monkeypatch.setattr(demo, "POINTS", tmp_path / "tiny.json")


@pytest.mark.usefixtures("tiny_scene")
def test_it_says_what_it_does_and_where_the_result_is(tmp_path, capsys):
    output = tmp_path / "out"
    for _ in range(2):  # the second time it replaces its own result
        run("--output", output, "--model", "random:stcn_lite")

    printed = capsys.readouterr().out
    assert "tiny.mp4, 4 frames of 96x64" in printed
    assert "box: 1 on it and 1 beside it, on frame 00002 only" in printed
    for name in ("masks", "overlay.mp4", "strip.png", "results.json"):
        assert str(output / name) in printed
        assert (output / name).exists()


@pytest.mark.usefixtures("tiny_scene")
def test_it_replaces_nothing_but_its_own_result(tmp_path, capsys):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").write_text("years of work")

    with pytest.raises(SystemExit) as ended:
        run("--output", tmp_path / "out", "--model", "random:stcn_lite")

    assert ended.value.code == 2
    assert "found 'thesis.tex'; choose another" in capsys.readouterr().err
    assert (tmp_path / "out" / "thesis.tex").exists()


def test_the_points_belong_to_the_packaged_video():
    frames = open_frames(demo.packaged_video())
    points = read_initial_points(demo.POINTS, frames)

    assert (len(frames), frames.height, frames.width) == (132, 720, 1280)
    assert set(points.names.values()) == {"bunny", "stone"}


def test_a_missing_package_is_named(monkeypatch, capsys):
    def missing(name: str) -> None:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(demo.metadata, "files", missing)

    with pytest.raises(SystemExit) as ended:
        run("--model", "random:stcn_lite")

    assert ended.value.code == 2
    assert "run: pip install 'pointvos[demo]'" in capsys.readouterr().err


# Pixels seen by eye in frames far from the given one: on the object, and off all objects.
BUNNY_AT = {"00000": (350, 470), "00096": (470, 400), "00131": (470, 500)}
GRASS_AT = {"00000": (700, 560), "00096": (900, 560), "00131": (900, 560)}
STONE_AT = {"00000": (930, 360), "00131": (930, 360)}


@pytest.mark.slow
def test_the_packaged_model_follows_the_objects(tmp_path):
    run("--output", tmp_path / "out")

    masks = {
        name: read_index_png(tmp_path / "out" / "masks" / f"{name}.png")
        for name in {*BUNNY_AT, *STONE_AT}
    }
    assert {name: int(masks[name][y, x]) for name, (x, y) in BUNNY_AT.items()} == dict.fromkeys(
        BUNNY_AT, 1
    )
    assert {name: int(masks[name][y, x]) for name, (x, y) in STONE_AT.items()} == dict.fromkeys(
        STONE_AT, 2
    )
    assert {name: int(masks[name][y, x]) for name, (x, y) in GRASS_AT.items()} == dict.fromkeys(
        GRASS_AT, 0
    )
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    for entry in results["objects"]:
        assert min(entry["area"]) / (720 * 1280) > 0.005
        assert max(entry["area"]) / (720 * 1280) < 0.3
