"""What the categories of COCO are called."""

import json
from pathlib import Path

import pytest

from vng.data.coco_words import SHARED, WORDS, alike, meaning, words_of


def test_forms_of_a_category() -> None:
    assert words_of("bus") == (("bus",), ("buses",), ())
    assert words_of("cow").many == ("cows", "cattle")
    assert words_of("sky-other-merged") == (("sky",), (), ())
    assert words_of("grass-merged") == (("lawn",), (), ("grass",))
    assert words_of("gravel") == ((), (), ("gravel",))
    assert words_of("lamp_post").one == ("lamp post",)  # of another data set


def test_every_category_has_a_word_and_none_is_empty() -> None:
    for category, words in WORDS.items():
        assert any(words), category
        assert all(word and word == word.strip() for form in words for word in form), category


def test_words_of_several_categories() -> None:
    assert "wall-brick" in meaning("wall")
    assert meaning("walls") == meaning("wall")
    assert meaning("brick wall") == frozenset()
    assert {"dog", "bird"} < meaning("animals")
    for shared in SHARED:
        assert shared.categories <= WORDS.keys()


def test_what_may_be_taken_for_another() -> None:
    assert "pizza" in alike("food-other-merged")
    assert "food-other-merged" in alike("pizza")
    assert alike("person") == {"person"}
    assert all(alike(category) <= WORDS.keys() for category in WORDS)


@pytest.mark.data
def test_they_are_the_categories_of_coco(data_dir: Path) -> None:
    content = json.loads((data_dir / "coco_panoptic/annotations/panoptic_val2017.json").read_text())
    assert {row["name"] for row in content["categories"]} == set(WORDS)
