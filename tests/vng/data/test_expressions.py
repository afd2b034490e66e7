"""meta_expressions.json: read, refused, written."""

import json
from pathlib import Path
from typing import Any

import pytest

from pointvos.core.errors import InputError
from vng.data.expressions import read_expressions, write_expressions

TEXT = "A \U0001f415 dog chases a cat."


def video(**changes: Any) -> dict[str, Any]:
    narrative = {"actor_idx": 4, "actor_name": "Dog", "description": TEXT, "mood": "calm"}
    first = {
        "narrative_actor_idx": 0,
        "noun_phrase_start_idx": 4,
        "noun_phrase_end_idx": 7,
        "obj_id": 1234567890123456789,
        "mask_is_union": True,
    }
    second = {**first, "noun_phrase_start_idx": 17, "noun_phrase_end_idx": 20, "obj_id": 2}
    return {
        "frames": ["00000", "00005"],
        "actor_narratives": [narrative],
        "expressions": {"0": first, "1": second},
        "length": 2,
        **changes,
    }


def write(path: Path, **videos: Any) -> Path:
    path.write_text(json.dumps({"videos": videos}), encoding="utf-8")
    return path


def expression(**changes: Any) -> dict[str, Any]:
    return {"expressions": {"0": {**video()["expressions"]["0"], **changes}}}


def test_read(tmp_path: Path) -> None:
    (one,) = read_expressions(write(tmp_path / "meta.json", clip=video()))
    assert (one.name, one.frames) == ("clip", ("00000", "00005"))
    assert [one.noun(expression) for expression in one.expressions] == ["dog", "cat"]
    assert one.expressions[0].obj_id == 1234567890123456789
    assert one.expressions[0].other == {"mask_is_union": True}
    assert one.narratives[0].other == {"mood": "calm"}


def test_written_again_it_is_the_same_file(tmp_path: Path) -> None:
    first = write(tmp_path / "a.json", clip=video(), **{"folder/clip": video()})
    write_expressions(tmp_path / "b.json", read_expressions(first))
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8")) == json.loads(
        first.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"frames": ["1", "1"]}, "every frame once, found '1' twice"),
        ({"frames": ["../1"]}, r"\.\./1"),
        ({"frames": [1]}, "frames: expected names, found 1"),
        ({"frames": None}, "frames: expected list, found None"),
        ({"actor_narratives": {}}, "actor_narratives: expected list"),
        ({"actor_narratives": ["x"]}, r"actor_narratives\[0\]: expected a narrative"),
        ({"actor_narratives": []}, "0.narrative_actor_idx: expected one of 0 narratives"),
        ({"expressions": {"1": {}}}, "without a gap, found no 0"),
        ({"expressions": {"0": 3}}, "0: expected an expression, found 3"),
        (expression(noun_phrase_end_idx=99), "inside the 21 characters .* found 4 to 99"),
        (expression(noun_phrase_end_idx=4), "found 4 to 4"),
        (expression(noun_phrase_start_idx=-1), "found -1 to 7"),
        (expression(narrative_actor_idx=-1), "narrative_actor_idx: expected one of 1 .*found -1"),
        (expression(obj_id="7"), "obj_id: expected int, found '7'"),
        (expression(obj_id=True), "obj_id: expected int, found True"),
    ],
)
def test_what_does_not_fit_is_refused(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as refused:
        read_expressions(write(tmp_path / "meta.json", clip=video(**changes)))
    assert "clip" in str(refused.value)


@pytest.mark.parametrize("content", ["[]", "{}", '{"videos": {}}', '{"videos": {"../x": {}}}'])
def test_other_files_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "meta.json"
    path.write_text(content)
    with pytest.raises(InputError):
        read_expressions(path)


def test_what_could_not_be_read_is_not_written(tmp_path: Path) -> None:
    (one,) = read_expressions(write(tmp_path / "a.json", clip=video()))
    with pytest.raises(InputError, match="'clip' twice"):
        write_expressions(tmp_path / "b.json", [one, one])
    assert not (tmp_path / "b.json").exists()


@pytest.mark.data
@pytest.mark.parametrize(
    ("folder", "videos", "expressions"),
    [("davis16_vng/train", 30, 51), ("davis16_vng/val", 10, 18), ("ytvos_vng", 4, 11)],
)
def test_real_sets(data_dir: Path, folder: str, videos: int, expressions: int) -> None:
    found = read_expressions(data_dir / folder / "meta_expressions.json")
    assert len(found) == videos
    assert sum(len(one.expressions) for one in found) == expressions
    for one in found:
        for expression in one.expressions:
            noun = one.noun(expression)
            assert noun.strip() == noun
            assert noun.replace(" ", "").isalpha()
