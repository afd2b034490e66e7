"""Large JSON objects, element by element, wherever the blocks cut them."""

import json
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core import json_elements
from pointvos.core.errors import InputError
from pointvos.core.json_elements import iterate_elements, read_element

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


def gathered(path):
    found = {}
    for element in iterate_elements(path):
        if element.place is None:
            found[element.key] = element.value
        else:
            assert element.place == len(found.setdefault(element.key, []))
            found[element.key].append(element.value)
        assert read_element(path, element.start, element.stop) == element.value
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(st.text(), VALUES, max_size=4),
    st.booleans(),
    st.sampled_from([None, 2]),
    st.integers(1, 40),
    st.booleans(),
)
def test_it_is_what_json_reads(tmp_path_factory, value, ascii_only, indent, block, mark):
    path = tmp_path_factory.mktemp("json") / "a.json"
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent)
    try:
        data = text.encode()
    except UnicodeEncodeError:  # half a surrogate pair
        data = json.dumps(value).encode()
    path.write_bytes(b"\xef\xbb\xbf" * mark + data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_elements, "_BLOCK_BYTES", block)
        found = gathered(path)
    assert found == {key: one for key, one in value.items() if one != []}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected '{', found the end of the file"),
        ("[1]", r"expected '{', found '\[' \(line 1, byte 0\)"),
        ('{"a": [1, 2}', "expected ',', found '}'"),
        ('{"a": [{"b": 1,}]}', r"expected JSON, found: .* \(line 1, byte 1\d\)"),
        ('{"a": [1,\n2,\n}', r"\(line 3, byte 13\)"),
        ('{"a": [{"b": ', "expected JSON, found: Expecting value"),
        ('{"a": "b', "expected JSON, found: Unterminated string"),
        ('{"a": 1, "a": 2}', "expected the name of a member, found 'a' twice"),
        ("{1: 2}", "expected the name of a member, found another value"),
        ('{"a": 1} x', "expected the end of the file, found 'x'"),
        ('{"a": ' + "[" * 100_000, "expected a few levels of nesting"),
        ('{"a": ' + "9" * 5000 + "}", "expected JSON, found: Exceeds the limit"),
    ],
)
@pytest.mark.parametrize("block", [3, 4_000_000])
def test_damage_is_told_in_one_line(tmp_path, monkeypatch, text, message, block):
    monkeypatch.setattr(json_elements, "_BLOCK_BYTES", block)
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as error:
        list(iterate_elements(path))
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)


def test_what_is_not_utf_8(tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(b'{"a": ["\xff"]}')
    with pytest.raises(InputError, match="expected UTF-8 text, found invalid start byte"):
        list(iterate_elements(path))


def test_a_value_without_end_is_not_read_for_ever(tmp_path, monkeypatch):
    monkeypatch.setattr(json_elements, "MAX_ELEMENT_BYTES", 1000)
    monkeypatch.setattr(json_elements, "_BLOCK_BYTES", 100)
    path = tmp_path / "a.json"
    path.write_text('{"a": "' + "x" * 5000)
    with pytest.raises(InputError, match="expected values of at most 1000 bytes"):
        list(iterate_elements(path))


def test_a_file_that_is_gone_or_changed(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a JSON file, found none"):
        list(iterate_elements(tmp_path / "a.json"))
    path = tmp_path / "a.json"
    path.write_text('{"a": [{"b": 1}]}')
    (element,) = iterate_elements(path)
    path.write_text('{"a":  [{"b": 1}]}')
    with pytest.raises(InputError, match="expected the file as it was when it was opened"):
        read_element(path, element.start, element.stop)


def test_memory_is_that_of_an_element(tmp_path):
    path = tmp_path / "a.json"
    with path.open("w") as out:
        out.write('{"annotations": [')
        for number in range(400):
            out.write(f'{"," * (number > 0)}{{"id": {number}, "counts": "{"x" * 100_000}"}}')
        out.write("]}")
    tracemalloc.start()
    try:
        assert sum(1 for _ in iterate_elements(path)) == 400
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 25_000_000


def test_empty_arrays_may_be_asked_for(tmp_path):
    path = tmp_path / "a.json"
    path.write_text('{"a": [ ], "b": [1, []], "c": {}}')
    found = [(one.key, one.place, one.value) for one in iterate_elements(path, empty_arrays=True)]
    assert found == [("a", None, []), ("b", 0, 1), ("b", 1, []), ("c", None, {})]
    assert [one.key for one in iterate_elements(path)] == ["b", "b", "c"]
    first = next(iterate_elements(path, empty_arrays=True))
    assert path.read_text()[first.start : first.stop] == "[ ]"
    assert read_element(path, first.start, first.stop) == []


@pytest.mark.parametrize("block", [1, 4_000_000])
@pytest.mark.parametrize(
    "text", ['{"a": [{"b": 1, "b": 2}]}', '{"a": {"x": {"b": 1, "c": 3, "b": 2}}}']
)
def test_a_key_that_stands_twice_may_be_refused(tmp_path, monkeypatch, text, block):
    monkeypatch.setattr(json_elements, "_BLOCK_BYTES", block)
    path = tmp_path / "a.json"
    path.write_text(text)
    assert len(list(iterate_elements(path))) == 1
    with pytest.raises(InputError, match="expected JSON, found: the key 'b' twice in one object"):
        list(iterate_elements(path, unique_keys=True))
