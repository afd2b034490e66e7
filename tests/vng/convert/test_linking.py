"""Every rule and every reason of linking."""

from dataclasses import replace

import pytest

from pointvos.core.errors import InputError
from pointvos.core.masks import Rle
from pointvos.vidln.questions import LocationQuestion
from tests.vidln.narratives import actor
from tests.vng.convert.told import SIZE, noun, target, told
from vng.convert.link_types import Link, LinkRules, NoLink, Reason, Rule
from vng.convert.linking import link_object, link_video

RULES = LinkRules()
TWO_DOGS = "A dog chases another dog there."
LEFT, RIGHT = [(10, 30), (12, 32)], [(60, 30), (62, 32)]


def two_dogs(first=LEFT, second=RIGHT, keyframe=0):
    strokes = {("dog", keyframe): first, ("dog 1", keyframe): second}
    nouns = [noun(TWO_DOGS, "dog"), noun(TWO_DOGS, "dog", occurrence=1)]
    return told(TWO_DOGS, nouns, {key: value for key, value in strokes.items() if value})


def question(**changes) -> LocationQuestion:
    return LocationQuestion(
        **{
            "video": "clip 7",
            "question_hash": "k",
            "question": "What?",
            "trace_frame": "000003.png",
            "trace": Rle(size=[60, 80], counts="0"),
            "vidln_id": 7,
            "actor_index": 0,
            "text_span": (21, 24),
            "text": "dog",
            **changes,
        }
    )


def link(the_target, captions, rules=RULES, **more) -> Link | NoLink:
    return link_object(the_target, captions, SIZE, rules, **more)


def spans(found) -> dict[str, tuple[int, int] | Reason]:
    return {
        key: one.place[3:] if isinstance(one, Link) else one.reason for key, one in found.items()
    }


def test_a_question_of_the_hash_goes_before_the_name():
    found = link(target("cat", (61, 31)), two_dogs(), question=question())
    assert isinstance(found, Link)
    assert (found.rule, found.noun, found.place[3:]) == (Rule.QUESTION, "dog", (21, 24))
    assert found.place[:3] == ("pets_train", 7, 0)
    assert found.distance == pytest.approx(0.01, abs=0.01)


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"text_span": (21, 99)}, "names the characters 21 to 99 of a caption of 31"),
        ({"text_span": (3, 3)}, "names the characters 3 to 3"),
        ({"text": "cat"}, "names 'cat' where the caption has 'dog'"),
        ({"vidln_id": 8}, "names narrative 8, actor 0, which the video does not have"),
        ({"actor_index": 4}, "names narrative 7, actor 4"),
        ({"vidln_id": None}, "names no span"),
        ({"text_span": None}, "names no span"),
    ],
)
def test_a_question_that_does_not_fit_is_noted_and_the_name_counts(changes, note):
    found = link(target("dog", (61, 31)), two_dogs(), question=question(**changes))
    assert isinstance(found, Link)
    assert found.rule is Rule.TEXT_BY_TRACE
    assert note in found.note


def test_a_question_whose_text_differs_in_case_and_spaces_fits():
    found = link(target("x"), two_dogs(), question=question(text=" Dog"))
    assert isinstance(found, Link)
    assert found.rule is Rule.QUESTION


def test_the_only_noun_of_this_text():
    caption = "A Guide dog and a ball."
    captions = told(caption, [noun(caption, "Guide dog"), noun(caption, "ball")])
    found = link(target("guide  dog"), captions)
    assert isinstance(found, Link)
    assert (found.rule, found.noun, found.distance) == (Rule.TEXT, "Guide dog", None)
    assert (found.candidates, found.ambiguous) == (1, False)


def test_a_name_may_say_more_than_the_noun():
    caption = "The white car follows a red car."
    captions = told(caption, [noun(caption, "car"), noun(caption, "car", occurrence=1)])
    found = link(target("Red car"), captions)
    assert isinstance(found, Link)
    assert (found.rule, found.noun, found.place.start) == (Rule.TEXT, "red car", 24)
    assert isinstance(link(target("ed car"), captions), NoLink)  # half a word is no word


