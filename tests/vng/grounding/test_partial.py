"""What was found so far: whole groups survive, half lines and other runs do not."""

from pathlib import Path

import numpy as np
import pytest

from pointvos.core.errors import InputError
from tests.vng.grounding.colour_video import QUESTION, Colours, colour_video
from vng.grounding.partial import PartialGrounding

LABELS = QUESTION.labels
IDENTITY = {"method": "colours", "spans": [[2, 10]]}


def add(partial: PartialGrounding, count: int, *, window: int = 4) -> None:
    frames = colour_video(count)
    pixels = (frame.rgb for frame in frames.read())
    found = Colours(window=window).ground(pixels, QUESTION.text, QUESTION.spans)
    for name, one in zip(frames.names, found, strict=True):
        partial.add(name, one, LABELS)


def test_what_was_added_is_read_back(tmp_path: Path) -> None:
    with PartialGrounding(tmp_path / "partial.jsonl", IDENTITY) as partial:
        assert (partial.frames, partial.memory) == (0, None)
        add(partial, 6)
        read = list(partial.read(LABELS))
    pixels = [frame.rgb for frame in colour_video(6).read()]
    expected = list(Colours().ground(pixels, QUESTION.text, QUESTION.spans))
    assert len(read) == 6
    for of_frame, found in zip(read, expected, strict=True):
        assert [mask.object_id for mask in of_frame] == ["1-red_ball", "2-blue_box", "3-green_leaf"]
        assert np.array_equal([mask.decode() for mask in of_frame], found.masks)
        assert [mask.score for mask in of_frame] == pytest.approx(found.scores.tolist())


def test_it_goes_on_behind_the_last_frame_with_a_memory(tmp_path: Path) -> None:
    path = tmp_path / "partial.jsonl"
    with PartialGrounding(path, IDENTITY) as partial:
        add(partial, 10)
    with PartialGrounding(path, IDENTITY) as partial:
        assert (partial.frames, partial.memory) == (8, {"seen": 8})
        assert len(list(partial.read(LABELS))) == 8


@pytest.mark.parametrize("cut", [1, 5, 40])
def test_half_a_line_is_cut_off(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "partial.jsonl"
    with PartialGrounding(path, IDENTITY) as partial:
        add(partial, 8)
    path.write_bytes(path.read_bytes()[:-cut])
    with PartialGrounding(path, IDENTITY) as partial:
        assert (partial.frames, partial.memory) == (4, {"seen": 4})
        add(partial, 4)
        assert len(list(partial.read(LABELS))) == 8


def test_another_run_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "partial.jsonl"
    with PartialGrounding(path, IDENTITY) as partial:
        add(partial, 8)
    with PartialGrounding(path, {**IDENTITY, "method": "other"}) as partial:
        assert (partial.frames, partial.memory) == (0, None)
        assert not list(partial.read(LABELS))


def test_a_kill_before_the_first_line_was_whole(tmp_path: Path) -> None:
    path = tmp_path / "partial.jsonl"
    path.write_bytes(b'{"method": "col')
    with PartialGrounding(path, IDENTITY) as partial:
        add(partial, 4)
    with PartialGrounding(path, IDENTITY) as partial:
        assert partial.frames == 4


def test_one_process_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "partial.jsonl"
    with (
        PartialGrounding(path, IDENTITY),
        pytest.raises(InputError, match="found another process doing so"),
    ):
        PartialGrounding(path, IDENTITY)


def test_damage_in_the_middle_is_told(tmp_path: Path) -> None:
    path = tmp_path / "partial.jsonl"
    with PartialGrounding(path, IDENTITY) as partial:
        add(partial, 8)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], b"{]\n", *lines[3:]]))
    with pytest.raises(InputError, match=r"partial\.jsonl:3: expected one JSON .* begin anew"):
        PartialGrounding(path, IDENTITY)


def test_of_an_ended_video_everything_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "partial.jsonl"
    with PartialGrounding(path, IDENTITY) as partial:
        add(partial, 10)
        assert not partial.ended
        partial.end()
    with PartialGrounding(path, IDENTITY) as partial:
        assert (partial.frames, partial.ended) == (10, True)
        assert len(list(partial.read(LABELS))) == 10
