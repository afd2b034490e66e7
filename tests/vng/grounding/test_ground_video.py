"""A video and a narrative become a folder: whole, the same after a kill, never half."""

import json
from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.frames import open_frames
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.masks import read_index_png
from pointvos.core.run_facts import RunFacts
from tests.vng.grounding.colour_video import (
    HEIGHT,
    QUESTION,
    TEXT,
    WIDTH,
    Colours,
    colour_video,
    square,
)
from vng.grounding.ground_video import PARTIAL, WRITTEN, ground_video, is_finished, run_identity
from vng.grounding.grounded import NounQuestion
from vng.grounding.report import GroundingReport

FRAMES = 10


def run(output: Path, method: Colours | None = None, **options) -> GroundingReport:
    question = options.pop("question", QUESTION)
    frames = options.pop("frames", None) or colour_video(FRAMES)
    return ground_video(
        method or Colours(), frames, question, output, facts=RunFacts({}), **options
    )


def masks_of(output: Path, folder: str) -> np.ndarray:
    paths = sorted((output / "masks" / folder).iterdir())
    return np.stack([read_index_png(path) for path in paths])


def test_all_that_is_written(tmp_path: Path) -> None:
    output = tmp_path / "out"
    report = run(output)
    assert sorted(path.name for path in output.iterdir()) == sorted(WRITTEN)
    for number, (folder, colour) in enumerate(
        [("1-red_ball", "red"), ("2-blue_box", "blue"), ("3-green_leaf", "green")], 1
    ):
        expected = np.stack([square(colour, t) for t in range(FRAMES)])
        assert np.array_equal(masks_of(output, folder), expected * number)
    stored = MaskStore.open(output / "store").read("squares").objects
    assert set(stored) == {"1-red_ball", "2-blue_box", "3-green_leaf"}
    assert np.array_equal(stored["2-blue_box"]["00003"].decode(), square("blue", 3))
    assert stored["2-blue_box"]["00003"].score == pytest.approx(0.53)
    assert stored["2-blue_box"]["00008"].area == 0
    video = open_frames(output / "overlay.mp4")
    assert len(video) == FRAMES
    assert video.width >= WIDTH
    assert video.height > HEIGHT  # the caption is below
    results = json.loads((output / "results.json").read_text())
    assert results["narrative"] == {"name": "", "text": TEXT}
    assert results["video"] == {
        "name": "squares",
        "height": HEIGHT,
        "width": WIDTH,
        "rate": 10,
        "frames": FRAMES,
    }
    assert results["peak_memory_mb"] > 0
    blue = results["nouns"][1]
    assert (blue["noun"], blue["span"], blue["masks"]) == ("blue box", [21, 29], "masks/2-blue_box")
    assert blue["frames_visible"] == 6
    assert blue["area"] == [int(square("blue", t).sum()) for t in range(FRAMES)]
    assert blue["scores"][:7] == pytest.approx([0.5, 0.51, 0.52, 0.53, 0.54, 0.55, 0.1])
    table = report.table()
    assert "blue box" in table
    assert "6 frames" in table


def contents(output: Path) -> dict[str, object]:
    """What must not depend on how often a run was killed."""
    results = json.loads((output / "results.json").read_text())
    found: dict[str, object] = {key: results[key] for key in ("nouns", "identity", "frames")}
    for folder in ("1-red_ball", "2-blue_box", "3-green_leaf"):
        found[folder] = masks_of(output, folder).tolist()
    for name in ("overlay.mp4", "strip.png", "index.html"):
        found[name] = (output / name).read_bytes()
    return found


@pytest.mark.parametrize("after", [1, 4, 6, 9])
def test_a_killed_run_goes_on(tmp_path: Path, after: int) -> None:
    run(tmp_path / "whole")
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(output, Colours(stop_after=after))
    assert [path.name for path in output.iterdir()] == [PARTIAL]
    second = Colours()
    report = run(output, second)
    assert report.continued_from == after - after % 4  # it can go on after each fourth frame
    assert second.seen == list(range(report.continued_from, FRAMES))
    assert contents(output) == contents(tmp_path / "whole")


def test_a_run_killed_while_drawing_grounds_nothing_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = tmp_path / "out"

    def kill(*_arguments: object, **_options: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("vng.grounding.ground_video.write_page", kill)
        with pytest.raises(KeyboardInterrupt):
            run(output)
    assert [path.name for path in output.iterdir()] == [PARTIAL]
    second = Colours()
    report = run(output, second)
    assert (second.seen, report.continued_from) == ([], FRAMES)
    assert "grounded before" in report.table()
    assert sorted(path.name for path in output.iterdir()) == sorted(WRITTEN)


def test_another_question_begins_anew(tmp_path: Path) -> None:
    output = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        run(output, Colours(stop_after=8))
    other = Colours()
    run(output, other, question=NounQuestion(TEXT, ((2, 10),)))
    assert other.seen == list(range(FRAMES))
    assert [path.name for path in (output / "masks").iterdir()] == ["1-red_ball"]


def test_an_earlier_result_is_kept_unless_it_may_be_replaced(tmp_path: Path) -> None:
    output = tmp_path / "out"
    run(output)
    before = (output / "results.json").read_bytes()
    with pytest.raises(InputError, match=r"expected a new .*found 'index\.html'"):
        run(output)
    assert (output / "results.json").read_bytes() == before
    run(output, question=NounQuestion(TEXT, ((21, 29),)), overwrite=True)
    assert [path.name for path in (output / "masks").iterdir()] == ["1-blue_box"]


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match=r"notes\.txt"):
        run(tmp_path, overwrite=True)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_is_finished(tmp_path: Path) -> None:
    output, frames = tmp_path / "out", colour_video(FRAMES)
    identity = run_identity(Colours(), frames, QUESTION)
    assert not is_finished(output, identity)
    run(output)
    assert is_finished(output, identity)
    assert not is_finished(output, run_identity(Colours(), colour_video(9), QUESTION))
    (output / "results.json").write_text("{")
    with pytest.raises(InputError, match=r"results\.json"):
        is_finished(output, identity)


def test_one_frame_and_nouns_inside_each_other(tmp_path: Path) -> None:
    question = NounQuestion(TEXT, ((2, 10), (2, 5), (21, 29), (38, 48)))
    report = run(tmp_path / "out", frames=colour_video(1), question=question)
    assert [track.frames_visible for track in report.tracks] == [1, 1, 1, 0]
    assert np.array_equal(masks_of(tmp_path / "out", "2-red")[0], square("red", 0) * 2)
