"""Point-VOS records: lossless, and strict about what they say."""

import copy
import json
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel
from pointvos.formats.point_vos import (
    PointStatus,
    check_foreground,
    check_points_inside,
    parse_record,
    record_to_json,
    simulated_record,
)
from pointvos.formats.point_vos_files import iterate_records, read_records, write_records

HASH = "69e69b3a8b29d92dd94be66c79f82d69"


def point(x=3, y=4, frame="000009", status="ACCEPTED", **more):
    return {"x": x, "y": y, "frame_id": frame, "status": status, "is_fg_candidate": True} | more


def record(**more):
    return {
        "question_hash": HASH,
        "question": "Who throws the egg at the man?",
        "object_name": "baby girl",
        "video_name": "train/False Start! - Best Fails of the Week! (May 2018) _ FailArmy31",
        "annotated_points": [
            point(),
            point(50, 60, status="REJECTED", is_fg_candidate=False),
            point(7, 8, frame="000030", status="AMBIGUOUS"),
            point(9, 9, frame=None),
        ],
    } | more


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
unknown_fields = st.dictionaries(st.text(min_size=1, max_size=5), json_values, max_size=2)


@st.composite
def any_records(draw):
    """Records with unknown fields, nulls, missing optional fields and keys in any order."""
    pixels = draw(
        st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99)), unique=True, max_size=4)
    )
    points = []
    for x, y in pixels:
        value = draw(unknown_fields) | {
            "x": x,
            "y": y,
            "frame_id": draw(st.sampled_from(["000000", "000007", None])),
            "status": draw(st.sampled_from(list(PointStatus))).value,
        }
        if draw(st.booleans()):
            value["is_fg_candidate"] = draw(st.booleans())
        points.append(draw(shuffled(value)))
    value = draw(unknown_fields) | {
        "question_hash": HASH,
        "video_name": draw(st.sampled_from(["train/a video", None])),
        "annotated_points": points,
    }
    if draw(st.booleans()):
        value |= {"question": draw(st.none() | st.text(max_size=5)), "object_name": "ä"}
    if draw(st.booleans()):
        value["object_id"] = draw(st.integers(1, 200))
    return draw(shuffled(value))


def shuffled(value):
    return st.permutations(list(value.items())).map(dict)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_records(), st.sampled_from([".json", ".jsonl"]))
def test_records_are_written_as_they_were_read(tmp_path_factory, value, suffix):
    folder = tmp_path_factory.mktemp("records")
    text = json.dumps({HASH: value})
    first, second = folder / f"a{suffix}", folder / f"b{suffix}"
    first.write_text(text)
    assert write_records(second, iterate_records(first)) == 1
    assert json.dumps(json.loads(second.read_text())) == text


def test_the_two_forms_hold_the_same_records(tmp_path):
    values = {f"{index:032x}": record(question_hash=f"{index:032x}") for index in range(3)}
    (tmp_path / "a.json").write_text(json.dumps(values))
    write_records(tmp_path / "b.jsonl", iterate_records(tmp_path / "a.json"))
    lines = (tmp_path / "b.jsonl").read_text().splitlines()
    assert [list(json.loads(line)) for line in lines] == [[key] for key in values]
    assert read_records(tmp_path / "b.jsonl") == read_records(tmp_path / "a.json")


def test_lines_are_read_one_at_a_time(tmp_path):
    path = tmp_path / "train.jsonl"
    path.write_text(json.dumps({HASH: record()}) + "\n{ broken\n")
    records = iterate_records(path)
    assert next(records).key == HASH
    with pytest.raises(InputError, match=r"train\.jsonl:2: expected one JSON value"):
        next(records)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(any_records())
def test_the_columns_are_the_points_by_frame(value):
    parsed = parse_record(HASH, value, source="a.json")
    columns = parsed.columns()
    for number, (frame, points) in enumerate(parsed.by_frame().items()):
        assert parsed.frame_ids[number] == frame
        here = columns.frame_of == number
        assert columns.pixels[here].tolist() == points.pixels().tolist()
        assert columns.labels[here].tolist() == points.labels.tolist()
    assert (np.diff(columns.frame_of) >= 0).all()
    assert len(columns.frame_of) == sum(map(len, parsed.by_frame().values()))


