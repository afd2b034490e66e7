"""Narratives keep every field, and errors name it."""

import json
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from pointvos.vidln.narrative_json import narrative_to_json, parse_narrative
from tests.vidln.narratives import CAPTION, RECORDING_START, actor, narrative, point


def test_every_field_is_typed() -> None:
    parsed = parse_narrative(narrative(), source="a.jsonl:1")
    assert (parsed.vidln_id, parsed.dataset_id, parsed.video_id) == (7, "pets_train", "clip 7")
    assert parsed.keyframe_names == ("000003", "000013", "000023")
    assert parsed.annotator_id == 103
    (dog,) = parsed.actor_narratives
    assert (dog.actor_name, dog.caption, dog.keyframe_selection) == ("Dog", CAPTION, (0, 1, 2))
    assert (dog.recording_start_ms, dog.traces_start_ms) == (
        RECORDING_START,
        RECORDING_START - 300,
    )
    assert dog.noun_segments == ((2, 5), (19, 23))
    assert dog.recording_filename == "recordings/pets/7_0.webm"
    assert dog.time_alignment is not None
    word = dog.time_alignment[1]
    assert (word.start_ms, word.end_ms, word.text, word.start, word.end) == (500, 700, "dog", 2, 5)
    assert dog.traces is not None
    assert [len(part) for part in dog.traces] == [3, 3, 2]
    part = dog.traces[1]
    np.testing.assert_array_equal(part.xy, np.float32([[0.3, 0.3], [0.7, 0.6], [0.8, 0.6]]))
    assert (part.xy.dtype, part.time_ms.dtype, part.keyframe.dtype) == (
        np.float32,
        np.int64,
        np.int64,
    )
    assert part.time_ms.tolist() == [RECORDING_START + ms for ms in (800, 999, 1000)]
    assert part.keyframe.tolist() == [2, 2, 2]


def changed_everywhere() -> dict[str, Any]:
    """A narrative with unknown fields at every level, and its keys in another order."""
    value = narrative()
    value["licence"] = {"name": "CC BY 4.0"}
    one = value["actor_narratives"][0]
    one["mood"] = None
    one["time_alignment"][2]["confidence"] = 0.5
    one["traces"][1][2]["pressure"] = 0.25
    return json.loads(json.dumps(dict(reversed(value.items()))))


LOSSLESS = {
    "as published": narrative(),
    "unknown fields": changed_everywhere(),
    "all fields null": narrative(dict.fromkeys(actor())),
    "no fields": narrative({}),
    "empty lists": narrative(
        actor(traces=[], noun_segments=[], time_alignment=[], keyframe_selection_indices=[])
    ),
    "an empty part": narrative(actor(traces=[[], [point(0, 1, 0)]])),
    "no actors": narrative() | {"actor_narratives": []},
    "annotator by name": narrative(annotator_id="ann"),
    "many digits": narrative(actor(traces=[[point(0.12345678901234567, 1 / 3, 0)]])),
    "off the frame": narrative(actor(traces=[[point(-0.5, 1.5, -(10**12), 99)]])),
    "Unicode": narrative(actor(caption="A 👩‍👩‍👧 e\u0301 dog", time_alignment=None)),
}


@pytest.mark.parametrize("value", LOSSLESS.values(), ids=LOSSLESS)
def test_a_narrative_is_written_back_as_it_was(value: dict[str, Any]) -> None:
    before = deepcopy(value)
    written = narrative_to_json(parse_narrative(value, source="a.jsonl:1"))
    assert written == before
    assert value == before  # what was given is not touched
    for old, new in [
        (before, written),
        *zip(before["actor_narratives"], written["actor_narratives"], strict=True),
    ]:
        assert list(old) == list(new)


@settings(max_examples=50)
@given(
    st.lists(
        st.lists(
            st.tuples(
                st.floats(-2, 3), st.floats(-2, 3), st.integers(0, 10**6), st.integers(-1, 12)
            ),
            max_size=5,
        ),
        max_size=4,
    )
)
def test_any_trace_is_written_back_as_it_was(
    parts: list[list[tuple[float, float, int, int]]],
) -> None:
    value = narrative(actor(traces=[[point(*one) for one in part] for part in parts]))
    assert narrative_to_json(parse_narrative(value, source="a.jsonl:1")) == value


def with_(path: list[Any], item: Any) -> dict[str, Any]:
    """A narrative with one field replaced, or removed by `...`."""
    value: Any = narrative()
    holder = value
    for step in path[:-1]:
        holder = holder[step]
    if item is ...:
        del holder[path[-1]]
    else:
        holder[path[-1]] = item
    return value


