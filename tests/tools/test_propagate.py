"""The propagate tool end to end on tiny videos, and what it says of bad input."""

import json
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from pointvos.core.command_line import run_tool
from pointvos.core.frames import VideoFrames
from pointvos.core.images import image_size
from pointvos.core.masks import read_index_png, write_index_png
from pointvos.core.video_writer import write_video
from pointvos.core.weights import write_weights
from pointvos.inference.models import DEFAULTS
from tools.propagate import PropagateSettings, main

CHECKOUT = Path(__file__).resolve().parents[2]
HEIGHT, WIDTH, COUNT = 64, 96, 8
MODEL = ["--model", "random:stcn_lite", "--propagation.resolution", "0"]
WRITTEN = ["masks", "overlay.mp4", "results.json", "strip.png"]


def picture(index: int) -> np.ndarray:
    """A bright square that moves right over noise."""
    rng = np.random.default_rng(index)
    rgb = rng.integers(0, 60, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    rgb[20:44, 10 + 5 * index : 34 + 5 * index] = (230, 180, 40)
    return rgb


def write_folder(folder: Path, count: int = COUNT) -> Path:
    folder.mkdir()
    for index in range(count):
        Image.fromarray(picture(index)).save(folder / f"{index:05d}.jpg", quality=95)
    return folder


def write_points(path: Path, *objects: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"objects": list(objects)}))
    return path


def square(frame: str = "00003", **other: Any) -> dict[str, Any]:
    """The square, by points on frame 3."""
    points = [[30, 25, 1], [40, 40, 1], [5, 5, 0]]
    return {"id": 1, "name": "square", "frame": frame, "points": points, **other}


@pytest.fixture
def scene(tmp_path: Path) -> Path:
    """A folder with the frames of a video and points in it."""
    write_folder(tmp_path / "clip")
    write_points(tmp_path / "points.json", square())
    return tmp_path


def run(*arguments: object) -> None:
    run_tool(main, PropagateSettings, "", [str(argument) for argument in arguments])


def propagate(scene: Path, *more: object) -> dict[str, Any]:
    """Run on the scene and read what it wrote."""
    run("--video", scene / "clip", "--output", scene / "out", *MODEL, *more)
    return dict(json.loads((scene / "out" / "results.json").read_text()))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


# ---------------------------------------------------------------- what it writes


def test_points_become_masks_pictures_and_results(scene, capsys):
    results = propagate(scene, "--points", scene / "points.json")

    out = scene / "out"
    assert names(out) == WRITTEN
    assert names(scene) == ["clip", "out", "points.json"]
    assert names(out / "masks") == [f"{index:05d}.png" for index in range(COUNT)]
    masks = [read_index_png(out / "masks" / name) for name in names(out / "masks")]
    assert {mask.shape for mask in masks} == {(HEIGHT, WIDTH)}
    assert masks[3][25, 30] == 1  # a given point belongs to the object
    video = VideoFrames(out / "overlay.mp4")
    assert (len(video), video.height, video.width) == (COUNT, HEIGHT, WIDTH)
    assert image_size(out / "strip.png")[1] > 3 * WIDTH

    assert results["frames"] == [f"{index:05d}" for index in range(COUNT)]
    assert results["video"] == {
        "name": "clip", "height": HEIGHT, "width": WIDTH, "rate": 24.0, "frames": COUNT,
    }  # fmt: skip
    (entry,) = results["objects"]
    assert entry.pop("area") == [int((mask == 1).sum()) for mask in masks]
    assert entry == {
        "id": 1,
        "name": "square",
        "given": "points",
        "points": 2,
        "reference_frames": ["00003"],
        "frames_visible": sum((mask == 1).any() for mask in masks),
    }
    assert results["model"] == "random:stcn_lite"
    assert results["propagation"]["resolution"] is None
    assert results["propagation"]["memory_every"] == DEFAULTS["stcn_lite"].memory_every
    assert results["settings"]["direction"] == "both"
    assert 0 < results["seconds_per_frame"] * COUNT <= results["seconds"]
    assert results["peak_memory_mb"] > 50
    assert "torch" in results["versions"]

    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith(f"clip: {COUNT} frames of {WIDTH}x{HEIGHT}")
    assert any(line.startswith("1   square  00003 (2 points)") for line in printed)
    assert printed[-1].startswith(f"written: {out}/")


