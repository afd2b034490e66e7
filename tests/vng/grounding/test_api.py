"""The three-line interface: files, folders and arrays in, arrays out."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import vng
from pointvos.core.errors import InputError
from pointvos.core.frames import ArrayFrames
from pointvos.core.video_writer import write_video
from tests.vng.grounding.colour_video import HEIGHT, TEXT, WIDTH, Colours, colour_video, square
from vng import GroundedVideo, ground
from vng.grounding.api import as_frames, ground_frames, make_question

FRAMES = 8


def arrays() -> list[np.ndarray]:
    return [frame.rgb for frame in colour_video(FRAMES).read()]


def check(found: GroundedVideo) -> None:
    assert found.masks.shape == (2, FRAMES, HEIGHT, WIDTH)
    assert found.masks.dtype == bool
    assert (found.scores.shape, found.scores.dtype) == ((2, FRAMES), np.float32)
    assert [label.text for label in found.nouns] == ["red ball", "blue box"]
    expected = np.stack([square("blue", t) for t in range(FRAMES)])
    assert np.array_equal(found["Blue box"], expected)
    assert found["blue box"] is not None
    assert found.frames == tuple(f"{t:05d}" for t in range(FRAMES))
    with pytest.raises(KeyError, match=r"'box': expected one of \['red ball', 'blue box'\]"):
        found["box"]


def test_frames_in_memory() -> None:
    nouns = ["blue box", "red ball"]
    check(ground(arrays(), TEXT, nouns=nouns, method=Colours()))
    check(ground(np.stack(arrays()), TEXT, nouns=nouns, method=Colours()))
    check(ground(ArrayFrames(arrays()), TEXT, spans=[(21, 29), (2, 10)], method=Colours()))


def test_every_nth_frame() -> None:
    found = ground(arrays(), TEXT, spans=[(2, 10)], method=Colours(), stride=3)
    assert found.frames == ("00000", "00003", "00006")
    assert np.array_equal(found.masks[0, 1], square("red", 3))


def test_a_video_file_with_a_packaged_method(tmp_path: Path) -> None:
    write_video(tmp_path / "clip.mp4", arrays(), 10)
    found = ground(str(tmp_path / "clip.mp4"), "A red ball.", method="saliency")
    assert found.masks.shape == (1, FRAMES, HEIGHT, WIDTH)
    assert found.nouns[0].text in ("ball", "red ball")


def test_frames_are_held_only_until_they_are_answered() -> None:
    held: list[int] = []

    class Counted(ArrayFrames):
        def read(self, start=0, stop=None):
            for frame in super().read(start, stop):
                held.append(frame.index)
                yield frame

    question = make_question(TEXT, nouns=["red ball"])
    running = ground_frames(Counted(arrays()), question, Colours())
    for t, frame in enumerate(running):
        assert frame.index == t
        assert held == list(range(t + 1))
        assert np.array_equal(frame.masks[0], square("red", t))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "expected a caption or nouns, found neither"),
        ({"caption": TEXT, "nouns": ["ball"], "spans": [(2, 5)]}, "found both"),
        ({"caption": TEXT, "spans": [(2, 99)]}, "expected nouns inside"),
        ({"caption": TEXT, "nouns": ["camel"]}, "camel"),
        ({"caption": TEXT, "nouns": ["ball"], "presence": 0.5}, "presence together with the name"),
    ],
)
def test_misuse(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ground(arrays(), method=Colours(), **options)


def test_frames_of_another_kind() -> None:
    with pytest.raises(InputError, match=r"frame 0: expected uint8 RGB .* float64 \[8, 8, 3\]"):
        as_frames([np.zeros((8, 8, 3))])  # type: ignore[list-item]
    with pytest.raises(InputError, match=r"frame 1: expected \[8, 8, 3\] like the first"):
        as_frames([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 9, 3), np.uint8)])
    with pytest.raises(FileNotFoundError, match="nowhere"):
        as_frames("nowhere.mp4")
    with pytest.raises(InputError, match="expected frames, found none"):
        as_frames([])


def test_importing_vng_brings_no_torch() -> None:
    code = "import sys, vng; assert 'torch' not in sys.modules; from vng import ground; ground"
    subprocess.run([sys.executable, "-c", code], check=True)
    with pytest.raises(AttributeError, match="has no attribute 'grounded'"):
        getattr(vng, "grounded")  # noqa: B009
