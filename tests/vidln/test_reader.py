"""Files of narratives: streamed, with bad lines named, bounded and counted."""

import json
import tracemalloc
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pointvos.core.errors import InputError
from pointvos.vidln import reader
from pointvos.vidln.lines import Line, iterate_lines
from pointvos.vidln.reader import NarrativeReader
from tests.vidln.narratives import actor, narrative, point, write_lines


def ids(narratives: NarrativeReader) -> list[int]:
    return [one.vidln_id for one in narratives]


def test_narratives_come_in_order_and_blank_lines_are_none(tmp_path: Path) -> None:
    values = [narrative(vidln_id=3), b"\n", narrative(vidln_id=1), b"  \n", narrative(vidln_id=2)]
    narratives = NarrativeReader(write_lines(tmp_path / "a.jsonl", values))
    assert ids(narratives) == [3, 1, 2]
    assert ids(narratives) == [3, 1, 2]  # a second time
    assert narratives.left_out.reasons == {}


def test_ids_need_only_be_unique_in_a_dataset(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [narrative(), narrative(dataset_id="pets_val")])
    assert ids(NarrativeReader(path)) == [7, 7]


BAD_LINES: dict[str, tuple[Any, str]] = {
    "cut in the middle": (
        json.dumps(narrative(vidln_id=8)).encode()[:700] + b"\n",
        r"a\.jsonl:2: expected one JSON value",
    ),
    "not UTF-8": (b'{"a": "\xff"}\n', r"a\.jsonl:2: expected one JSON value"),
    "nested": (b"[" * 100_000 + b"\n", r"a\.jsonl:2: expected one JSON value"),
    "another value": (17, r"a\.jsonl:2: narrative: expected an object, found 17"),
    "null video": (
        narrative(vidln_id=8, video_id=None),
        r"a\.jsonl:2: narrative\.video_id: expected text, found None",
    ),
    "id twice": (
        narrative(),
        r"a\.jsonl:2: narrative\.vidln_id: expected every id once.*7 of pets_train on line 1",
    ),
}


@pytest.mark.parametrize(("bad", "message"), BAD_LINES.values(), ids=BAD_LINES)
def test_bad_lines_are_named_and_may_be_left_out(tmp_path: Path, bad: Any, message: str) -> None:
    path = write_lines(tmp_path / "a.jsonl", [narrative(), bad, narrative(vidln_id=9)])
    narratives = NarrativeReader(path)
    with pytest.raises(InputError, match=message + r".*; 1 lines cannot be used, 0 may be left"):
        ids(narratives)
    allowed = NarrativeReader(path, max_left_out=1)
    assert ids(allowed) == [7, 9]
    ((line, reason),) = allowed.left_out.reasons.items()
    assert line == 2
    assert reason.startswith(f"{path}:2: ")


def test_the_bound_is_kept_and_counts_each_loop_anew(tmp_path: Path) -> None:
    values = [narrative(), b"oops\n", narrative(vidln_id=8), b"{}\n", narrative(vidln_id=9)]
    path = write_lines(tmp_path / "a.jsonl", values)
    with pytest.raises(InputError, match=r"a\.jsonl:4: .*; 2 lines cannot be used, 1 may be left"):
        ids(NarrativeReader(path, max_left_out=1))
    narratives = NarrativeReader(path, max_left_out=2)
    for _ in range(2):
        assert ids(narratives) == [7, 8, 9]
        assert list(narratives.left_out.reasons) == [2, 4]
    with pytest.raises(InputError, match="expected max_left_out >= 0, found -1"):
        NarrativeReader(path, max_left_out=-1)


def test_files_without_narratives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl: expected a JSON Lines file"):
        ids(NarrativeReader(tmp_path / "none.jsonl"))
    with pytest.raises(InputError, match=r"a\.jsonl: expected narratives, one a line, found none"):
        ids(NarrativeReader(write_lines(tmp_path / "a.jsonl", [b"\n"])))
    path = write_lines(tmp_path / "b.jsonl", [b"oops\n"])
    with pytest.raises(InputError, match=r"found none \(1 lines left out\)"):
        ids(NarrativeReader(path, max_left_out=5))


def test_lines_know_their_places_and_long_ones_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"ab\n\n" + b"x" * 25 + b"\n" + b"0123456789\n" + b"y" * 11)
    assert list(iterate_lines(path, max_bytes=10)) == [
        Line(1, 0, b"ab\n"),
        Line(3, 4, None),
        Line(4, 30, b"0123456789\n"),
        Line(5, 41, None),
    ]


def test_a_file_of_one_endless_line_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "iterate_lines", partial(iterate_lines, max_bytes=1000))
    path = write_lines(tmp_path / "a.jsonl", [narrative(vidln_id=1), b"[" + b"1," * 5000])
    with pytest.raises(InputError, match=r"a\.jsonl:1: expected lines of at most .* is this JSON"):
        ids(NarrativeReader(path))


@pytest.mark.parametrize("count", [16, pytest.param(200, marks=pytest.mark.slow)])
def test_memory_does_not_grow_with_the_file(tmp_path: Path, count: int) -> None:
    many = [point(i / 1000, 0.5, i) for i in range(1000)]

    def peak(count: int) -> tuple[float, float]:
        """MB of a file of so many narratives, and the most that reading it takes."""
        path = write_lines(
            tmp_path / f"{count}.jsonl",
            (narrative(actor(traces=[many] * 2), vidln_id=i) for i in range(count)),
        )
        tracemalloc.start()
        try:
            assert sum(1 for _ in NarrativeReader(path)) == count
            return path.stat().st_size / 1e6, tracemalloc.get_traced_memory()[1] / 1e6
        finally:
            tracemalloc.stop()

    (small_size, small), (large_size, large) = peak(3), peak(count)
    assert large_size / small_size == pytest.approx(count / 3, rel=0.01)
    assert large < small + 0.5  # all narratives in memory would take a MB and more
