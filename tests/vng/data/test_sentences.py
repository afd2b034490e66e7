"""Sentences around nouns."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vng.data.sentences import (
    NounPhrase,
    article,
    one_of_a_kind,
    placed,
    several,
    tell,
    uncounted,
)

WORDS = st.text("abcdefghijklmnopqrstuvwxyzAB éß'-", min_size=1, max_size=12).filter(
    lambda word: bool(word.strip())
)
PHRASES = st.builds(
    NounPhrase,
    before=st.sampled_from(["", "a ", "the left ", "two "]),
    noun=WORDS,
    after=st.sampled_from(["", " on the right", " at the top"]),
    behind=st.booleans(),
    kind=st.sampled_from([None, "animal", "person", "vehicle", "object"]),
    many=st.booleans(),
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


@settings(deadline=None)
@given(st.lists(PHRASES, min_size=1, max_size=9), st.integers(0, 2**32))
def test_every_span_is_its_noun(phrases: list[NounPhrase], seed: int) -> None:
    told = tell(phrases, rng(seed))
    assert len(told.spans) == len(phrases)
    for phrase, (start, end) in zip(phrases, told.spans, strict=True):
        noun = told.text[start:end]
        assert noun[1:] == phrase.noun[1:]
        assert noun[0] in (phrase.noun[0], phrase.noun[0].upper())  # it may start a sentence
        assert told.text[end:].startswith(phrase.after)
        assert told.text[:start].lower().endswith(phrase.before)
    ordered = sorted(told.spans)
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(ordered))
    assert "{" not in told.text


def test_texts_vary_in_wording_and_length() -> None:
    phrases = [NounPhrase("a ", "dog", kind="animal"), NounPhrase("the ", "grass", behind=True)]
    texts = {tell(phrases, rng(seed)).text for seed in range(300)}
    assert len(texts) > 200
    assert any(text == "a dog, the grass" for text in texts)  # no sentence at all
    assert any(" ." in text for text in texts)  # as COCO-PNG is written
    assert min(map(len, texts)) < 20
    assert max(map(len, texts)) > 80
    openings = {text.split()[0] for text in texts}
    assert len(openings) > 8


def test_sentences_start_with_a_capital_and_end() -> None:
    phrases = [NounPhrase("a ", noun, kind="animal") for noun in ("dog", "cat", "cow")]
    for seed in range(200):
        text = tell(phrases, rng(seed)).text
        if text.endswith("."):
            starts = [text[0], *re.findall(r"\. (\S)", text)]
            assert all(letter.isupper() for letter in starts), text


def test_the_same_generator_tells_the_same() -> None:
    phrases = [NounPhrase("a ", "dog"), NounPhrase("", "cars", many=True)]
    assert tell(phrases, rng(3)) == tell(phrases, rng(3))
    assert tell(phrases, rng(3)) != tell(phrases, rng(4))


def test_the_verb_has_the_number_of_its_noun() -> None:
    texts = [tell([NounPhrase("", "cars", many=True)], rng(seed)).text for seed in range(200)]
    assert any("there are" in text.lower() for text in texts)
    assert not any("there is" in text.lower() for text in texts)


def test_nothing_to_tell() -> None:
    with pytest.raises(ValueError, match="expected at least one noun to tell of, found none"):
        tell([], rng())


def test_articles() -> None:
    befores = {one_of_a_kind("apple", rng(seed))[0] for seed in range(50)}
    assert befores == {"an ", "the ", "one ", ""}
    assert article("European robin") == "a"
    assert article("Indian cobra") == "an"


@pytest.mark.parametrize(
    ("count", "said", "never"),
    [
        (2, {"both ", "two ", "the two "}, {"several ", "many "}),
        (4, {"several ", "four ", "the four "}, {"both ", "many "}),
        (9, {"several ", "many ", "a lot of "}, {"both "}),
        (0, {"several ", "some "}, {"both ", "two ", "many "}),
    ],
)
def test_plurals_say_true_numbers(count: int, said: set[str], never: set[str]) -> None:
    befores = {several("dogs", count, rng(seed))[0] for seed in range(200)}
    assert said <= befores
    assert not never & befores


def test_nouns_without_a_number() -> None:
    assert {uncounted("grass", rng(seed))[0] for seed in range(50)} == {"", "the ", "some "}


def test_places_compare_with_one_or_with_several() -> None:
    two = {"".join(placed("dog", "left", 1, rng(seed))) for seed in range(50)}
    more = {"".join(placed("dog", "left", 3, rng(seed))) for seed in range(50)}
    assert "the left dog" in two
    assert "the leftmost dog" in more - two
    assert {placed("dog", "large", 1, rng(seed))[0] for seed in range(50)} == {
        "the larger ",
        "the bigger ",
        "the large ",
    }
    assert all(placed("dog", "middle", 2, rng(seed))[1] == "dog" for seed in range(5))
