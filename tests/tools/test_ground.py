"""The tool that grounds the nouns of a sentence, as people start it."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image

from pointvos.core.command_line import run_tool
from pointvos.core.frames import open_frames
from pointvos.core.masks import read_index_png
from pointvos.core.video_writer import write_video
from tests.vng.grounding.colour_video import TEXT, colour_video
from tools.ground import GroundSettings, main
from vng.grounding.ground_video import PARTIAL, WRITTEN

CHECKOUT = Path(__file__).resolve().parents[2]
FRAMES = 6
CALLS = {
    "caption": ["--caption", TEXT],
    "nouns": ["--caption", TEXT, "--nouns", "[blue box, ball]"],
    "nouns alone": ["--nouns", "[ball, box]"],
    "spans": ["--caption", TEXT, "--spans", "[[21, 29], [2, 10]]"],
}


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("video") / "clip.mp4"
    write_video(path, [frame.rgb for frame in colour_video(FRAMES).read()], 10)
    return path


def run(*words: str | Path) -> dict[str, Any]:
    """Start the tool with the method that needs no weights."""
    run_tool(main, GroundSettings, "", ["--method", "saliency", *map(str, words)])
    output = Path(words[words.index("--output") + 1])
    results: dict[str, Any] = json.loads((output / "results.json").read_text())
    return results


def error_of(*words: str | Path, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line on stderr of a call that is refused."""
    with pytest.raises(SystemExit) as refused:
        run_tool(main, GroundSettings, "", ["--method", "saliency", *map(str, words)])
    assert refused.value.code == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.parametrize("name", CALLS)