def test_then_by_dictionary_form():
    caption = "Two dogs and a guide dog."
    nouns = [noun(caption, "dogs"), noun(caption, "guide dog")]
    found = link(target("dog"), told(caption, nouns))
    assert isinstance(found, Link)
    assert (found.rule, found.noun) == (Rule.LEMMA, "dogs")


def test_then_by_head():
    caption = "A guide dog and a ball."
    nouns = [noun(caption, "guide dog"), noun(caption, "ball")]
    found = link(target("dogs"), told(caption, nouns))
    assert isinstance(found, Link)
    assert (found.rule, found.noun) == (Rule.HEAD, "guide dog")


def test_a_name_in_which_no_noun_was_found_is_compared_as_it_is():
    caption = "A drink stands there."
    bare = replace(target("drink"), name_nouns=())
    found = link(bare, told(caption, [noun(caption, "drink")]))
    assert isinstance(found, Link)
    assert found.rule is Rule.TEXT


@pytest.mark.parametrize(
    ("pixels", "start"), [([(11, 31)], 2), ([(61, 31), (60, 29)], 21)], ids=["left", "right"]
)
def test_of_several_nouns_the_one_whose_trace_is_nearest(pixels, start):
    found = link(target("dog", *pixels), two_dogs())
    assert isinstance(found, Link)
    assert (found.rule, found.place.start, found.candidates) == (Rule.TEXT_BY_TRACE, start, 2)
    assert found.distance < 0.03


def test_lemma_and_head_by_trace():
    caption = "Some dogs and other dogs."
    nouns = [noun(caption, "dogs"), noun(caption, "dogs", occurrence=1)]
    strokes = {("dogs", 0): LEFT, ("dogs 1", 0): RIGHT}
    found = link(target("dog", (60, 30)), told(caption, nouns, strokes))
    assert isinstance(found, Link)
    assert (found.rule, found.place.start) == (Rule.LEMMA_BY_TRACE, 20)
    caption = "Toy dogs and guide dogs."
    nouns = [noun(caption, "Toy dogs"), noun(caption, "guide dogs")]
    found = link(
        target("dog", (60, 30)),
        told(caption, nouns, {("Toy", 0): LEFT, ("guide", 0): RIGHT}),
    )
    assert isinstance(found, Link)
    assert (found.rule, found.noun) == (Rule.HEAD_BY_TRACE, "guide dogs")


AMBIGUOUS = {
    "no shared key-frame": (two_dogs(keyframe=1), [(11, 31)], None),
    "no trace": (two_dogs(None, None), [(11, 31)], None),
    "as near": (two_dogs(LEFT, LEFT), [(11, 31)], 2),
    "too far": (two_dogs(LEFT, None), [(60, 30)], 2),
}


@pytest.mark.parametrize("case", AMBIGUOUS)
def test_what_is_ambiguous_is_dropped_or_kept(case):
    captions, pixels, _ = AMBIGUOUS[case]
    found = link(target("dog", *pixels), captions)
    assert found == NoLink("k", Reason.AMBIGUOUS, candidates=2)
    kept = link(target("dog", *pixels), captions, LinkRules(ambiguous="keep"))
    assert isinstance(kept, Link)
    assert (kept.ambiguous, kept.place.start, kept.candidates) == (True, 2, 2)
    by_trace = "trace" if kept.distance is not None else "order"
    assert kept.rule is (Rule.TEXT_BY_TRACE if by_trace == "trace" else Rule.TEXT)


def test_the_margin_decides_what_is_clear():
    captions = two_dogs([(20, 30)], [(24, 30)])
    pixels = [(19, 29)]  # 0.7 px and 4.5 px away, the diagonal being 100 px
    near = link(target("dog", *pixels), captions, LinkRules(margin=0.03))
    assert isinstance(near, Link)
    assert near.place.start == 2
    assert isinstance(link(target("dog", *pixels), captions, LinkRules(margin=0.05)), NoLink)


def test_a_noun_without_a_trace_there_counts_as_far():
    found = link(target("dog", (11, 31)), two_dogs(LEFT, None))
    assert isinstance(found, Link)
    assert (found.rule, found.place.start) == (Rule.TEXT_BY_TRACE, 2)


