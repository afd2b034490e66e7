"""Lists of narratives: each field is checked, and errors say where."""

from pathlib import Path
from typing import Any

import pytest

from pointvos.core.errors import InputError
from tests.vng.grounding.written_narratives import WRITTEN, written
from vng.grounding.narrative_list import WrittenNarrative, read_narrative_list
from vng.grounding.question_files import read_questions


def test_the_fields_of_a_list(tmp_path: Path) -> None:
    path = written(tmp_path / "told.json", *WRITTEN)
    text = WRITTEN[0]["caption"]
    assert list(read_narrative_list(path)) == [
        WrittenNarrative(text, ("ball",), None, "a/clip", "D", f"{path}: [0]"),
        WrittenNarrative(text, None, ((17, 21), (4, 7)), "", "", f"{path}: [1]"),
        WrittenNarrative(WRITTEN[2]["caption"], None, None, "", "", f"{path}: [2]"),
        WrittenNarrative(None, ("dog", "red ball"), None, "", "", f"{path}: [3]"),
    ]


def test_no_list(tmp_path: Path) -> None:
    path = tmp_path / "told.json"
    path.write_text('{"caption": "A dog"}')
    with pytest.raises(InputError, match="expected a list of narratives, found an object of 1"):
        read_narrative_list(path)


BAD_LISTS = {
    "no object": ([3], r"\[0\]: expected an object, found 3"),
    "nothing": ([{}], r"\[0\]\.caption: expected this field, found none"),
    "no caption": ([{"caption": None}], r"\[0\]\.caption: expected text, found None"),
    "spans of nothing": ([{"spans": [[0, 1]]}], r"\[0\]\.caption: expected this field"),
    "a number": ([WRITTEN[0], {"caption": 7}], r"\[1\]\.caption: expected text, found 7"),
    "a misspelt field": (
        [{"caption": "A dog", "noun": ["dog"]}],
        r"\[0\]: expected the fields caption, nouns, spans, video, name, found 'noun' as well",
    ),
    "nouns of a wrong type": (
        [{"caption": "A dog", "nouns": "dog"}],
        r"\[0\]\.nouns: expected a list, found 'dog'",
    ),
    "a noun of a wrong type": (
        [{"caption": "A dog", "nouns": ["dog", 5]}],
        r"\[0\]\.nouns\[1\]: expected text, found 5",
    ),
    "a span of a wrong type": (
        [{"caption": "A dog", "spans": [[2, 5], "dog"]}],
        r"\[0\]\.spans\[1\]: expected \[start, end\], found 'dog'",
    ),
    "a span of a wrong length": (
        [{"caption": "A dog", "spans": [[2, 5, 7]]}],
        r"\[0\]\.spans\[0\]: expected \[start, end\], found a list of 3",
    ),
    "a span of fractions": (
        [{"caption": "A dog", "spans": [[2, 4.5]]}],
        r"\[0\]\.spans\[0\]\[1\]: expected an integer .* found 4\.5",
    ),
    "a span beyond the text": (
        [{"caption": "A dog", "spans": [[2, 9]]}],
        r"\[0\]: expected nouns inside the 5 characters of 'A dog', found 2 to 9",
    ),
    "a span twice": (
        [{"caption": "A dog", "spans": [[2, 5], [2, 5]]}],
        r"\[0\]: expected every noun of 'A dog' once",
    ),
    "no spans": ([{"caption": "A dog", "spans": []}], r"\[0\]: expected a noun in 'A dog'"),
    "no nouns": ([{"caption": "A dog", "nouns": []}], r"\[0\]: expected at least one noun"),
    "nouns and spans": (
        [{"caption": "A dog", "nouns": ["dog"], "spans": [[2, 5]]}],
        r"\[0\]: expected nouns or spans, found both",
    ),
    "another noun": (
        [{"caption": "A dog", "nouns": ["cat"]}],
        r"\[0\]: expected nouns that stand in the caption, found no 'cat'",
    ),
    "a caption without nouns": (
        [{"caption": "A dog"}, {"caption": "He runs."}],
        r"\[1\]: expected a noun that is a thing in 'He runs\.', found none; .*; 1 narratives "
        r"cannot be asked, 0 may be left out \(max_left_out\)",
    ),
    "punctuation": ([{"caption": "..."}], r"\[0\]: expected a caption with words, found '\.\.\.'"),
    "a video elsewhere": (
        [{"caption": "A dog", "video": "../clip"}],
        r"\[0\]\.video: expected a name inside the data folder, found '\.\./clip'",
    ),
    "a name of a wrong type": (
        [{"caption": "A dog", "name": ["D"]}],
        r"\[0\]\.name: expected text, found a list of 1",
    ),
    "an empty list": ([], "expected narratives with nouns, found none$"),
}


@pytest.mark.parametrize(("values", "message"), BAD_LISTS.values(), ids=BAD_LISTS.keys())
def test_what_is_wrong_in_a_list(tmp_path: Path, values: list[Any], message: str) -> None:
    path = written(tmp_path / "told.json", *values)
    with pytest.raises(InputError, match=rf"told\.json: {message}") as refused:
        list(read_questions(path))
    assert "\n" not in str(refused.value)


def test_a_list_is_checked_as_a_whole_before_the_first_question(tmp_path: Path) -> None:
    path = written(tmp_path / "told.json", {"caption": "A dog"}, {"caption": 3})
    with pytest.raises(InputError, match=r"\[1\]\.caption"):
        next(read_questions(path))