def test_objects_are_followed_in_both_directions_or_forward(scene):
    both = propagate(scene, "--points", scene / "points.json")["objects"][0]["area"]
    forward = propagate(
        scene, "--points", scene / "points.json", "--direction", "forward", "--overwrite"
    )["objects"][0]["area"]

    assert sum(both[:3]) > 0
    assert forward[:3] == [0, 0, 0]
    assert forward[3:] == both[3:]


def test_a_mask_is_the_result_on_its_frame(scene):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:44, 25:49] = 4
    mask[:5] = 255  # void is no object
    write_index_png(scene / "00003.png", mask)

    results = propagate(scene, "--mask", scene / "00003.png")

    (entry,) = results["objects"]
    assert (entry["id"], entry["name"], entry["given"]) == (4, "object 4", "mask")
    assert entry["reference_frames"] == ["00003"]
    written = read_index_png(scene / "out" / "masks" / "00003.png")
    assert ((written == 4) == (mask == 4)).all()


@pytest.mark.parametrize(
    ("name", "more", "frame"),
    [
        ("first.png", [], "00000"),
        ("00005.png", [], "00005"),
        ("00005.png", ["--mask_frame", "00002"], "00002"),
        ("first.png", ["--mask_frame", "7"], "00007"),
    ],
)
def test_the_frame_of_a_mask(scene, name, more, frame):
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[20:44, 10:34] = 1
    write_index_png(scene / name, mask)

    results = propagate(scene, "--mask", scene / name, *more)

    assert results["objects"][0]["reference_frames"] == [frame]


def test_a_video_file_and_objects_given_on_different_frames(scene):
    write_video(scene / "clip.mp4", map(picture, range(COUNT)), 12)
    points = write_points(
        scene / "two.json", square("1"), square("00006", id=9, name="later", points=[[50, 30, 1]])
    )

    run("--video", scene / "clip.mp4", "--points", points, "--output", scene / "out", *MODEL)

    results = json.loads((scene / "out" / "results.json").read_text())
    assert [entry["reference_frames"] for entry in results["objects"]] == [["00001"], ["00006"]]
    assert [entry["id"] for entry in results["objects"]] == [1, 9]
    assert VideoFrames(scene / "out" / "overlay.mp4").rate == 12
    assert len(names(scene / "out" / "masks")) == COUNT


def test_frames_of_odd_size(tmp_path):
    (tmp_path / "clip").mkdir()
    for index in range(3):
        Image.fromarray(picture(index)[:-1, :-1]).save(tmp_path / "clip" / f"{index}.png")
    write_points(tmp_path / "points.json", square("0"))

    propagate(tmp_path, "--points", tmp_path / "points.json")

    assert read_index_png(tmp_path / "out" / "masks" / "2.png").shape == (HEIGHT - 1, WIDTH - 1)
    video = VideoFrames(tmp_path / "out" / "overlay.mp4")
    assert (video.height, video.width) == (HEIGHT, WIDTH)


def test_an_earlier_result_is_replaced_only_on_demand(scene, capsys):
    propagate(scene, "--points", scene / "points.json")
    earlier = (scene / "out" / "results.json").read_text()

    with pytest.raises(SystemExit) as ended:
        propagate(scene, "--points", scene / "points.json")
    assert ended.value.code == 2
    assert "expected a new or empty folder, found 'masks' and 3 more" in capsys.readouterr().err
    assert (scene / "out" / "results.json").read_text() == earlier

    propagate(scene, "--points", scene / "points.json", "--overwrite")
    assert (scene / "out" / "results.json").read_text() != earlier
    (scene / "out" / "notes.txt").write_text("mine")
    with pytest.raises(SystemExit):
        propagate(scene, "--points", scene / "points.json", "--overwrite")
    assert names(scene / "out") == sorted([*WRITTEN, "notes.txt"])