@pytest.mark.parametrize(
    ("the_target", "captions", "reason"),
    [
        (target("dog"), [], Reason.MISSING_NARRATIVE),
        (target("cat"), two_dogs(), Reason.NOUN_NOT_FOUND),
        (target(None), two_dogs(), Reason.NO_OBJECT_NAME),
        (target(" "), two_dogs(), Reason.NO_OBJECT_NAME),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_reasons(the_target, captions, reason):
    found = link(the_target, captions)
    assert isinstance(found, NoLink)
    assert found.reason is reason


def test_two_objects_do_not_get_one_noun():
    caption = "A dog sits."
    captions = told(caption, [noun(caption, "dog")], {("dog", 0): LEFT})
    far, near = target("dog", (30, 30), key="far"), target("dog", (11, 31), key="near")
    for order in ([far, near], [near, far]):
        found = link_video(order, captions, SIZE, RULES, questions={})
        assert spans(found) == {"near": (2, 5), "far": Reason.NOUN_TAKEN}
        assert list(found) == [one.key for one in order]
        assert [one.contested for one in found.values()] == [1, 1]


def test_the_farther_one_looks_among_the_nouns_that_are_left():
    caption = "A dog runs. The guide dog barks."
    captions = told(
        caption,
        [noun(caption, "dog"), noun(caption, "guide dog")],
        {("dog", 0): LEFT, ("guide", 0): RIGHT},
    )
    targets = [target("dog", (30, 30), key="far"), target("dog", (11, 31), key="near")]
    found = link_video(targets, captions, SIZE, RULES, questions={})
    assert spans(found) == {"near": (2, 5), "far": (16, 25)}
    assert found["far"].rule is Rule.HEAD
    assert (found["far"].contested, found["near"].contested) == (1, 1)


def test_a_question_wins_over_a_nearer_object():
    captions = two_dogs()
    targets = [target("dog", (61, 31), key="near"), target("dog", (11, 31), key="asked")]
    found = link_video(targets, captions, SIZE, RULES, questions={"asked": question()})
    assert spans(found)["asked"] == (21, 24)
    assert found["asked"].rule is Rule.QUESTION
    # The other noun is all that is left to it, alone of its kind.
    assert spans(found)["near"] == (2, 5)


def test_spans_that_overlap_are_one_noun():
    caption = "A red car stops."
    captions = told(caption, [noun(caption, "car")], {("car", 0): LEFT})
    targets = [target("red car", (11, 31), key="a"), target("car", (40, 31), key="b")]
    found = link_video(targets, captions, SIZE, RULES, questions={})
    assert spans(found) == {"a": (2, 9), "b": Reason.NOUN_TAKEN}


def test_of_equally_near_objects_the_first_in_the_file():
    caption = "A dog sits."
    captions = told(caption, [noun(caption, "dog")])
    targets = [target("dog", key=key) for key in ("z", "a", "m")]
    found = link_video(targets, captions, SIZE, RULES, questions={})
    assert spans(found) == {"z": (2, 5), "a": Reason.NOUN_TAKEN, "m": Reason.NOUN_TAKEN}


def test_objects_may_share_a_noun_if_that_is_allowed():
    caption = "A dog sits."
    captions = told(caption, [noun(caption, "dog")])
    targets = [target("dog", key=key) for key in ("a", "b")]
    found = link_video(targets, captions, SIZE, LinkRules(shared_nouns="allow"), questions={})
    assert spans(found) == {"a": (2, 5), "b": (2, 5)}
    assert [one.contested for one in found.values()] == [1, 1]


def test_the_same_span_of_another_caption_is_another_noun():
    caption = "A dog sits."
    captions = told(caption, [noun(caption, "dog")], more_actors=[actor(caption=caption)])
    targets = [target("dog", key=key) for key in ("a", "b")]
    found = link_video(targets, captions, SIZE, LinkRules(ambiguous="keep"), questions={})
    assert {one.place.actor for one in found.values()} == {0, 1}


def test_distances_must_be_meant():
    with pytest.raises(InputError, match="margin: expected a share >= 0, found -1"):
        LinkRules(margin=-1)
    with pytest.raises(InputError, match="max_distance: expected a share >= 0, found nan"):
        LinkRules(max_distance=float("nan"))
