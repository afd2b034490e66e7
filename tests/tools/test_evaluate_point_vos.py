"""The evaluation tool end to end on tiny videos, and what it says of bad input."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.core.command_line import run_tool
from pointvos.core.masks import write_index_png
from pointvos.core.weights import write_weights
from tests.benchmark.coloured_squares import (
    GREEN_COMES_LATE,
    RED,
    RED_AND_BLUE,
    shifted,
    write_predictions,
    write_scene,
)
from tools.evaluate_point_vos import EvaluateSettings, main

CHECKOUT = Path(__file__).resolve().parents[2]
VIDEOS = {"red": RED, "pair": RED_AND_BLUE}
NETWORK = ["--model", "random:stcn_lite", "--propagation.resolution", "0"]
TABLES = ["global_results-val.csv", "per-sequence_results-val.csv", "results.json", "results.md"]


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "davis", VIDEOS)


def run(*arguments: object) -> None:
    run_tool(main, EvaluateSettings, "", [str(argument) for argument in arguments])


def evaluate(davis: Path, *more: object) -> dict[str, Any]:
    """Run into the folder "out" beside the data and read what it wrote."""
    output = davis.parent / "out"
    run("--dataset", "davis", "--root", davis, "--split", "val", "--output", output, *more)
    return dict(json.loads((output / "results.json").read_text()))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_perfect_predictions(davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = write_predictions(davis.parent / "masks", VIDEOS)
    result = evaluate(davis, "--predictions", masks)
    assert (result["j_mean"], result["f_mean"], result["j_and_f"]) == (1.0, 1.0, 1.0)
    assert [(row["sequence"], row["object_id"]) for row in result["per_object"]] == [
        ("red", 1),
        ("pair", 1),
        ("pair", 2),
    ]
    for row in result["per_object"]:
        assert (row["j_mean"], row["f_mean"]) == (1.0, 1.0)
        assert row["j"] == row["f"] == [1.0] * 4
        assert row["frames"] == ["00001", "00002", "00003", "00004"]
    assert "by_points" not in result
    assert result["rules"]["objects"] == "first_frame"
    assert {"settings", "versions", "seconds", "peak_memory_mb"} <= set(result)
    assert names(davis.parent / "out") == TABLES
    assert "mean over objects  100.0" in capsys.readouterr().out


def test_the_csv_pair_and_the_table_agree_with_the_scores(davis: Path) -> None:
    moved = {name: shifted(masks) for name, masks in VIDEOS.items()}
    masks = write_predictions(davis.parent / "masks", moved)
    result = evaluate(davis, "--predictions", masks)
    j, f = result["j_mean"], result["f_mean"]
    assert j == pytest.approx(5 / 9)  # a square of 7 moved by 2
    assert result["j_and_f"] == pytest.approx((j + f) / 2)
    out = davis.parent / "out"
    header, values = rows(out / "global_results-val.csv")
    assert header == [
        *("J&F-Mean", "J-Mean", "J-Recall", "J-Decay"),
        *("F-Mean", "F-Recall", "F-Decay"),
    ]
    assert values[:2] == [f"{(j + f) / 2:.3f}", f"{j:.3f}"]
    assert rows(out / "per-sequence_results-val.csv")[0] == ["Sequence", "J-Mean", "F-Mean"]
    assert [row[0] for row in rows(out / "per-sequence_results-val.csv")[1:]] == [
        "red_1",
        "pair_1",
        "pair_2",
    ]
    table = (out / "results.md").read_text()
    assert f"{100 * j:.1f}" in table.splitlines()[-1]


def test_extra_predictions_are_counted(davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    masks = write_predictions(davis.parent / "masks", {**VIDEOS, "another": RED})
    write_index_png(masks / "red" / "00077.png", RED[0])
    result = evaluate(davis, "--predictions", masks)
    assert result["ignored_predictions"] == {
        "frames_without_ground_truth": 1,
        "sequences_outside_the_split": 1,
    }
    assert "ignored: 1 frames" in capsys.readouterr().out


@pytest.mark.parity
@pytest.mark.data
@pytest.mark.parametrize("method", ["osvos", "favos"])
@pytest.mark.parametrize("rules", ["auto", "davis", "davis_2016"])
def test_published_scores(data_dir: Path, tmp_path: Path, method: str, rules: str) -> None:
    published = json.loads((data_dir / "davis16_published" / "per_frame_scores.json").read_text())
    (tmp_path / "three.txt").write_text("blackswan\ndog\nparkour\n")
    run(
        *("--dataset", "davis", "--root", data_dir / "davis16", "--rules", rules),
        *("--videos", tmp_path / "three.txt", "--output", tmp_path / "out"),
        *("--predictions", data_dir / "davis16_published" / "masks" / method),
    )
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert [row["sequence"] for row in result["per_object"]] == ["blackswan", "dog", "parkour"]
    rounding = 0.0005 + 1e-9
    for row in result["per_object"]:
        expected = published[method][row["sequence"]]
        assert row["j"] == pytest.approx(expected["J"], abs=rounding, rel=0)
        assert row["f"] == pytest.approx(expected["F"], abs=rounding, rel=0)


def test_a_baseline_over_the_point_protocol(
    davis: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = evaluate(davis, "--model", "nearest_colour", "--baselines", "hull", "--draws", 3)
    assert list(result["by_points"]) == ["1", "2", "5", "10", "mean"]
    assert all(value > 90 for value in result["by_points"].values())
    assert result["by_points"]["10"] == pytest.approx(100 * result["j_and_f"])
    assert (result["setting"], result["draws"]) == ("10", 3)
    assert list(result["methods"]) == ["nearest_colour", "hull"]
    hull = result["methods"]["hull"]
    assert max(hull["by_points"].values()) < 20
    assert len(hull["spread"]["1"]["draws"]) == 3
    assert hull["spread"]["1"]["min"] <= hull["by_points"]["1"] <= hull["spread"]["1"]["max"]
    assert names(davis.parent / "out") == TABLES
    printed = capsys.readouterr().out
    assert "±" in printed
    assert "already there" not in printed


def test_saved_masks_score_as_the_run_did(davis: Path) -> None:
    counts = ("--point_counts", "1,3")
    result = evaluate(davis, *NETWORK, *counts, "--save_masks", "true")
    masks = davis.parent / "out" / "masks"
    assert names(masks) == ["1", "3"]
    assert {"worst_1.jpg", "worst_3.jpg"} <= set(names(davis.parent / "out"))
    by_points = dict(result["by_points"])
    again = evaluate(davis, "--predictions", masks / "3")
    assert again["per_object"] == result["per_object"]
    assert 100 * again["j_and_f"] == pytest.approx(by_points["3"])
    weights = result["methods"]["random:stcn_lite"]["weights_sha256"]
    assert len(weights) == 64


def test_points_of_a_file_are_used(davis: Path) -> None:
    drawn = evaluate(davis, "--model", "nearest_colour", "--point_counts", "1")
    build = [sys.executable, "tools/build_point_sets.py", "--mode", "benchmark"]
    points = davis.parent / "points.json"
    data = ["--dataset", "davis", "--root", davis, "--split", "val", "--output", points]
    subprocess.run([*build, *map(str, data)], cwd=CHECKOUT, check=True, capture_output=True)
    given = evaluate(davis, "--model", "nearest_colour", "--point_counts", "1", "--points", points)
    assert given["per_object"] == drawn["per_object"]


def test_masks_as_a_reference(davis: Path) -> None:
    result = evaluate(davis, "--model", "nearest_colour", "--init", "mask")
    assert list(result["by_points"]) == ["mask", "mean"]
    assert result["by_points"]["mask"] > 95


def test_probes(davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    probe = ("--probe", "swapped,missing,background")
    result = evaluate(davis, "--model", "nearest_colour", "--point_counts", "2", *probe)
    found = result["methods"]["nearest_colour"]["probes"]
    assert {name: one["objects"] for name, one in found.items()} == {
        "swapped": 2,
        "background": 3,
        "missing": 3,
    }
    assert all(one["own"] > 90 and one["probed"] < 15 for one in found.values())
    assert "points of another object" in capsys.readouterr().out


def test_youtube_vos(tmp_path: Path) -> None:
    davis = write_scene(tmp_path / "davis", {"late": GREEN_COMES_LATE})
    root = tmp_path / "youtube"
    for kind in ("JPEGImages", "Annotations"):
        (root / kind).mkdir(parents=True)
        (davis / kind / "480p" / "late").rename(root / kind / "late")
    out = tmp_path / "out"
    run(
        *("--dataset", "youtube_vos", "--root", root, "--output", out),
        *("--model", "nearest_colour", "--point_counts", "1"),
    )
    result = json.loads((out / "results.json").read_text())
    frames = {row["object_id"]: row["frames"][0] for row in result["per_object"]}
    assert frames == {1: "00001", 5: "00003"}
    assert names(out) == ["results.json", "results.md"]


def command(davis: Path, *more: object) -> list[str]:
    """The tool as a program."""
    output = davis.parent / "out"
    data = ["--dataset", "davis", "--root", davis, "--output", output, *more]
    return [sys.executable, "tools/evaluate_point_vos.py", *map(str, data)]


@pytest.mark.slow
def test_a_killed_run_goes_on(tmp_path: Path) -> None:
    videos = {f"clip{n}": RED_AND_BLUE for n in range(12)}
    davis = write_scene(tmp_path / "davis", videos)
    more = [*NETWORK, "--point_counts", "1,2", "--draws", 2]
    process = subprocess.Popen(command(davis, *more), cwd=CHECKOUT, stdout=subprocess.PIPE)
    partial = tmp_path / "out" / "partial" / "0"
    deadline = time.monotonic() + 300
    while not (partial / "clip1.json").exists() and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    finished = len(names(partial))
    assert 2 <= finished < 12
    assert names(tmp_path / "out") == ["partial"]

    done = subprocess.run(
        command(davis, *more), cwd=CHECKOUT, capture_output=True, text=True, check=True
    )
    assert f"already there: {finished} of 12 results" in done.stdout
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    assert result["results_taken_from_an_earlier_run"] == finished
    assert names(tmp_path / "out") == TABLES
    per_object = result["per_object"]
    assert len(per_object) == 24
    fresh = evaluate(davis, *more)
    assert fresh["per_object"] == per_object


def test_help_documents_every_flag() -> None:
    done = subprocess.run(
        [sys.executable, "tools/evaluate_point_vos.py", "--help"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    )
    for field in EvaluateSettings.__dataclass_fields__:
        assert f"--{field}" in done.stdout


# ------------------------------------------------------------------------------------- bad input


def frame(davis: Path, name: str) -> Path:
    return davis / "JPEGImages" / "480p" / name


def mask(davis: Path, name: str) -> Path:
    return davis / "Annotations" / "480p" / name


def truncated(davis: Path) -> None:
    path = frame(davis, "pair/00003.jpg")
    path.write_bytes(path.read_bytes()[:-300])


def frame_of_another_size(davis: Path) -> None:
    Image.new("RGB", (32, 24)).save(frame(davis, "pair/00003.jpg"))


def no_palette(davis: Path) -> None:
    Image.fromarray(RED_AND_BLUE[3]).save(mask(davis, "pair/00003.png"))


def two_sizes(davis: Path) -> None:
    write_index_png(mask(davis, "pair/00003.png"), np.ones((24, 32), np.uint8))


def listed(text: str) -> Callable[[Path], None]:
    def write(davis: Path) -> None:
        (davis / "ImageSets" / "2017" / "val.txt").write_text(text)

    return write


def points(text: str) -> Callable[[Path], None]:
    def write(davis: Path) -> None:
        (davis.parent / "points.json").write_text(text)

    return write


def point_record(*annotated: tuple[int, int, str]) -> str:
    record = {
        "question_hash": "red/1",
        "video_name": "red",
        "object_id": 1,
        "annotated_points": [
            {"x": x, "y": y, "frame_id": "00000", "status": status} for x, y, status in annotated
        ],
    }
    return json.dumps({"red/1": record})


def other_architecture(davis: Path) -> None:
    import torch

    metadata = {"format": "pointvos", "architecture": "stcn_resnet50"}
    write_weights(davis.parent / "w.safetensors", {"x": torch.zeros(1)}, metadata)


def nothing(davis: Path) -> None:
    pass


HULL = ["--model", "hull"]
POINTS = [*HULL, "--points", "{folder}/points.json"]

BAD_RUNS = {
    "truncated frame": (truncated, HULL, r"00003.jpg: expected a whole image"),
    "frame of another size": (frame_of_another_size, HULL, "00003.jpg: expected 64x48"),
    "mask of another size": (two_sizes, HULL, "00003.png: expected a mask of 64x48"),
    "mask without a palette": (no_palette, HULL, "00003.png: expected a palette PNG"),
    "missing mask": (
        lambda davis: mask(davis, "pair/00003.png").unlink(),
        HULL,
        "00003.png: expected a mask for frame 00003 of pair, found none",
    ),
    "empty split": (listed("\n"), HULL, "val.txt: expected names, one a line, found none"),
    "name with ..": (listed("../red\n"), HULL, "val.txt:1: expected a name inside"),
    "absolute name": (listed("/red\n"), HULL, "val.txt:1: expected a name inside"),
    "no such split": (nothing, [*HULL, "--split", "test"], "test.txt: expected the list of split"),
    "unknown dataset": (nothing, [*HULL, "--dataset", "davs"], "did you mean 'davis'?"),
    "unknown dataset of predictions": (
        nothing,
        ["--dataset", "davs", "--predictions", "x"],
        "did you mean 'davis'?",
    ),
    "unknown model": (nothing, ["--model", "stcn"], "baselines are hull, nearest_colour"),
    "missing weights": (nothing, ["--model", "w.safetensors"], "w.safetensors: expected weights"),
    "other architecture": (
        other_architecture,
        ["--model", "{folder}/w.safetensors"],
        "the weights are of another model",
    ),
    "unknown rules": (nothing, [*HULL, "--rules", "davis2016"], "rules: expected auto, davis"),
    "unknown probe": (nothing, [*HULL, "--probe", "swap"], "probe: expected swapped, background"),
    "unknown flag": (nothing, [*HULL, "--point_count", "1"], "did you mean point_counts?"),
    "no number": (nothing, [*HULL, "--point_counts", "1,x"], "such as 1,2,5,10, found '1,x'"),
    "falling numbers": (nothing, [*HULL, "--point_counts", "5,1"], "ascending numbers"),
    "neither": (nothing, [], "expected --model or --predictions, found neither"),
    "both": (nothing, [*HULL, "--predictions", "x"], "--model or --predictions, found both"),
    "broken points": (
        points('{\n"a": \n]'),
        POINTS,
        "expected JSON, found: Expecting value (line 3, byte 8)",
    ),
    "unknown status": (
        points(point_record((5, 6, "MAYBE"))),
        POINTS,
        "status: expected ACCEPTED, REJECTED, AMBIGUOUS, found 'MAYBE'",
    ),
    "points for one video only": (
        points(point_record((5, 6, "ACCEPTED"))),
        POINTS,
        "points.json: expected points of video 'pair'",
    ),
    "point outside": (
        points(point_record((64, 6, "ACCEPTED"))),
        POINTS,
        "expected points inside 64x48, found (64, 6)",
    ),
    "point twice": (
        points(point_record((5, 6, "ACCEPTED"), (5, 6, "REJECTED"))),
        POINTS,
        "expected every pixel of a frame once",
    ),
    "no foreground": (
        points(point_record((5, 6, "REJECTED"))),
        POINTS,
        "expected at least one foreground point",
    ),
    "draws of a file": (
        points(point_record((5, 6, "ACCEPTED"))),
        [*POINTS, "--draws", "2"],
        "points.json: expected --draws 1",
    ),
}


@pytest.mark.parametrize("case", BAD_RUNS)
def test_bad_runs(davis: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    damage, arguments, message = BAD_RUNS[case]
    damage(davis)
    more = [argument.replace("{folder}", str(davis.parent)) for argument in arguments]
    fails(davis, more, message, capsys)


BAD_PREDICTIONS: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing sequence": (
        lambda masks: (masks / "pair").rename(masks / "other"),
        "pair: expected the predicted masks of sequence pair",
    ),
    "missing frame": (
        lambda masks: (masks / "pair" / "00003.png").unlink(),
        "pair/00003.png: expected a predicted mask for this annotated frame, found none",
    ),
    "other size": (
        lambda masks: write_index_png(masks / "pair/00003.png", np.ones((24, 32), np.uint8)),
        "pair/00003.png: expected a mask of 64x48 like the ground truth, found 32x24",
    ),
    "no palette": (
        lambda masks: Image.fromarray(RED_AND_BLUE[3]).save(masks / "pair/00003.png"),
        "pair/00003.png: expected a palette PNG",
    ),
    "truncated": (
        lambda masks: (masks / "pair/00003.png").write_bytes(
            (masks / "pair/00003.png").read_bytes()[:-30]
        ),
        "pair/00003.png: expected a whole image",
    ),
    "unknown object": (
        lambda masks: write_index_png(masks / "red/00003.png", RED_AND_BLUE[3]),
        "red/00003: expected predicted labels among the objects [1], found 2",
    ),
}


@pytest.mark.parametrize("case", BAD_PREDICTIONS)
def test_bad_predictions(davis: Path, capsys: pytest.CaptureFixture[str], case: str) -> None:
    masks = write_predictions(davis.parent / "masks", VIDEOS)
    damage, message = BAD_PREDICTIONS[case]
    damage(masks)
    fails(davis, ["--predictions", str(masks)], message, capsys)


def test_an_output_that_is_a_file(davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (davis.parent / "out").write_text("mine")
    with pytest.raises(SystemExit) as end:
        evaluate(davis, *HULL)
    assert end.value.code == 2
    assert "out: expected a folder to write to, found a file" in capsys.readouterr().err
    assert (davis.parent / "out").read_text() == "mine"


def fails(
    davis: Path, arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2, one line that says why, and no output."""
    with pytest.raises(SystemExit) as end:
        evaluate(davis, *arguments)
    error = capsys.readouterr().err
    assert end.value.code == 2, error
    assert message in error
    assert error.count("\n") == 1
    assert not (davis.parent / "out").exists()