@pytest.mark.parametrize("suffix", [".json", ".jsonl"])
def test_memory_is_that_of_a_record(tmp_path, suffix):
    """60 MB are read with less than half of them in memory."""
    path = tmp_path / f"train{suffix}"
    with path.open("w") as out:
        for number in range(300):
            key = f"{number:032x}"
            line = json.dumps({key: record(question_hash=key, question="?" * 200_000)})
            if suffix == ".json":
                line = line[:-1].replace("{", ", " if number else "{", 1)
            out.write(line + "\n")
        out.write("}" * (suffix == ".json"))
    assert path.stat().st_size > 60_000_000
    tracemalloc.start()
    try:
        assert sum(1 for _ in iterate_records(path)) == 300
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 25_000_000


def test_points_come_by_frame():
    parsed = parse_record(HASH, record(), source="a.json")
    assert parsed.frame_ids == ["000009", "000030"]
    points = parsed.points("000009")
    assert points.xy.tolist() == [[3.5, 4.5], [50.5, 60.5]]
    assert points.labels.tolist() == [PointLabel.FOREGROUND, PointLabel.BACKGROUND]
    assert parsed.points("000030").labels.tolist() == [PointLabel.AMBIGUOUS]
    assert len(parsed.points("000031")) == 0
    assert parsed.by_frame().keys() == {"000009", "000030"}


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("status", "MAYBE", r"status: expected ACCEPTED, REJECTED, AMBIGUOUS, found 'MAYBE'"),
        ("status", "accepted", r"status: expected ACCEPTED, .*, found 'accepted'"),
        ("status", ["ACCEPTED"], r"status: expected ACCEPTED"),
        ("status", None, r"status: expected ACCEPTED"),
        ("x", 3.5, r"x: expected an integer pixel >= 0, found 3\.5"),
        ("x", "3", r"x: expected an integer pixel"),
        ("x", True, r"x: expected an integer pixel"),
        ("x", -1, r"x: expected an integer pixel"),
        ("y", 10**30, r"y: expected an integer pixel"),
        ("y", None, r"y: expected an integer pixel"),
        ("frame_id", 9, r"frame_id: expected text or null, found 9"),
        ("is_fg_candidate", "yes", r"is_fg_candidate: expected true or false"),
    ],
)
def test_a_bad_point_is_named_down_to_its_field(field, value, message):
    bad = record()
    bad["annotated_points"][1][field] = value
    with pytest.raises(InputError, match=rf"^a\.json: {HASH}\.annotated_points\[1\]\.{message}"):
        parse_record(HASH, bad, source="a.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"question_hash": "other"},
            r"question_hash: expected the key of the record, found 'other'",
        ),
        ({"annotated_points": {}}, r"annotated_points: expected a list"),
        ({"annotated_points": [5]}, r"annotated_points\[0\]: expected a point, found 5"),
        ({"video_name": "../../etc/passwd"}, r"video_name: expected a name inside the data folder"),
        ({"video_name": "/etc/passwd"}, r"video_name: expected a name inside the data folder"),
        ({"video_name": 5}, r"video_name: expected text or null, found 5"),
        ({"object_name": ["a"]}, r"object_name: expected text or null"),
        ({"object_id": "1"}, r"object_id: expected an integer > 0"),
        ({"object_id": 0}, r"object_id: expected an integer > 0"),
    ],
)
def test_a_bad_record_is_named_down_to_its_field(change, message):
    with pytest.raises(InputError, match=rf"^a\.json: {HASH}\.{message}"):
        parse_record(HASH, record(**change), source="a.json")


@pytest.mark.parametrize("field", ["video_name", "annotated_points"])
def test_a_missing_field_is_named(field):
    bad = record()
    del bad[field]
    with pytest.raises(InputError, match=rf"{HASH}\.{field}: expected this field, found none"):
        parse_record(HASH, bad, source="a.json")


@pytest.mark.parametrize("field", ["x", "y", "frame_id", "status"])
def test_a_missing_field_of_a_point_is_named(field):
    bad = record()
    del bad["annotated_points"][2][field]
    with pytest.raises(InputError, match=rf"annotated_points\[2\]\.{field}: expected this field"):
        parse_record(HASH, bad, source="a.json")


