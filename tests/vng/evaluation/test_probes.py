"""Wrong questions, and how scores of nouns that are there and that are not compare."""

import pytest

from pointvos.core.errors import InputError
from vng.data.expressions import ActorNarrative, Expression, NarratedVideo
from vng.evaluation.probes import NOTHING, head, probe_question


def video(name: str, text: str, *nouns: str) -> NarratedVideo:
    expressions = tuple(
        Expression(0, text.index(noun), text.index(noun) + len(noun), n)
        for n, noun in enumerate(nouns)
    )
    return NarratedVideo(name, ("0",), (ActorNarrative(0, "", text),), expressions)


def test_a_noun_of_the_next_video_that_is_not_here() -> None:
    here = video("a", "A dog and a man", "dog", "man")
    same = video("b", "Some man", "man")
    other = video("c", "An old man on a bike near a Dog", "old man", "bike", "Dog")
    question = probe_question("swapped", here, [same, here, other])
    assert question is not None
    assert question.text == "An old man on a bike near a Dog"
    assert [question.text[a:b] for a, b in question.spans] == ["bike"]
    nothing = probe_question("no_text", here, [here])
    assert nothing is not None
    assert nothing.text[slice(*nothing.spans[0])] == NOTHING
    assert probe_question("other_noun", here, [here]) is None


def test_no_other_noun_in_the_set() -> None:
    here, same = video("a", "A dog", "dog"), video("b", "Big dog", "Big dog")
    with pytest.raises(InputError, match="probe swapped: a: expected another video with other"):
        probe_question("swapped", here, [here, same])


@pytest.mark.parametrize(
    ("noun", "word"), [("red Ball", "ball"), ("dog's toys,", "toys"), ("  ", ""), ("?!", "")]
)
def test_head(noun: str, word: str) -> None:
    assert head(noun) == word