# ---------------------------------------------------------------- what it refuses


class Malicious:
    """Unpickling it would make a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[[str], None], tuple[str]]:
        return os.mkdir, (str(self.folder),)


def edit_points(**other: Any) -> Callable[[Path], list[object]]:
    return lambda scene: ["--points", write_points(scene / "points.json", square(**other))]


def break_json(scene: Path) -> list[object]:
    (scene / "points.json").write_text('{"objects": [\n {"id": 1,\n  "frame" "00000"}\n]}')
    return ["--points", scene / "points.json"]


def cut_frame(scene: Path) -> list[object]:
    frame = scene / "clip" / "00005.jpg"
    frame.write_bytes(frame.read_bytes()[:900])
    return ["--points", scene / "points.json"]


def resize_frame(scene: Path) -> list[object]:
    Image.fromarray(picture(5)[:-4]).save(scene / "clip" / "00005.jpg")
    return ["--points", scene / "points.json"]


def cut_video(scene: Path) -> list[object]:
    write_video(scene / "cut.mp4", (picture(index % 8) for index in range(40)), 25)
    whole = (scene / "cut.mp4").read_bytes()
    (scene / "cut.mp4").write_bytes(whole[: len(whole) * 2 // 3])
    return ["--video", scene / "cut.mp4", "--points", scene / "points.json"]


def mask_file(mask: np.ndarray) -> Callable[[Path], list[object]]:
    def write(scene: Path) -> list[object]:
        write_index_png(scene / "mask.png", mask)
        return ["--mask", scene / "mask.png"]

    return write


def grey_mask(scene: Path) -> list[object]:
    Image.fromarray(np.ones((HEIGHT, WIDTH), np.uint8)).save(scene / "mask.png")
    return ["--mask", scene / "mask.png"]


def pickle_with_code(scene: Path) -> list[object]:
    (scene / "weights.pth").write_bytes(pickle.dumps(Malicious(scene / "trap")))
    return ["--points", scene / "points.json", "--model", scene / "weights.pth"]


def other_architecture(scene: Path) -> list[object]:
    tensors = {"key_encoder.weight": torch.zeros(3)}
    write_weights(scene / "weights.safetensors", tensors, {"architecture": "stcn_lite"})
    return ["--points", scene / "points.json", "--model", scene / "weights.safetensors"]


def with_points(*more: object) -> Callable[[Path], list[object]]:
    return lambda scene: ["--points", scene / "points.json", *more]


FULL = np.ones((HEIGHT, WIDTH), np.uint8)

# what is wrong, how, and the line that says so; {} is the folder of the scene
BAD_INPUT: dict[str, tuple[Callable[[Path], list[object]], str]] = {
    "point outside": (
        edit_points(points=[[96, 10, 1]]),
        "{}/points.json: clip, object 1, frame 00003: expected points inside 96x64, found (96, 10)",
    ),
    "point twice": (
        edit_points(points=[[9, 10, 1], [9, 10, 1]]),
        "{}/points.json: clip, object 1, frame 00003: expected every point once, found (9, 10)",
    ),
    "no foreground": (
        edit_points(points=[[9, 10, 0]]),
        "{}/points.json: clip, object 1, frame 00003: expected at least one foreground point",
    ),
    "unknown label": (
        edit_points(points=[[9, 10, 3]]),
        "{}/points.json: objects[0].points[0]: expected [x, y, label]",
    ),
    "unknown frame": (
        edit_points(frame="00008"),
        "{}/points.json: objects[0].frame: expected a frame of clip (00000 .. 00007), found '00",
    ),
    "broken JSON": (break_json, "{}/points.json:3: expected JSON, found: Expecting ':'"),
    "truncated JPEG": (cut_frame, "{}/clip/00005.jpg: expected a whole image, found"),
    "frame of other size": (
        resize_frame,
        "{}/clip/00005.jpg: expected 96x64 like the first frame, found 96x60",
    ),
    "video ends early": (cut_video, "{}/cut.mp4: expected"),
    "no video": (
        with_points("--video", "missing.mp4"),
        "missing.mp4: expected a video file, found none",
    ),
    "text for a video": (with_points("--video", __file__), f"{__file__}: expected a video, found"),
    "mask without palette": (grey_mask, "{}/mask.png: expected a palette PNG"),
    "mask of other size": (
        mask_file(FULL[:, :-1]),
        "{}/mask.png: expected a mask of 96x64 like the frames of clip, found 95x64",
    ),
    "empty mask": (
        mask_file(0 * FULL),
        "{}/mask.png: expected a mask with objects, found background alone",
    ),
    "unknown mask frame": (
        lambda scene: [*mask_file(FULL)(scene), "--mask_frame", "00009"],
        "clip: expected a frame of the video (00000 .. 00007), found '00009'; nearest: 0000",
    ),
    "pickle with code": (
        pickle_with_code,
        "{}/weights.pth: expected a file of tensors alone (a pickle with code is never run)",
    ),
    "other architecture": (
        other_architecture,
        "{}/weights.safetensors: expected the ",
    ),
    "unknown model": (
        with_points("--model", "stcn-light"),
        "model: expected stcn-lite, stcn-lite-points, stcn-lite-masks or a file of weights, found "
        "'stcn-light'",
    ),
    "nothing given": (lambda scene: [], "expected --points FILE or --mask FILE, found neither"),
    "both given": (
        lambda scene: ["--points", scene / "points.json", *mask_file(FULL)(scene)],
        "expected --points FILE or --mask FILE, found both",
    ),
    "mask frame for points": (
        with_points("--mask_frame", "00002"),
        "--mask_frame: expected together with --mask, found --points",
    ),
    "unknown setting": (
        with_points("--propagation.resolutoin", "3"),
        "did you mean propagation.resolution?",
    ),
    "output is a file": (
        with_points("--output", __file__),
        f"{__file__}: expected a new folder to write to, found a file",
    ),
}


@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_ends_with_one_line_and_leaves_nothing(scene, capsys, case):
    break_input, expected = BAD_INPUT[case]
    arguments = break_input(scene)
    before = names(scene)

    with pytest.raises(SystemExit) as ended:
        run("--video", scene / "clip", "--output", scene / "out", *MODEL, *arguments)

    (line,) = capsys.readouterr().err.splitlines()
    assert ended.value.code == 2
    assert line.startswith("error: ")
    assert expected.replace("{}", str(scene)) in line
    assert names(scene) == before


# ---------------------------------------------------------------- as its own process


def command(scene: Path, *more: object) -> tuple[list[str], dict[str, str]]:
    arguments = ["--video", scene / "clip", "--output", scene / "out", *MODEL, *more]
    tool = [sys.executable, str(CHECKOUT / "tools" / "propagate.py"), *map(str, arguments)]
    return tool, {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}


def test_a_user_error_as_a_command(scene):
    arguments, environment = command(scene, "--points", scene / "missing.json")

    ended = subprocess.run(
        arguments, env=environment, capture_output=True, text=True, check=False, cwd=scene
    )

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr == f"error: {scene}/missing.json: expected a JSON file, found none\n"


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_leaves_no_result(scene, stop):
    for index in range(COUNT, 600):
        Image.fromarray(picture(index % 8)).save(scene / "clip" / f"{index:05d}.jpg")
    arguments, environment = command(scene, "--points", scene / "points.json")

    process = subprocess.Popen(
        arguments,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A shell that started the tests in the background has them ignore this signal.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not list(scene.glob(".out.*.tmp/masks/*.png")):
            assert process.poll() is None, "the run ended before it was stopped"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(stop)
        code = process.wait(timeout=60)
    finally:
        process.kill()

    assert not (scene / "out").exists()
    if stop == signal.SIGKILL:  # nobody can tidy up then; the next run does
        assert code == -signal.SIGKILL
        for path in sorted((scene / "clip").iterdir())[COUNT:]:
            path.unlink()
        propagate(scene, "--points", scene / "points.json")
        assert names(scene) == ["clip", "out", "points.json"]
    else:
        assert code == 130
        assert names(scene) == ["clip", "points.json"]
