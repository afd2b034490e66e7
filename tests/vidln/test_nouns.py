"""Nouns, with spans into the caption as it is."""

from pathlib import Path

import pytest
import spacy

from pointvos.core.errors import InputError
from pointvos.vidln import nouns
from pointvos.vidln.nouns import Noun, NounFinder


def texts(finder: NounFinder, caption: str) -> list[str]:
    found = finder.find(caption)
    assert all(caption[one.start : one.end] == one.text for one in found)
    return [one.text for one in found]


def test_a_noun_has_everything_that_linking_needs(finder: NounFinder) -> None:
    caption = "Two white dogs carry the champagne bucket."
    assert finder.find(caption) == (
        Noun(10, 14, "dogs", "dog", "dogs", "dog", 0, 14, heads_chunk=True),
        Noun(
            25, 41, "champagne bucket", "champagne bucket", "bucket", "bucket", 21, 41,
            heads_chunk=True,
        ),
    )  # fmt: skip


CAPTIONS = {
    "A group of people is cycling on the grey road.": ["group", "people", "road"],
    "A boy is blowing a dragon whistle beside a street lamp.": [
        "boy",
        "dragon whistle",
        "street lamp",
    ],
    "A man wearing a black t-shirt is standing.": ["man", "t-shirt"],
    "Children ride the merry-go-round.": ["Children", "merry-go-round"],
    "A man in T-shirts and a woman": ["man", "T-shirts", "woman"],
    "A red box moves.": ["box"],
    "A swan with a red beak glides past.": ["swan", "beak"],
    "A man with champagne glasses drives sports cars.": ["man", "champagne glasses", "sports cars"],
    "He is running quickly.": [],
    "": [],
    "   ": [],
    "\n\t": [],
}


@pytest.mark.parametrize(("caption", "expected"), CAPTIONS.items())
def test_nouns_are_compounds_without_adjectives(
    finder: NounFinder, caption: str, expected: list[str]
) -> None:
    assert texts(finder, caption) == expected


def test_lemmas_are_in_lower_case_and_change_the_head_alone(finder: NounFinder) -> None:
    (shirts, buckets) = finder.find("We see white T-shirts and two paint buckets.")
    assert (shirts.text, shirts.lemma, shirts.head_lemma) == ("T-shirts", "t-shirt", "shirt")
    assert (buckets.text, buckets.lemma) == ("paint buckets", "paint bucket")
    assert (buckets.head, buckets.head_lemma) == ("buckets", "bucket")


def test_a_verb_that_was_taken_for_a_noun_is_not_in_the_chunk(finder: NounFinder) -> None:
    caption = "A man in a dark helmet leans back."
    helmet = finder.find(caption)[1]
    assert (helmet.text, helmet.head, helmet.heads_chunk) == ("helmet", "helmet", True)
    assert caption[helmet.chunk_start : helmet.chunk_end] == "a dark helmet"


def test_the_chunk_says_what_it_names(finder: NounFinder) -> None:
    caption = "A boy takes the second man's hat."
    found = {one.text: one for one in finder.find(caption)}
    assert found["boy"].heads_chunk
    assert found["hat"].heads_chunk
    assert not found["man"].heads_chunk
    for name in ("man", "hat"):
        chunk = caption[found[name].chunk_start : found[name].chunk_end]
        assert chunk == "the second man's hat"


@pytest.mark.parametrize(
    "before", ["👩‍👩‍👧‍👦 ", "🐕🐕 ", "cafe\u0301 ", "  ", "\n", "\u200f", "한 "],
    ids=["family", "two emoji", "combining", "blanks", "line break", "mark", "jamo"],
)  # fmt: skip
def test_spans_are_into_the_caption_as_it_is(finder: NounFinder, before: str) -> None:
    caption = before + "A brown tiger is fighting with the other tiger."
    found = [one for one in finder.find(caption) if one.text == "tiger"]
    starts = [len(before) + 8, len(before) + 41]
    assert [(one.start, one.end) for one in found] == [(start, start + 5) for start in starts]
    assert all(caption[one.start : one.end] == "tiger" for one in found)


def test_captions_in_bulk_are_as_one_by_one(finder: NounFinder) -> None:
    captions = ["A dog barks.", "", "Two cats sleep on a sofa."]
    assert list(finder.find_all(captions)) == [finder.find(caption) for caption in captions]


def test_the_pipeline_is_named_with_its_version(finder: NounFinder) -> None:
    name, version = finder.pipeline.split()
    assert name in {nouns.DEFAULT_PIPELINE, *nouns.STAND_INS.values()}
    assert version[0].isdigit()


def test_a_missing_pipeline_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        InputError, match=r"xx_none_sm: .*python -m spacy download xx_none_sm"
    ) as error:
        NounFinder("xx_none_sm")
    assert "\n" not in str(error.value)
    monkeypatch.setattr(nouns, "STAND_INS", {"en_core_web_none": "en_core_web_nowhere"})
    with pytest.raises(
        InputError,
        match=r"en_core_web_none: expected a spaCy pipeline .* install one: "
        r"pip install 'pointvos\[lite\]', or python -m spacy download en_core_web_none",
    ):
        NounFinder("en_core_web_none")


def test_a_pipeline_must_have_all_parts(tmp_path: Path) -> None:
    spacy.blank("en").to_disk(tmp_path / "blank")
    with pytest.raises(InputError, match=r"blank: expected .* a tagger, a parser .* parts none"):
        NounFinder(str(tmp_path / "blank"))
    (tmp_path / "blank" / "config.cfg").write_text("[nlp]\nlang = 3")
    with pytest.raises(InputError, match="blank: expected a spaCy pipeline that can be loaded"):
        NounFinder(str(tmp_path / "blank"))
