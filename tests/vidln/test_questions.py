"""Location-output questions."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointvos.core import json_elements
from pointvos.core.errors import InputError
from pointvos.core.masks import encode_rle
from pointvos.vidln import questions
from pointvos.vidln.questions import iterate_questions, question_to_json, read_questions

HASH = "69e69b3a8b29d92dd94be66c79f82d69"
VIDEO = "34 Funny Kids - Hall Of Fame (May 2017)10"


def trace_mask() -> np.ndarray:
    mask = np.zeros((12, 20), bool)
    mask[3:6, 2:15] = True
    return mask


def question(**changed: Any) -> dict[str, Any]:
    return {
        "vidln_id": 4009,
        "actor_idx": 1,
        "question_hash": HASH,
        "question": "Who throws the egg at the man?",
        "video_name": VIDEO,
        "trace_frame": "000009.png",
        "txt_slice_indices": [2, 11],
        "txt_slice": "baby girl",
        "trace": dict(encode_rle(trace_mask())),
    } | changed


def write(folder: Path, value: Any) -> Path:
    path = folder / "qa.json"
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def test_every_field_is_typed(tmp_path: Path) -> None:
    value = {"empty": [], VIDEO: [question(), question(question_hash="other")]}
    found = read_questions(write(tmp_path, value))
    assert list(found) == [HASH, "other"]
    one = found[HASH]
    assert (one.video, one.video_name, one.question_hash) == (VIDEO, VIDEO, HASH)
    assert one.question == "Who throws the egg at the man?"
    assert (one.trace_frame, one.frame_id) == ("000009.png", "000009")
    assert (one.vidln_id, one.actor_index) == (4009, 1)
    assert (one.text_span, one.text) == ((2, 11), "baby girl")
    np.testing.assert_array_equal(one.trace_mask(), trace_mask())


LEAST = ("question_hash", "question", "trace_frame", "trace")


@pytest.mark.parametrize(
    "value",
    [
        question(),
        question(source="survey", votes=[1, 2]),
        question(vidln_id=None, actor_idx=None, txt_slice_indices=None, txt_slice=None),
        {name: question()[name] for name in LEAST},
        dict(reversed(question(video_name="train/" + VIDEO).items())),
    ],
    ids=["as published", "unknown fields", "null fields", "no more than needed", "another order"],
)
def test_a_question_is_written_back_as_it_was(tmp_path: Path, value: dict[str, Any]) -> None:
    (one,) = read_questions(write(tmp_path, {VIDEO: [value]})).values()
    written = question_to_json(one)
    assert written == value
    assert list(written) == list(value)


WRONG: dict[str, tuple[Any, str]] = {
    "a list": ([], r"qa\.json: expected '\{', found '\['"),
    "text alone": ('"a"', r"qa\.json: expected '\{', found '\"'"),
    "no file": ("", r"qa\.json: expected '\{', found the end of the file"),
    "two files": ('{"a": []} {"b": []}', r"qa\.json: expected the end of the file, found '\{'"),
    "nothing": ({}, r"qa\.json: expected questions, found none"),
    "no list": ({VIDEO: 3}, r"qa\.json: 34 Funny.*10: expected a list of questions, found 3"),
    "outside": (
        {"../up": []},
        r"qa\.json: expected a name inside the data folder, found '\.\./up'",
    ),
    "video twice": ('{"a": [], "a": []}', r"qa\.json: .*name of a member, found 'a' twice"),
    "field twice": (
        '{"a": [{"question": "Who?", "question": "Where?"}]}',
        r"qa\.json: expected JSON, found: the key 'question' twice in one object",
    ),
    "field twice, in other words": (
        '{"a": [{"é": 1, "\\u00e9": 2}]}',
        r"qa\.json: expected JSON, found: the key 'é' twice in one object",
    ),
    "field of the trace twice": (
        '{"a": [{"trace": {"size": 1, "size": 2}}]}',
        r"qa\.json: expected JSON, found: the key 'size' twice in one object",
    ),
    "cut off": ('{"a": [{', r"qa\.json: expected JSON, found: .* \(line 1, byte 8\)"),
    "cut off between": (
        json.dumps({"a": [question()]})[:-2],
        r"qa\.json: expected ',', found the end of the file",
    ),
    "nested": ('{"a": [' + "[" * 100_000, r"qa\.json: expected a few levels of nesting"),
    "no object": ({VIDEO: {}}, r"qa\.json: 34 Funny.*10: expected a list of questions, found an"),
    "text": ({"a": ["?"]}, r"qa\.json: a\[0\]: expected an object, found '\?'"),
    "no hash": (
        {"a": [{k: v for k, v in question().items() if k != "question_hash"}]},
        r"qa\.json: a\[0\]\.question_hash: expected this field, found none",
    ),
    "hash twice": (
        {"a": [question()], "b": [question(question_hash="x"), question()]},
        r"qa\.json: b\[1\]\.question_hash: expected every hash once, found '69e.*' in .*a\[0\] as",
    ),
    "frame outside": (
        {"a": [question(trace_frame="/x.png")]},
        r"a\[0\]\.trace_frame: expected a n",
    ),
    "span": ({"a": [question(txt_slice_indices=[1])]}, r"a\[0\]\.txt_slice_indices: expected \[st"),
    "null trace": ({"a": [question(trace=None)]}, r"a\[0\]\.trace: expected an object, found None"),
    "no counts": (
        {"a": [question(trace={"size": [1, 2]})]},
        r"a\[0\]\.trace\.counts: expected this",
    ),
    "counts list": (
        {"a": [question(trace={"size": [1, 2], "counts": [1, 1]})]},
        r"a\[0\]\.trace\.counts: expected compressed counts, found a list of 2",
    ),
    "size": (
        {"a": [question(trace={"size": 5, "counts": ""})]},
        r"a\[0\]\.trace\.size: expected \[height, width\], found 5",
    ),
}


@pytest.mark.parametrize(("value", "message"), WRONG.values(), ids=WRONG)
def test_errors_name_file_video_and_field(tmp_path: Path, value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_questions(write(tmp_path, value))


@pytest.mark.parametrize(
    "trace",
    [
        {"size": [12, 20], "counts": "0"},
        {"size": [12, 20], "counts": "\ud83d"},
        {"size": [10**7, 10**7], "counts": "0"},
        {"size": [-1, 5], "counts": "5"},
    ],
    ids=["too few pixels", "no counts", "absurd size", "negative size"],
)
def test_damaged_traces_name_their_question(tmp_path: Path, trace: dict[str, Any]) -> None:
    (one,) = read_questions(write(tmp_path, {"a": [question(trace=trace)]})).values()
    with pytest.raises(InputError, match=r"qa\.json: a\[0\]\.trace: expected"):
        one.trace_mask()


@pytest.mark.parametrize("block", [1, 7, 1000])
def test_blocks_may_end_anywhere(tmp_path: Path, monkeypatch, block: int) -> None:
    value = {"é": [question(question="Wer wirft das Ei, Frédéric?")], "b": [], "c": [question()]}
    value["c"][0]["question_hash"] = "other"
    path = tmp_path / "qa.json"
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1), encoding="utf-8")
    monkeypatch.setattr(json_elements, "_BLOCK_BYTES", block)
    found = read_questions(path)
    assert [question_to_json(one) for one in found.values()] == [*value["é"], *value["c"]]
    assert [one.video for one in found.values()] == ["é", "c"]


def test_only_the_questions_asked_for_are_kept_and_all_are_checked(tmp_path: Path) -> None:
    listed = [question(question_hash=name) for name in ("x", "y", "z")]
    path = write(tmp_path, {"a": listed[:2], "b": listed[2:]})
    assert list(read_questions(path, hashes={"z", "x", "none"})) == ["x", "z"]
    assert read_questions(path, hashes=()) == {}
    damaged = write(tmp_path, {"a": [question()], "b": [question(question_hash=3)]})
    with pytest.raises(InputError, match=r"b\[0\]\.question_hash: expected text, found 3"):
        read_questions(damaged, hashes={HASH})
    twice = write(tmp_path, {"a": [question()], "b": [question()]})
    with pytest.raises(InputError, match=r"b\[0\]\.question_hash: expected every hash once"):
        read_questions(twice, hashes=())


def test_what_is_before_damage_is_given(tmp_path: Path) -> None:
    path = write(tmp_path, json.dumps({"a": [question()]})[:-2] + ", 3]}")
    reader = iterate_questions(path)
    assert next(reader).question_hash == HASH
    with pytest.raises(InputError, match=r"qa\.json: a\[1\]: expected an object, found 3"):
        next(reader)


def test_a_question_without_end_is_not_read_for_ever(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(questions, "MAX_QUESTION_BYTES", 5000)
    monkeypatch.setattr(json_elements, "_BLOCK_BYTES", 1000)
    path = write(tmp_path, '{"a": [{"question": "' + "?" * 100_000)
    with pytest.raises(InputError, match=r"qa\.json: expected values of at most 5000 bytes"):
        list(iterate_questions(path))


@pytest.mark.parametrize("videos", [1, 300], ids=["all of one video", "a video each"])
def test_memory_is_that_of_a_question(tmp_path: Path, videos: int) -> None:
    """60 MB are read with less than half of them in memory."""
    path = tmp_path / "qa.json"
    with path.open("w") as out:
        for number in range(300):
            new = number % (300 // videos) == 0
            out.write(("]," if number else "{") + f'"v{number}": [' if new else ",")
            trace = {"size": [12, 20], "counts": "0" * 200_000}
            out.write(json.dumps(question(question_hash=str(number), trace=trace)))
        out.write("]}")
    assert path.stat().st_size > 60_000_000
    tracemalloc.start()
    try:
        found = read_questions(path, hashes={"299"})
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert list(found) == ["299"]
    assert peak < 25_000_000