def test_a_pixel_is_annotated_once_a_frame():
    value = record(annotated_points=[point(), point(status="REJECTED")])
    with pytest.raises(
        InputError, match=r"annotated_points\[1\]: .* \(3, 4\) of frame 000009 at \[0\]"
    ):
        parse_record(HASH, value, source="a.json")
    elsewhere = record(annotated_points=[point(), point(frame="000010"), point(frame=None)] * 1)
    assert len(parse_record(HASH, elsewhere, source="a.json").annotated_points) == 3


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.jsonl", '{"k": 5}', r"a\.jsonl:1: k: expected a record, found 5"),
        ("a.jsonl", "[]", r"a\.jsonl:1: expected an object with one key, found another value"),
        ("a.jsonl", "{}", r"a\.jsonl:1: expected an object with one key, found 0 keys"),
        ("a.jsonl", '{"a": 1, "b": 2}', r"a\.jsonl:1: expected an object with one key, found 2"),
        ("a.json", "[]", r"a\.json: expected '\{', found '\['"),
        ("a.json", '{"k": []}', r"a\.json: k: expected a record, found \[\]"),
        ("a.json", '{"k": [{}, 2]}', r"a\.json: k: expected a record, found \[\{\}\]"),
        ("a.json", '{"k": {"x": 1, "x": 2}}', r"a\.json: .*the key 'x' twice in one object"),
        ("a.json", json.dumps({HASH: record()})[:-1], r"a\.json: expected ',', found the end"),
        ("a.json", '{"k": 5}', r"a\.json: k: expected a record, found 5"),
        ("a.json", "{}", r"a\.json: expected records, found none"),
        ("a.jsonl", "\n", r"a\.jsonl: expected records, found none"),
        (
            "a.json",
            f'{{"{HASH}": {json.dumps(record())}, "{HASH}": {json.dumps(record())}}}',
            rf"a\.json: .*'{HASH}' twice",
        ),
        ("a.json", json.dumps(record()), r"a\.json: expected \{key: record\}, found a record"),
        ("a.csv", "", r"a\.csv: expected a file name that ends in \.json or \.jsonl"),
    ],
)
def test_files_that_hold_no_records_are_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(InputError, match=message):
        read_records(tmp_path / name)


def test_a_key_on_two_lines_is_refused(tmp_path):
    line = json.dumps({HASH: record()})
    (tmp_path / "a.jsonl").write_text(f"{line}\n\n{line}\n")
    with pytest.raises(InputError, match=rf"a\.jsonl:3: .*'{HASH}' on line 1 as well"):
        read_records(tmp_path / "a.jsonl")


def test_a_failed_write_leaves_nothing(tmp_path):
    parsed = parse_record(HASH, record(), source="a.json")
    with pytest.raises(ValueError, match="expected every key once"):
        write_records(tmp_path / "a.json", [parsed, parsed])
    assert not list(tmp_path.iterdir())


def test_points_outside_the_frame_are_named():
    parsed = parse_record(HASH, record(), source="a.json")
    check_points_inside(parsed, height=61, width=51, source="a.json")
    message = r"^a\.json: video train/False.*, frame 000009: .* inside 51x60, found \(50, 60\)"
    with pytest.raises(InputError, match=message):
        check_points_inside(parsed, height=60, width=51, source="a.json")
    with pytest.raises(InputError, match=r"inside 50x61"):
        check_points_inside(parsed, height=61, width=50, source="a.json")


def test_an_object_without_foreground_is_named():
    check_foreground(parse_record(HASH, record(), source="a.json"), source="a.json")
    value = copy.deepcopy(record())
    value["annotated_points"] = value["annotated_points"][1:]  # one is left, on no frame
    with pytest.raises(InputError, match=rf"object {HASH}: expected at least one foreground point"):
        check_foreground(parse_record(HASH, value, source="a.json"), source="a.json")


def test_simulated_records_follow_the_same_schema():
    simulated = simulated_record(
        video="bike",
        object_id=3,
        object_name="rider",
        frames=[("00000", np.array([[1, 2]]), np.array([[5, 6], [7, 8]]))],
    )
    value = json.loads(json.dumps(record_to_json(simulated)))
    assert value == {
        "question_hash": "bike/3",
        "question": "",
        "object_name": "rider",
        "video_name": "bike",
        "object_id": 3,
        "annotated_points": [
            point(1, 2, "00000"),
            point(5, 6, "00000", "REJECTED", is_fg_candidate=False),
            point(7, 8, "00000", "REJECTED", is_fg_candidate=False),
        ],
    }
    assert parse_record("bike/3", value, source="a.json") == simulated
