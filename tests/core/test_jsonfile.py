"""JSON errors say where."""

import json

import pytest

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import iterate_jsonl, read_json


def test_json_is_read(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"b": 1, "a": [null, "ä"]}', encoding="utf-8")
    value = read_json(path)
    assert value == {"b": 1, "a": [None, "ä"]}
    assert list(value) == ["b", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{\n "a": 1,\n oops\n}', r"a\.json:3: expected JSON"),
        (b"", r"a\.json:1: expected JSON"),
        (b'{"a": 1', r"a\.json:1: expected JSON"),
        (b'{"a": "\xff\xfe"}', r"a\.json: expected UTF-8"),
        (b"[" * 100_000, r"a\.json: expected a few levels"),
        (b"1" * 5_000, r"a\.json: expected JSON"),
    ],
    ids=["line 3", "empty", "cut off", "not UTF-8", "nested", "endless number"],
)
def test_broken_json_names_file_and_line(tmp_path, text, message):
    path = tmp_path / "a.json"
    path.write_bytes(text)
    with pytest.raises(InputError, match=message) as error:
        read_json(path)
    assert "\n" not in str(error.value)


def test_a_byte_order_mark_is_no_error(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(path) == [1]


def test_a_key_twice_is_an_error_where_keys_must_be_unique(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"k": {"x": 1, "x": 2}}')
    assert read_json(path) == {"k": {"x": 2}}
    with pytest.raises(InputError, match=r"a\.json: .*'x' twice"):
        read_json(path, unique_keys=True)


def test_lines_come_with_their_numbers_and_blank_ones_are_skipped(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n[2]\n')
    assert list(iterate_jsonl(path)) == [(1, {"a": 1}), (3, [2])]


def test_a_broken_line_is_named_after_the_good_ones_were_given(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps({"n": n}) + "\n" for n in range(4)) + '{"n": \n')
    values = iterate_jsonl(path)
    assert [next(values)[1]["n"] for _ in range(4)] == [0, 1, 2, 3]
    with pytest.raises(InputError, match=r"a\.jsonl:5: expected one JSON value"):
        next(values)


def test_missing_files_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.json"):
        read_json(tmp_path / "gone.json")
    with pytest.raises(FileNotFoundError, match=r"gone\.jsonl"):
        next(iterate_jsonl(tmp_path / "gone.jsonl"))
