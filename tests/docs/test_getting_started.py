"""The examples of docs/getting_started.md do what the page says of them."""

from pathlib import Path

import numpy as np
import pytest

from pointvos.core.frames import ArrayFrames
from pointvos.core.video_writer import write_video
from pointvos.formats.initial_points import read_initial_points
from pointvos.inference.propagate_video import WRITTEN as PROPAGATED
from tests.docs.code_blocks import CHECKOUT, blocks_of, commands_of_page, shown_files
from tests.vng.grounding.colour_video import colour_video
from vng.grounding.ground_video import WRITTEN as GROUNDED

PAGE = CHECKOUT / "docs" / "getting_started.md"
TEXT = PAGE.read_text(encoding="utf-8")


def test_the_points_are_read(tmp_path: Path) -> None:
    (tmp_path / "points.json").write_text(shown_files(TEXT)["points.json"])
    video = ArrayFrames([np.zeros((480, 854, 3), np.uint8)] * 2)
    points = read_initial_points(tmp_path / "points.json", video)
    assert points.names == {1: "camel"}
    assert points.by_frame["00000"][1].labels.tolist() == [1, 1, 0]


def test_the_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the method that needs no trained weights."""
    monkeypatch.chdir(tmp_path)
    write_video("clip.mp4", [frame.rgb for frame in colour_video(2).read()], 10)
    (example,) = (block.text for block in blocks_of(TEXT) if block.language == "python")
    quick = example.replace('car.")', 'car.", method="saliency")')
    assert quick != example
    names: dict = {}
    exec(compile(quick, str(PAGE), "exec"), names)
    found = names["found"]
    assert found["bike"].shape == (2, 128, 192)
    assert [noun.text for noun in found.nouns] == ["man", "bike", "car"]
    assert found.scores.shape == (3, 2)


@pytest.mark.parametrize(("tool", "written"), [("propagate", PROPAGATED), ("ground", GROUNDED)])
def test_everything_that_is_written_is_in_the_table(tool: str, written: tuple[str, ...]) -> None:
    (words,) = (one.words for one in commands_of_page(PAGE) if one.tool == tool)
    output = words[words.index("--output") + 1]
    for name in written:
        assert f"`{output}/{name}" in TEXT