DOG = ["actor_narratives", 0]
WORD = [*DOG, "time_alignment", 1]
POINT = [*DOG, "traces", 1, 2]
WRONG = {
    "a list": ([], r"a\.jsonl:3: narrative: expected an object, found a list of 0"),
    "no id": (with_(["vidln_id"], ...), r"narrative\.vidln_id: expected this field, found none"),
    "null id": (with_(["vidln_id"], None), r"narrative\.vidln_id: expected an integer"),
    "true id": (with_(["vidln_id"], True), r"narrative\.vidln_id: expected an integer.*True"),
    "huge id": (with_(["vidln_id"], 10**30), r"vidln_id: .*found a number beyond ±2\^53"),
    "null video": (with_(["video_id"], None), r"narrative\.video_id: expected text, found None"),
    "video outside": (with_(["video_id"], "../up"), r"video_id: expected a name inside"),
    "key-frame outside": (
        with_(["keyframe_names", 1], "/etc/x"),
        r"keyframe_names\[1\]: expected a name inside",
    ),
    "key-frame null": (with_(["keyframe_names", 2], None), r"keyframe_names\[2\]: expected text"),
    "key-frames text": (with_(["keyframe_names"], "a"), r"keyframe_names: expected a list"),
    "annotator list": (with_(["annotator_id"], [1]), r"annotator_id: expected a number or text"),
    "actors null": (with_(["actor_narratives"], None), r"narrative\.actor_narratives: .*a list"),
    "actor text": (with_(DOG, "Dog"), r"a\.jsonl:3: actor_narratives\[0\]: expected an object"),
    "caption number": (with_([*DOG, "caption"], 5), r"\[0\]\.caption: expected text, found 5"),
    "caption endless": (
        with_([*DOG, "caption"], "a" * 100_001),
        r"\[0\]\.caption: expected text of at most 100000 characters, found 100001",
    ),
    "caption surrogate": (
        with_([*DOG, "caption"], "a \ud83d dog"),
        r"\[0\]\.caption: expected Unicode text, found half a surrogate pair",
    ),
    "noun of three": (
        with_([*DOG, "noun_segments", 1], [1, 2, 3]),
        r"\[0\]\.noun_segments\[1\]: expected \[start, end\], found a list of 3",
    ),
    "noun of text": (with_([*DOG, "noun_segments", 1], ["a", 2]), r"segments\[1\]\[0\]: expected"),
    "selection": (
        with_([*DOG, "keyframe_selection_indices", 0], 1.5),
        r"selection_indices\[0\]: expected an integer.*found 1\.5",
    ),
    "word without start": (
        with_([*WORD, "start_ms"], ...),
        r"actor_narratives\[0\]\.time_alignment\[1\]\.start_ms: expected this field",
    ),
    "word nan": (
        with_([*WORD, "end_ms"], float("nan")),
        r"alignment\[1\]\.end_ms: expected an int",
    ),
    "traces object": (with_([*DOG, "traces"], {}), r"\[0\]\.traces: expected a list"),
    "part object": (with_([*DOG, "traces", 1], {}), r"\[0\]\.traces\[1\]: expected a list of pos"),
    "point null": (with_(POINT, None), r"\[0\]\.traces\[1\]\[2\]: expected an object"),
    "point list": (with_(POINT, [0, 0]), r"\[0\]\.traces\[1\]\[2\]: expected an object"),
    "no x": (with_([*POINT, "x"], ...), r"traces\[1\]\[2\]\.x: expected this field, found none"),
    "null y": (with_([*POINT, "y"], None), r"traces\[1\]\[2\]\.y: expected a share of the frame"),
    "x text": (with_([*POINT, "x"], "0.5"), r"traces\[1\]\[2\]\.x: expected a share"),
    "x true": (with_([*POINT, "x"], True), r"traces\[1\]\[2\]\.x: expected a share.*True"),
    "x nan": (with_([*POINT, "x"], float("nan")), r"traces\[1\]\[2\]\.x: .*found nan"),
    "y inf": (with_([*POINT, "y"], float("inf")), r"traces\[1\]\[2\]\.y: .*found inf"),
    "x far": (with_([*POINT, "x"], 1e300), r"traces\[1\]\[2\]\.x: .*found 1e\+300"),
    "x huge": (with_([*POINT, "x"], 10**400), r"traces\[1\]\[2\]\.x: .*a number beyond"),
    "time huge": (
        with_([*POINT, "time_ms_since_epoch"], 10**25),
        r"traces\[1\]\[2\]\.time_ms_since_epoch: .*found a number beyond",
    ),
    "time beyond": (
        with_([*POINT, "time_ms_since_epoch"], 2**60),
        r"traces\[1\]\[2\]\.time_ms_since_epoch: .*found a number beyond",
    ),
    "time least": (
        with_([*POINT, "time_ms_since_epoch"], -(2**63)),
        r"traces\[1\]\[2\]\.time_ms_since_epoch: .*found a number beyond",
    ),
    "time null": (
        with_([*POINT, "time_ms_since_epoch"], None),
        r"traces\[1\]\[2\]\.time_ms_since_epoch: expected an integer",
    ),
    "key-frame 1.5": (with_([*POINT, "kf_idx"], 1.5), r"traces\[1\]\[2\]\.kf_idx: .*found 1\.5"),
}


@pytest.mark.parametrize(("value", "message"), WRONG.values(), ids=WRONG)
def test_errors_name_file_line_and_field(value: Any, message: str) -> None:
    with pytest.raises(InputError, match=message) as error:
        parse_narrative(value, source="a.jsonl:3")
    assert str(error.value).startswith("a.jsonl:3: ")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


def test_whole_numbers_may_be_written_with_a_point() -> None:
    value = with_([*POINT, "kf_idx"], 1.0)
    value["actor_narratives"][0]["time_alignment"][1]["start_ms"] = 500.0
    (dog,) = parse_narrative(value, source="a").actor_narratives
    assert dog.traces is not None
    assert dog.traces[1].keyframe.tolist() == [2, 2, 1]
    assert dog.time_alignment is not None
    assert dog.time_alignment[1].start_ms == 500
