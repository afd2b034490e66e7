"""Nouns that are no things: which, from where, and what becomes of them."""

import pytest

from pointvos.core.errors import InputError
from pointvos.vidln.nouns import Noun
from tests.vng.convert.told import SIZE, noun, target, told
from vng.convert.link_types import Link, LinkRules, NoLink, Reason, Rule
from vng.convert.linking import link_object
from vng.convert.stop_nouns import STOP_NOUNS, is_stopped, read_stop_nouns

STOPPED = LinkRules(stop_nouns=("left", "side", "background"))


@pytest.mark.parametrize(
    ("lemma", "stopped"),
    [
        ("side", True),
        ("Left Side", True),
        ("side mirror", False),
        ("dog", False),
        ("", False),
    ],
)
def test_every_word_must_be_in_the_list(lemma, stopped):
    assert is_stopped(lemma, STOPPED.stop_nouns) is stopped


def test_the_list_that_comes_with_it():
    nouns = read_stop_nouns("default")
    assert nouns == tuple(sorted(set(STOP_NOUNS)))  # no noun twice
    assert {"background", "left", "right", "front", "side", "middle", "video", "scene"} <= {*nouns}
    assert not {"man", "sky", "road", "group", "picture"} & {*nouns}
    assert read_stop_nouns("none") == ()


def test_a_list_of_ones_own(tmp_path):
    path = tmp_path / "stop.txt"
    path.write_text("Sky\nbackground\n")
    assert read_stop_nouns(str(path)) == ("background", "sky")
    with pytest.raises(FileNotFoundError, match="gone: expected a list of names"):
        read_stop_nouns("gone")
    path.write_text("\n")
    with pytest.raises(InputError, match="found none"):
        read_stop_nouns(str(path))


def link(name: str, caption: str, *nouns: Noun, rules: LinkRules = STOPPED) -> Link | NoLink:
    return link_object(target(name, (5, 5)), told(caption, nouns), SIZE, rules)


def test_an_object_called_so_gets_no_noun():
    text = "A man in the background."
    nouns = noun(text, "man"), noun(text, "background")
    found = link("background", text, *nouns)
    assert isinstance(found, NoLink)
    assert found.reason is Reason.STOP_NOUN
    found = link("background", text, *nouns, rules=LinkRules())
    assert isinstance(found, Link)
    assert found.rule is Rule.TEXT


def test_no_object_gets_such_a_noun():
    text = "A box on the side."
    nouns = noun(text, "box"), noun(text, "side")
    found = link("box side", text, *nouns)  # no thing by its head alone
    assert isinstance(found, NoLink)
    assert found.reason is Reason.NOUN_NOT_FOUND
    found = link("box side", text, *nouns, rules=LinkRules())
    assert isinstance(found, Link)
    assert (found.rule, found.noun) == (Rule.HEAD, "side")
