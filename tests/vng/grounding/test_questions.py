"""What a user gives becomes a question, or one line says why not."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from pointvos.vidln.nouns import DEFAULT_PIPELINE
from vng.grounding.grounded import NounQuestion
from vng.grounding.questions import (
    noun_finder,
    question_of_caption,
    question_of_nouns,
    question_of_spans,
)

CAPTION = "A man walks behind another man who rides a red car."


def nouns(question: NounQuestion) -> list[str]:
    assert list(question.spans) == sorted(set(question.spans))
    return [question.text[start:end] for start, end in question.spans]


CAPTIONS = {
    CAPTION: ["man", "man", "car"],
    "A dog on the left side of the road": ["dog", "road"],
    "In this picture a man holds a picture": ["man", "picture"],
    "This  black and white image shows a side mirror": ["side mirror"],
    "The camera moves to a champagne bucket in the background.": ["champagne bucket"],
    "DOG": ["DOG"],
    "\U0001f415 \U0001f415\u200d\U0001f9ba a cafe\u0301 with a dog": ["cafe\u0301", "dog"],
    "  A dog \n": ["dog"],
}


@pytest.mark.parametrize(("caption", "expected"), CAPTIONS.items())
def test_all_nouns_of_a_caption_that_are_things(caption: str, expected: list[str]) -> None:
    question = question_of_caption(caption, name="Actor")
    assert nouns(question) == expected
    assert (question.text, question.name) == (caption, "Actor")


def test_the_list_of_nouns_that_are_no_things_may_be_another() -> None:
    caption = "A dog on the left side"
    assert nouns(question_of_caption(caption, stop_nouns=())) == ["dog", "side"]
    assert nouns(question_of_caption(caption, stop_nouns=("dog",))) == ["side"]


def test_the_pipeline_is_loaded_once() -> None:
    question_of_caption("A dog")
    loaded = noun_finder(DEFAULT_PIPELINE)
    question_of_caption("A cat")
    assert noun_finder(DEFAULT_PIPELINE) is loaded


NOUNS = [
    (["man"], [(2, 5)]),
    (["man", "man"], [(2, 5), (27, 30)]),
    (["red car", "MAN"], [(2, 5), (43, 50)]),
    (["car", "red car"], [(43, 50), (47, 50)]),  # there is one car: the one in the red car
    (["red  car", "another man", "man"], [(2, 5), (19, 30), (43, 50)]),
    ([" man ", "another man", "man"], [(2, 5), (19, 30), (27, 30)]),
]


@pytest.mark.parametrize(("words", "spans"), NOUNS)
def test_nouns_as_words(words: list[str], spans: list[tuple[int, int]]) -> None:
    question = question_of_nouns(CAPTION, words, name="one")
    assert question == NounQuestion(CAPTION, tuple(spans), "one")


def test_a_car_beside_a_red_car_is_another_car() -> None:
    for words in (["car", "red car"], ["red car", "car"]):
        question = question_of_nouns("A red car hits a car.", words)
        assert question.spans == ((2, 9), (17, 20))


@pytest.mark.parametrize("caption", [None, "", " \n"])
def test_without_a_caption_it_is_the_nouns(caption: str | None) -> None:
    question = question_of_nouns(caption, ["man", " red car", "man"])
    assert question == NounQuestion("man, red car, man", ((0, 3), (5, 12), (14, 17)))


def test_spans_are_ordered_and_may_overlap() -> None:
    question = question_of_spans(CAPTION, [(47, 50), (2, 5), (43, 50)])
    assert question == NounQuestion(CAPTION, ((2, 5), (43, 50), (47, 50)))
    assert nouns(question) == ["man", "red car", "car"]


BAD = {
    "empty": (lambda: question_of_caption(""), "expected a caption with words, found an empty one"),
    "blanks": (lambda: question_of_caption(" \n"), "found an empty one"),
    "punctuation": (lambda: question_of_caption("?! ..."), r"with words, found '\?! \.\.\.'"),
    "emoji": (lambda: question_of_caption("\U0001f415"), "with words, found"),
    "no text": (lambda: question_of_caption(3), "caption: expected text, found 3"),  # type: ignore[arg-type]
    "half a character": (lambda: question_of_caption("a dog \udc80"), "half a surrogate pair"),
    "a book": (lambda: question_of_caption("dog " * 30_000), "at most 100000 characters"),
    "no noun": (
        lambda: question_of_caption("He is running quickly."),
        r"expected a noun that is a thing in 'He is running quickly\.', found none; say which "
        r"words to look for \(--nouns or --spans\)",
    ),
    "no thing": (
        lambda: question_of_caption("In the background on the right side"),
        "found only 'background', 'side'; say which words",
    ),
    "no pipeline": (
        lambda: question_of_caption("A dog", pipeline="xx_none_sm"),
        "xx_none_sm: expected a spaCy pipeline",
    ),
    "another noun": (
        lambda: question_of_nouns(CAPTION, ["man", "cat", "car"]),
        r"found no 'cat' in 'A man walks .* red car\.'; of the nouns that were given it holds only "
        "'man', 'car'$",
    ),
    "other nouns": (lambda: question_of_nouns(CAPTION, ["cat"]), "it holds none of them$"),
    "half a noun": (lambda: question_of_nouns(CAPTION, ["ma"]), "found no 'ma' in"),
    "three men": (
        lambda: question_of_nouns(CAPTION, ["man"] * 3),
        "the noun 'man' as often as it is asked for in .* found it 2 times",
    ),
    "two cars": (lambda: question_of_nouns(CAPTION, ["car", "Car"]), "found it once"),
    "no nouns": (lambda: question_of_nouns(CAPTION, []), "at least one noun, found none"),
    "nouns of nothing": (lambda: question_of_nouns(None, ["man", ""]), "letters or digits, found"),
    "nouns of points": (lambda: question_of_nouns(CAPTION, ["."]), r"or digits, found '\.'"),
    "no words": (lambda: question_of_nouns("...", ["man"]), "expected a caption with words"),
    "no spans": (lambda: question_of_spans(CAPTION, []), "expected a noun in .* found none"),
    "beyond": (lambda: question_of_spans("A dog", [(2, 6)]), "inside the 5 characters .* 2 to 6"),
    "before": (lambda: question_of_spans("A dog", [(-3, 5)]), "found -3 to 5"),
    "nothing": (lambda: question_of_spans("A dog", [(2, 2)]), "found 2 to 2"),
    "a blank": (lambda: question_of_spans("A dog", [(1, 2)]), "found spaces"),
    "twice": (
        lambda: question_of_spans("A dog", [(2, 5), (0, 1), (2, 5)]),
        r"every noun of 'A dog' once, found characters 2 to 5 \('dog'\) twice",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("ask", "message"), BAD.values(), ids=BAD.keys())
def test_what_cannot_be_asked(ask: Callable[[], NounQuestion], message: str) -> None:
    with pytest.raises(InputError, match=message) as refused:
        ask()
    assert "\n" not in str(refused.value)


# Letters, blanks, emoji of several characters, marks that join the letter before, surrogate pairs.
odd_text = st.text(
    st.sampled_from(
        "abN .,-'\n\u0301\u200d\u200f\ufe0f\U0001f415\U0001f468\u2764\u00e9\u0915\u093f"
    )
)


@given(odd_text, st.lists(st.sampled_from(["dog", "red car", "man"]), min_size=1, unique=True))
def test_words_keep_their_places_behind_any_text(before: str, words: list[str]) -> None:
    text = f"{before} dog \U0001f415 red car, {before} man"
    question = question_of_nouns(text, words)
    assert question.text == text
    starts = {"dog": 1, "red car": 7}
    expected = {one: len(before) + starts[one] for one in words if one in starts}
    if "man" in words:
        expected["man"] = len(text) - 3
    assert {text[start:end]: start for start, end in question.spans} == expected


@settings(max_examples=40, deadline=None, derandomize=True)  # what spaCy takes for nouns is its own
@given(odd_text)
def test_spacy_keeps_its_places_behind_any_text(before: str) -> None:
    text = f"{before}\nThe brown tiger is fighting with the other tiger."
    question = question_of_caption(text)
    assert question.text == text
    assert all(0 <= start < end <= len(text) for start, end in question.spans)
    starts = [start for start, end in question.spans if text[start:end] == "tiger"]
    assert starts == [len(before) + 11, len(before) + 44]
    assert list(question.spans) == sorted(set(question.spans))


@given(
    st.text(min_size=1, max_size=30),
    st.lists(st.tuples(st.integers(-3, 33), st.integers(-3, 33)), max_size=4),
)
def test_spans_are_inside_in_order_and_once_or_refused(
    text: str, spans: list[tuple[int, int]]
) -> None:
    allowed = (
        any(map(str.isalnum, text))
        and spans != []
        and len(set(spans)) == len(spans)
        and all(0 <= start < end <= len(text) and text[start:end].strip() for start, end in spans)
    )
    if allowed:
        assert question_of_spans(text, spans) == NounQuestion(text, tuple(sorted(spans)))
    else:
        with pytest.raises(InputError) as refused:
            question_of_spans(text, spans)
        assert "\n" not in str(refused.value)
