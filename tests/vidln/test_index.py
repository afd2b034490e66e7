"""The narratives of one video, without parsing the others."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pointvos.core.errors import InputError
from pointvos.vidln import index
from pointvos.vidln.index import NarrativeIndex, Place
from pointvos.vidln.narrative_json import narrative_to_json
from pointvos.vidln.reader import NarrativeReader
from tests.vidln.narratives import narrative, write_lines

VALUES = [
    narrative(vidln_id=1, video_id="a"),
    narrative(vidln_id=2, video_id='b é "quoted" 👩‍👧', annotator_id=None),
    narrative(vidln_id=3, video_id="a"),
    {"actor_narratives": [], **narrative(vidln_id=4, video_id="late")},  # its list comes first
    dict(reversed(narrative(vidln_id=5, video_id="reversed").items())),
]


@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf", b" \n\n"], ids=["plain", "mark", "blank"])
def test_reading_a_video_gives_its_lines(tmp_path: Path, ascii_only: bool, start: bytes) -> None:
    texts = [json.dumps(value, ensure_ascii=ascii_only).encode() + b"\n" for value in VALUES]
    path = write_lines(tmp_path / "a.jsonl", [start, *texts])
    found = NarrativeIndex(path)
    assert list(found) == ["a", VALUES[1]["video_id"], "late", "reversed"]
    assert len(found) == 4
    assert "late" in found
    assert "none" not in found
    for video in found:
        expected = [value for value in VALUES if value["video_id"] == video]
        assert [narrative_to_json(one) for one in found.read(video)] == expected
    assert found.read("none") == []
    assert found.places("none") == []
    all_of_them = [one.vidln_id for one in NarrativeReader(path)]
    assert sorted(one.vidln_id for video in found for one in found.read(video)) == all_of_them


def test_only_lines_that_begin_otherwise_are_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[int] = []
    original = index.parse_json_line

    def counting(line: bytes, *, source: str) -> Any:
        parsed.append(len(line))
        return original(line, source=source)

    monkeypatch.setattr(index, "parse_json_line", counting)
    path = write_lines(tmp_path / "a.jsonl", VALUES[:3])
    NarrativeIndex(path)
    assert len(parsed) == 3
    assert max(parsed) < 200  # their beginnings; whole lines have 1500
    parsed.clear()
    NarrativeIndex(write_lines(tmp_path / "b.jsonl", VALUES[4:]))
    assert max(parsed) > 1000


def test_a_name_inside_a_caption_is_no_name(tmp_path: Path) -> None:
    trap = narrative(video_id="real", annotator_id='", "video_id": "trap", "x": "')
    trap = {"annotator_id": trap.pop("annotator_id"), **trap}
    found = NarrativeIndex(write_lines(tmp_path / "a.jsonl", [trap]))
    assert list(found) == ["real"]


def test_two_names_in_one_line_are_refused_when_it_is_read(tmp_path: Path) -> None:
    text = json.dumps(narrative(video_id="first"))[:-1] + ', "video_id": "second"}\n'
    found = NarrativeIndex(write_lines(tmp_path / "a.jsonl", [text.encode()]))
    with pytest.raises(
        InputError, match=r"a\.jsonl:1: narrative\.video_id: .*'first' and 'second'"
    ):
        found.read("first")


CUT = json.dumps(narrative(vidln_id=8, video_id="cut")).encode()[:600]
BAD = {
    "cut off": (CUT + b"\n", r"a\.jsonl:2: expected a whole JSON object, found the line cut off"),
    "cut off early": (CUT[:20] + b"}\n", r"a\.jsonl:2: expected one JSON value"),
    "null video": (
        narrative(vidln_id=8, video_id=None),
        r"a\.jsonl:2: narrative\.video_id: expected",
    ),
    "no dataset": ({"video_id": "x", "vidln_id": 1}, r"narrative\.dataset_id: expected this field"),
    "id twice": (narrative(), r"a\.jsonl:2: narrative\.vidln_id: expected every id once"),
}


@pytest.mark.parametrize(("bad", "message"), BAD.values(), ids=BAD)
def test_lines_without_a_video_are_named_and_bounded(
    tmp_path: Path, bad: Any, message: str
) -> None:
    path = write_lines(tmp_path / "a.jsonl", [narrative(), bad, narrative(vidln_id=9)])
    with pytest.raises(InputError, match=message + r".*; 1 lines cannot be used, 0 may be left"):
        NarrativeIndex(path)
    found = NarrativeIndex(path, max_left_out=1)
    assert list(found.left_out.reasons) == [2]
    assert [one.vidln_id for one in found.read("clip 7")] == [7, 9]


def test_damage_behind_the_beginning_is_found_when_the_line_is_read(tmp_path: Path) -> None:
    broken = narrative()
    broken["actor_narratives"][0]["traces"][0][1]["x"] = None
    found = NarrativeIndex(write_lines(tmp_path / "a.jsonl", [b"\n", broken]))
    with pytest.raises(InputError, match=r"a\.jsonl:2: actor_narratives\[0\]\.traces\[0\]\[1\]\.x"):
        found.read("clip 7")


def test_a_file_that_changed_is_not_read(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [narrative()])
    found = NarrativeIndex(path)
    assert found.places("clip 7") == [Place(1, 0)]
    os.utime(path, ns=(1, 1))
    with pytest.raises(InputError, match=r"a\.jsonl: expected the file that was indexed"):
        found.read("clip 7")


def test_files_without_narratives_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"none\.jsonl: expected a JSON Lines file"):
        NarrativeIndex(tmp_path / "none.jsonl")
    with pytest.raises(InputError, match=r"a\.jsonl: expected narratives, one a line, found none"):
        NarrativeIndex(write_lines(tmp_path / "a.jsonl", []))
