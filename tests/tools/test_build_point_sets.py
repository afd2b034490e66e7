"""The command that draws point sets: as written in the docs, and with bad input."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.command_line import run_tool
from pointvos.core.images import read_image
from pointvos.core.masks import write_index_png
from pointvos.formats.point_vos_files import read_records
from tests.tiny_datasets import HEIGHT, WIDTH, two_objects, write_davis
from tests.vng.tiny_set import BALL, DOG, write_set
from tools.build_point_sets import BuildSettings, main

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def root(tmp_path):
    return write_davis(tmp_path / "DAVIS", {"bike": two_objects(12), "dog": two_objects(4)})


def build(root, output, *more):
    run_tool(
        main,
        BuildSettings,
        "",
        ["--dataset", "davis", "--root", str(root), "--output", str(output), *more],
    )


def refused(capsys, *arguments):
    """The one line on stderr of a call that must end with exit code 2."""
    with pytest.raises(SystemExit) as end:
        build(*arguments)
    assert end.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_the_documented_call_works(root, tmp_path):
    output = tmp_path / "points.json"
    command = f"tools/build_point_sets.py --dataset davis --root {root} --split train"
    done = subprocess.run(
        [sys.executable, *command.split(), "--output", str(output)],
        cwd=CHECKOUT,
        env={"PYTHONPATH": str(CHECKOUT), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split()[-1] for line in done.stdout.splitlines()[1:5]] == ["2", "4", "14", "22"]
    records = read_records(output)
    assert list(records) == ["bike/1", "bike/5", "dog/1", "dog/5"]
    assert len(records["bike/1"].frame_ids) == 10


def test_equal_seeds_give_equal_files_and_each_video_stands_alone(root, tmp_path):
    build(root, tmp_path / "a.json")
    build(root, tmp_path / "b.json")
    build(root, tmp_path / "c.json", "--seed", "1")
    same, other = (tmp_path / "a.json").read_bytes(), (tmp_path / "c.json").read_bytes()
    assert same == (tmp_path / "b.json").read_bytes()
    assert same != other
    (tmp_path / "list.txt").write_text("dog\n")
    build(root, tmp_path / "dog.jsonl", "--videos", str(tmp_path / "list.txt"))
    every = read_records(tmp_path / "a.json")
    assert read_records(tmp_path / "dog.jsonl") == {key: every[key] for key in ("dog/1", "dog/5")}


def test_settings_reach_the_draw(root, tmp_path):
    few = ["--points", "3", "--frames", "2", "--min_distance", "5", "--background_points", "4"]
    build(root, tmp_path / "a.json", *few, "--sampling", "farthest", "--frame_sampling", "random")
    points = read_records(tmp_path / "a.json")["bike/1"].by_frame().values()
    assert [(len(p.foreground), len(p.background)) for p in points] == [(3, 4), (3, 4)]


def test_benchmark_points_stand_on_the_first_frame_of_each_object(root, tmp_path):
    build(root, tmp_path / "a.json", "--mode", "benchmark")
    frames = {key: record.frame_ids for key, record in read_records(tmp_path / "a.json").items()}
    assert frames == {
        "bike/1": ["00000"],
        "bike/5": ["00002"],
        "dog/1": ["00000"],
        "dog/5": ["00002"],
    }


def test_the_output_is_plain_json_of_the_official_schema(root, tmp_path):
    build(root, tmp_path / "a.json", "--frames", "1", "--points", "1", "--background_points", "0")
    value = json.loads((tmp_path / "a.json").read_text())["dog/1"]
    (point,) = value.pop("annotated_points")
    assert value == {
        "question_hash": "dog/1",
        "question": "",
        "object_name": "object 1",
        "video_name": "dog",
        "object_id": 1,
    }
    assert point.keys() == {"x", "y", "frame_id", "status", "is_fg_candidate"}


def test_previews_show_frames_with_their_points(root, tmp_path, capsys):
    build(root, tmp_path / "a.json", "--preview", str(tmp_path / "pictures"), "--previews", "1")
    (picture,) = (tmp_path / "pictures").iterdir()
    assert capsys.readouterr().out.splitlines()[-1] == str(picture)
    drawn, frame = read_image(picture), read_image(root / "JPEGImages/480p/bike/00000.jpg")
    assert picture.name == "bike.png"
    assert drawn.shape == frame.shape
    x, y = read_records(tmp_path / "a.json")["bike/1"].points("00000").pixels()[0]
    assert drawn[y, x].tolist() != frame[y, x].tolist()


def test_points_of_a_vng_set(tmp_path, capsys):
    folder = write_set(tmp_path / "set")
    original = str(folder / "original.json")
    more = ["--dataset", "vng", "--original_masks", original, "--min_distance", "2"]
    build(folder, tmp_path / "points.jsonl", *more, "--frames", "2", "--points", "3")
    printed = capsys.readouterr().out
    assert [line.split()[-1] for line in printed.splitlines()[1:5]] == ["1", "2", "2", "3"]
    records = read_records(tmp_path / "points.jsonl")
    assert {key: one.object_name for key, one in records.items()} == {
        f"clip/{DOG}": "dog",
        f"clip/{BALL}": "ball",
    }
    assert records[f"clip/{DOG}"].frame_ids == ["00000", "00003"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--mode", "benchmark"], "mode: expected training for a VNG set"),
        (["--preview", "pictures"], "preview: expected none for a VNG set"),
        ([], "clip: expected masks of object 7"),
        (["--root", "gone"], "meta_expressions.json: expected"),
        (["--videos", "list.txt"], "found no dog among 1 videos"),
    ],
)
def test_bad_vng_sets_give_one_line(tmp_path, capsys, monkeypatch, more, message):
    folder = write_set(tmp_path / "set")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "list.txt").write_text("dog\n")
    assert message in refused(capsys, folder, tmp_path / "out.json", "--dataset", "vng", *more)
    assert not (tmp_path / "out.json").exists()


def test_bad_input_gives_one_line_and_no_output(root, tmp_path, capsys):
    output = tmp_path / "out" / "points.json"
    (root / "Annotations/480p/dog/00002.png").unlink()
    assert "00002.png: expected a mask" in refused(capsys, root, output)
    write_index_png(root / "Annotations/480p/dog/00002.png", np.ones((HEIGHT, WIDTH + 2), np.uint8))
    assert "expected a mask of 64x48" in refused(capsys, root, output)
    assert not output.exists()
    assert not list(tmp_path.glob("out/*"))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--points", "0"], "points: expected points >= 1"),
        (["--frames", "0"], "frames: expected at least 1, found 0"),
        (["--min_distance", "-3"], "min_distance: expected pixels >= 0"),
        (["--seed", "-3"], "seed: expected an integer >= 0"),
        (["--split", "test"], "2017/test.txt: expected the list of split"),
        (["--dataset", "davies"], "did you mean 'davis'?"),
        (["--output", "points.txt"], "points.txt: expected a file name that ends in .json"),
        (["--pionts", "5"], "did you mean points?"),
        (["--videos", "gone.txt"], "gone.txt: expected a list of names"),
    ],
)
def test_bad_settings_give_one_line(root, tmp_path, capsys, more, message):
    assert message in refused(capsys, root, tmp_path / "out.json", *more)
    assert not (tmp_path / "out.json").exists()


def test_an_interrupted_run_keeps_the_earlier_file(root, tmp_path, monkeypatch):
    output = tmp_path / "points.json"
    output.write_text("earlier")

    def full(*_args, **_kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pointvos.formats.point_vos_files.record_to_json", full)
    with pytest.raises(SystemExit) as end:
        build(root, output)
    assert end.value.code == 2
    assert output.read_text() == "earlier"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["DAVIS", "points.json"]
