"""The tool that measures masks from points, end to end on tiny images."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.benchmark import mask_from_points
from pointvos.core.command_line import run_tool
from pointvos.formats.coco_panoptic import read_coco_panoptic
from tests.benchmark.coloured_squares import RED, RED_AND_BLUE, write_scene
from tools.evaluate_interactive import EvaluateSettings, main

QUICK = ["--backends", "grabcut", "--point_counts", "1,2", "--draws", "2", "--clicks", "3"]
KEYS = {
    *("dataset", "split", "protocol", "images", "objects", "skipped", "methods"),
    *("results_taken_from_an_earlier_run", "settings", "versions", "seconds", "peak_memory_mb"),
    "processors",
}


@pytest.fixture
def davis(tmp_path: Path) -> Path:
    return write_scene(tmp_path / "davis", {"red": RED, "pair": RED_AND_BLUE})


def run(*arguments: object) -> None:
    run_tool(main, EvaluateSettings, "", [str(argument) for argument in arguments])


def evaluate(davis: Path, *more: object) -> dict[str, Any]:
    output = davis.parent / "out"
    run("--dataset", "davis", "--root", davis, "--output", output, *QUICK, *more)
    return dict(json.loads((output / "results.json").read_text()))


def test_a_whole_run(davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = davis.parent / "other.yaml"
    other.write_text("kind: grabcut\niterations: 1\n")
    result = evaluate(davis, "--backends", f"grabcut,{other}", "--together", "true")
    assert set(result) == KEYS
    assert (result["images"], result["objects"], result["skipped"]) == (4, 6, [])
    assert list(result["methods"]) == ["grabcut", str(other)]
    grabcut = result["methods"]["grabcut"]
    assert (grabcut["weights_sha256"], len(grabcut["per_image"])) == (None, 4)
    assert len(result["methods"][str(other)]["per_image"]) == 4
    group = grabcut["groups"]["all objects"]
    assert list(group["alone"]) == list(group["together"]) == ["1", "2", "1+1", "2+2", "trace"]
    # Flat squares on a flat ground: colour is all it takes.
    assert group["alone"]["2"]["mean"] > 70
    assert len(group["alone"]["2"]["draws"]) == 2
    assert group["clicks"]["0.85"]["mean"] <= 3
    output = davis.parent / "out"
    assert sorted(path.name for path in output.iterdir()) == [
        *("objects.jpg", "results.json", "results.md")
    ]
    page = (output / "results.md").read_text()
    assert page.startswith("# Masks from points on davis val\n")
    assert "IoU in percent, all objects (6), all of an image in one call" in page
    with Image.open(output / "objects.jpg") as picture:
        assert picture.height > picture.width / 2  # six rows of four pictures
    assert "Clicks to an IoU, at most 3, all objects (6)" in capsys.readouterr().out


def test_a_run_that_was_killed_goes_on(
    davis: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original = mask_from_points.evaluate_image
    seen: list[str] = []

    def counted(backend: Any, image: Any, protocol: Any) -> Any:
        if len(seen) == 2 and "again" not in seen:
            raise KeyboardInterrupt
        seen.append(image.name)
        return original(backend, image, protocol)

    monkeypatch.setattr(mask_from_points, "evaluate_image", counted)
    with pytest.raises(SystemExit) as stopped:
        evaluate(davis)
    assert stopped.value.code == 130
    assert not (davis.parent / "out" / "results.json").exists()
    seen.append("again")
    result = evaluate(davis)
    assert seen == ["red/00000", "red/00003", "again", "pair/00000", "pair/00003"]
    assert result["results_taken_from_an_earlier_run"] == 2
    assert "already there: 2 of 4 results of an image" in capsys.readouterr().out


def test_an_unfinished_run_of_other_settings_is_not_mixed_in(
    davis: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tools.evaluate_interactive.summary_record", stop)
        with pytest.raises(SystemExit):
            evaluate(davis)
    with pytest.raises(SystemExit) as left:
        evaluate(davis, "--seed", "5")
    assert left.value.code == 2
    assert "expected the unfinished results of this evaluation, found others: protocol was" in (
        run_tool_error(capsys)
    )


def run_tool_error(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().err.strip()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--backends", "grabcat"], "found 'grabcat'; did you mean grabcut?"),
        (["--backends", ""], "backends: expected names, each once, found none"),
        (["--backends", "no.safetensors"], "no.safetensors: expected weights of an interactive"),
        (["--point_counts", "2,1"], "point_counts: expected ascending numbers >= 1, found (2, 1)"),
        (["--point_counts", "one"], "point_counts: expected numbers such as 1,2,5,10, found 'one'"),
        (["--clicks", "-1"], "clicks: expected at least 0, found -1"),
        (["--draws", "0"], "draws and seed: expected draws >= 1 and seed >= 0, found 0 and 0"),
        (["--stuff"], "stuff: expected it with --dataset coco_panoptic, found 'davis'"),
        (["--split", "test"], "expected the list of split 'test'"),
    ],
)
def test_what_a_user_can_mend(
    davis: Path, change: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as left:
        evaluate(davis, *change)
    assert left.value.code == 2
    error = run_tool_error(capsys)
    assert error.startswith("error: ")
    assert message in error
    assert "\n" not in error
    assert not (davis.parent / "out" / "results.json").exists()


def test_a_damaged_image(davis: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (davis / "JPEGImages" / "480p" / "red" / "00003.jpg").write_bytes(b"no image")
    with pytest.raises(SystemExit) as left:
        evaluate(davis)
    assert left.value.code == 2
    assert "red/00003.jpg" in run_tool_error(capsys)
    result = evaluate(davis, "--max_skipped", "1")
    assert [one["image"] for one in result["skipped"]] == ["red/00003"]
    assert result["images"] == 3
    assert "left out: 1 images that could not be read" in capsys.readouterr().out


def test_so_many_images_and_no_clicks(davis: Path) -> None:
    result = evaluate(davis, "--max_images", "2", "--clicks", "0")
    per_image = result["methods"]["grabcut"]["per_image"]
    assert [one["image"] for one in per_image] == ["red/00000", "pair/00000"]
    assert "clicks" not in result["methods"]["grabcut"]["groups"]["all objects"]


@pytest.mark.data
def test_stuff_of_coco(data_dir: Path, tmp_path: Path) -> None:
    root = data_dir / "coco_panoptic"
    names = [video.name for video in read_coco_panoptic(root, "val", stuff=True)][:1]
    (tmp_path / "names.txt").write_text("\n".join(names))
    run(
        *("--dataset", "coco_panoptic", "--root", root, "--output", tmp_path / "out", "--stuff"),
        *("--videos", tmp_path / "names.txt", *QUICK, "--clicks", "0", "--draws", "1"),
    )
    result = json.loads((tmp_path / "out" / "results.json").read_text())
    (image,) = result["methods"]["grabcut"]["per_image"]
    assert image["image"] == names[0]
    things = read_coco_panoptic(root, "val", videos=names)[0].categories.values()
    found = {row["category"] for row in image["objects"]}
    assert found
    assert not found & set(things)
    assert np.isfinite([row["share"] for row in image["objects"]]).all()