def test_what_may_be_asked(
    name: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    results = run("--video", clip, "--output", output, *CALLS[name])
    found = [one["noun"] for one in results["nouns"]]
    expected = {
        "caption": ["ball", "box", "leaf"],
        "nouns": ["ball", "blue box"],
        "nouns alone": ["ball", "box"],
        "spans": ["red ball", "blue box"],
    }
    assert found == expected[name]
    printed = capsys.readouterr().out
    assert "clip: 6 frames of 192x128" in printed
    assert all(noun in printed for noun in found)
    assert f"look at: {output / 'index.html'}" in printed
    assert sorted(path.name for path in output.iterdir()) == sorted(WRITTEN)
    for one in results["nouns"]:
        masks = sorted((output / one["masks"]).iterdir())
        assert [path.stem for path in masks] == results["frames"]
        areas = [int(np.count_nonzero(read_index_png(path) == one["number"])) for path in masks]
        assert areas == one["area"]


def test_every_second_frame(clip: Path, tmp_path: Path) -> None:
    output = tmp_path / "out"
    results = run("--video", clip, "--output", output, "--nouns", "[ball]", "--stride", "2")
    assert results["frames"] == ["00000", "00002", "00004"]
    assert results["video"]["rate"] == 5


def test_many_narratives(clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    questions = tmp_path / "questions.json"
    content = [{"caption": TEXT}, {"caption": TEXT, "nouns": ["ball"], "name": "Ball"}]
    questions.write_text(json.dumps(content))
    output = tmp_path / "out"
    results = run("--video", clip, "--questions", questions, "--output", output)
    assert [one["folder"] for one in results["narratives"]] == ["0", "1-Ball"]
    assert "2 narratives grounded" in capsys.readouterr().out
    run("--video", clip, "--questions", questions, "--output", output)
    assert "2 narratives grounded, 2 of them by an earlier run" in capsys.readouterr().out


def test_a_caption_in_another_language_is_told(
    clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    caption = "Ein Mann und der Ball sind nicht auf der Wiese."
    run("--video", clip, "--caption", caption, "--nouns", "[Ball]", "--output", tmp_path / "out")
    assert "does not look English" in capsys.readouterr().err


def test_untrained_networks_run(clip: Path, tmp_path: Path) -> None:
    """Both ways through RF-VNG, with all that a user can set."""
    output = tmp_path / "alone"
    words = ["--video", clip, "--caption", TEXT, "--resolution", "64", "--window", "4"]
    method = ["--method", "random:rf_vng_lite"]
    results = run(*words, "--output", output, *method, "--dtype", "bfloat16", "--presence", "0.99")
    assert [one["frames_visible"] for one in results["nouns"]] == [0, 0, 0]
    assert results["identity"]["run"].endswith("window 4, threshold 0.5, presence 0.99, bfloat16")
    output = tmp_path / "hybrid"
    method = ["--method", "random:rf_vng_lite+interactive-lite+stcn-lite-masks"]
    results = run(*words, "--output", output, *method, "--hybrid.look_every", "3")
    assert "look_every=3" in results["identity"]["run"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--caption", "It runs quickly."], "expected a noun that is a thing"),
        (["--caption", "?!"], "expected a caption with words"),
        (["--caption", TEXT, "--nouns", "[camel]"], "camel"),
        (["--caption", TEXT, "--spans", "[[2, 999]]"], "expected nouns inside the 58 characters"),
        ([], "expected a caption or nouns, found neither"),
        (["--caption", TEXT, "--stride", "0"], "--stride: expected at least 1, found 0"),
        (["--caption", TEXT, "--questions", "q.json"], "found both"),
        (["--questions", "q.json"], "q.json: expected a file of questions"),
        (["--caption", TEXT, "--method", "rf-vng"], "model: expected rf-vng-lite"),
        (["--caption", TEXT, "--presence", "2"], "presence: expected a value in [0, 1], found 2"),
        (["--caption", TEXT, "--hybrid.look_every", "0"], "look_every: expected at least 1"),
    ],
)
def test_bad_questions(
    words: list[str], message: str, clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "out"
    line = error_of("--video", clip, "--output", output, *words, capsys=capsys)
    assert message in line
    assert not output.exists()


def encode(path: Path, codec: str, pixels: str, *, height: int, width: int) -> None:
    """Six frames of an uneven rate."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = width, height, pixels
        stream.time_base = Fraction(1, 25)
        for frame, time_stamp in zip(colour_video(FRAMES).read(), (0, 1, 2, 7, 8, 20), strict=True):
            picture = av.VideoFrame.from_ndarray(frame.rgb[:height, :width].copy(), format="rgb24")
            picture = picture.reformat(format=pixels)
            picture.pts, picture.time_base = time_stamp, Fraction(1, 25)
            container.mux(stream.encode(picture))
        container.mux(stream.encode())


@pytest.mark.parametrize("kind", ["variable.mp4", "ten_bits.mp4", "odd.mkv", "alpha", "one.png"])
def test_unusual_videos(kind: str, tmp_path: Path) -> None:
    video, frames, height, width = tmp_path / kind, FRAMES, 128, 192
    if kind == "odd.mkv":
        height, width = 127, 191
        encode(video, "ffv1", "yuv444p", height=height, width=width)
    elif kind.endswith(".mp4"):
        pixels = "yuv420p10le" if kind == "ten_bits.mp4" else "yuv420p"
        encode(video, "libx264", pixels, height=height, width=width)
    else:
        video, frames = tmp_path / "folder", FRAMES if kind == "alpha" else 1
        video.mkdir()
        for frame in colour_video(frames).read():
            opaque = np.full((height, width, 1), 255, np.uint8)
            opaque[:, : width // 2] = 100
            rgba = np.concatenate([frame.rgb, opaque], axis=2)
            Image.fromarray(rgba).save(video / f"{frame.name}.png")
    output = tmp_path / "out"
    results = run("--video", video, "--caption", TEXT, "--output", output)
    assert len(results["frames"]) == frames
    assert (results["video"]["height"], results["video"]["width"]) == (height, width)
    for one in results["nouns"]:
        masks = sorted((output / one["masks"]).iterdir())
        assert [read_index_png(path).shape for path in masks] == [(height, width)] * frames
    assert len(open_frames(output / "overlay.mp4")) == frames
    # What is seen is what the encoder was given: the red ball is red, not pale, not shifted.
    first = next(iter(open_frames(video).read())).rgb
    expected = next(iter(colour_video(1).read())).rgb[:height, :width]
    assert np.abs(first.astype(int) - expected).mean() < 6


def test_bad_videos(tmp_path: Path, clip: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mixed = tmp_path / "mixed"
    mixed.mkdir()
    for index, size in enumerate([(80, 60), (80, 60), (80, 70)]):
        Image.new("RGB", size).save(mixed / f"{index:05d}.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.mp4").write_bytes(b"hello" * 100)
    content = clip.read_bytes()
    (tmp_path / "cut.mp4").write_bytes(content[: len(content) * 2 // 3])
    messages = {
        "mixed": "00002.png: expected 80x60 like the first frame, found 80x70",
        "empty": "expected frames",
        "text.mp4": "text.mp4: expected a video, found",
        "cut.mp4": "cut.mp4: expected",
        "nothing.mp4": "nothing.mp4: expected a video file, found none",
    }
    for name, message in messages.items():
        words = ["--video", tmp_path / name, "--caption", TEXT, "--output", tmp_path / "out"]
        assert message in error_of(*words, capsys=capsys)


def test_places_that_cannot_be_written(
    clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["--video", clip, "--caption", TEXT, "--output"]
    assert "found a file" in error_of(*words, clip, capsys=capsys)
    assert "Not a directory" in error_of(*words, clip / "out", capsys=capsys)

    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "overlay.mp4")

    output = tmp_path / "out"
    with monkeypatch.context() as patched:
        patched.setattr("vng.grounding.ground_video.write_pictures", full)
        line = error_of(*words, output, capsys=capsys)
    assert line == "error: overlay.mp4: No space left on device"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]  # nothing half done beside it
    assert [path.name for path in output.iterdir()] == [PARTIAL]  # what was found is kept
    assert len(run(*words, output)["frames"]) == FRAMES


@pytest.mark.slow
def test_a_killed_run_goes_on_in_another_process(tmp_path: Path) -> None:
    """Kill -9 in the middle; frames that were done are not done again, the result is the same."""
    path = tmp_path / "long.mp4"
    pictures = [frame.rgb for frame in colour_video(40).read()]
    write_video(path, pictures, 10)
    words = [sys.executable, "tools/ground.py", "--video", str(path), "--caption", TEXT]
    words += ["--method", "random:rf_vng_lite", "--window", "4", "--resolution", "64", "--output"]
    whole, output = tmp_path / "whole", tmp_path / "out"
    subprocess.run([*words, str(whole)], cwd=CHECKOUT, check=True, capture_output=True)
    running = subprocess.Popen([*words, str(output)], cwd=CHECKOUT, stdout=subprocess.DEVNULL)
    partial = output / PARTIAL
    deadline = time.monotonic() + 120
    while not (partial.exists() and partial.read_bytes().count(b"\n") > 9):
        assert running.poll() is None, "it ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    done = subprocess.run(
        [*words, str(output)], cwd=CHECKOUT, check=True, capture_output=True, text=True
    )
    assert "went on behind" in done.stdout
    first, second = (json.loads((x / "results.json").read_text()) for x in (whole, output))
    assert second["continued_from"] >= 8
    assert first["nouns"] == second["nouns"]
    assert (whole / "overlay.mp4").read_bytes() == (output / "overlay.mp4").read_bytes()


def test_help_says_what_it_needs() -> None:
    words = [sys.executable, "tools/ground.py", "--help"]
    shown = subprocess.run(words, cwd=CHECKOUT, capture_output=True, text=True, check=True).stdout
    for flag in ("--video", "--caption", "--nouns", "--spans", "--questions", "--method"):
        assert flag in shown
    assert "OUT/index.html is the page to look at first" in " ".join(shown.split())
