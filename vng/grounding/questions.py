"""Questions from what a user gives: a caption alone, its nouns as words, or their places in it.

The text of a question is the caption as it was given; spans count its characters.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache
from itertools import pairwise

from pointvos.core.errors import InputError
from pointvos.vidln.checked_fields import as_text
from pointvos.vidln.nouns import DEFAULT_PIPELINE, Noun, NounFinder
from vng.convert.stop_nouns import STOP_NOUNS, is_stopped
from vng.grounding.grounded import NounQuestion
from vng.grounding.words_in_text import WordPlaces
from vng.inference.grounding import check_question
from vng.text.spans import Span

HOW_TO_NAME = "say which words to look for (--nouns or --spans)"
SHOWN = 60  # characters of a caption in messages
# "In this picture a man ..." means the recording, "a picture on the wall" a thing.
_RECORDINGS = ("image", "picture", "photo", "photograph", "clip", "frame", "shot")


@lru_cache(maxsize=1)
def noun_finder(pipeline: str) -> NounFinder:
    """The finder of a pipeline, loaded once, which takes a second.

    Raises:
        InputError: it cannot be loaded.
    """
    return NounFinder(pipeline)


def question_of_caption(
    caption: str,
    *,
    name: str = "",
    pipeline: str = DEFAULT_PIPELINE,
    stop_nouns: Collection[str] = STOP_NOUNS,
) -> NounQuestion:
    """All nouns of a caption, as spaCy finds them; a noun that stands twice is asked twice.

    Nouns that are no things ("left", "background", "this picture") are not asked.

    Args:
        caption: an English narrative.
        name: of the narrative.
        pipeline: of spaCy, see `NounFinder`.
        stop_nouns: dictionary forms, in lower case, of nouns that are no things.

    Raises:
        InputError: the caption has no words, or no noun that is a thing; or the pipeline cannot be
            loaded.
    """
    _check_caption(caption)
    nouns = noun_finder(pipeline).find(caption)
    things = [noun for noun in nouns if _is_thing(noun, caption, stop_nouns)]
    if not things:
        found = f"only {_listed(noun.text for noun in nouns)}" if nouns else "none"
        raise InputError(
            f"expected a noun that is a thing in {_shown(caption)}, found {found}; {HOW_TO_NAME}"
        )
    spans = {(noun.start, noun.end) for noun in things}
    return question_of_spans(caption, sorted(spans), name=name)


def question_of_nouns(caption: str | None, nouns: Sequence[str], *, name: str = "") -> NounQuestion:
    """Nouns that are given as words: "man", "red car".

    Each is looked for in the caption as whole words, in any case; how many blanks are between words
    and how accents are encoded does not matter. It means the first place that no other noun has
    taken, so that "man", "man" are the first two men, and "car", "red car" are two cars if there
    are two. Only if all its places lie in longer nouns it means the first of those.

    Args:
        caption: the narrative; without one it is made of the nouns: "man, red car".
        nouns: at least one, in any order.
        name: of the narrative.

    Raises:
        InputError: there are no nouns, one has no words, or the caption does not hold it as often
            as it is asked for.
    """
    wanted = [as_text(noun, "noun").strip() for noun in nouns]
    for noun in wanted:
        if not _has_words(noun):
            raise InputError(f"expected nouns with letters or digits, found {noun!r:.60}")
    if not wanted:
        raise InputError("expected at least one noun, found none")
    if caption is None or not as_text(caption, "caption").strip():
        return _question_of_nouns_alone(wanted, name)
    _check_caption(caption)
    return question_of_spans(caption, _places(caption, wanted), name=name)


def question_of_spans(caption: str, spans: Iterable[Span], *, name: str = "") -> NounQuestion:
    """Nouns that are given as places in the caption.

    Args:
        caption: the narrative.
        spans: [start, end) of each noun in characters, in any order; they may overlap.
        name: of the narrative.

    Raises:
        InputError: as `check_question`; or two spans are the same.
    """
    _check_caption(caption)
    ordered: list[Span] = sorted((start, end) for start, end in spans)
    check_question(caption, ordered)
    for one, following in pairwise(ordered):
        if one == following:
            raise InputError(
                f"expected every noun of {_shown(caption)} once, found characters {one[0]} to "
                f"{one[1]} ({caption[slice(*one)]!r:.60}) twice"
            )
    return NounQuestion(caption, tuple(ordered), name)


def _check_caption(caption: str) -> None:
    if not _has_words(as_text(caption, "caption")):
        found = repr(caption[:20]) if caption.strip() else "an empty one"
        raise InputError(f"expected a caption with words, found {found}")


def _has_words(text: str) -> bool:
    return any(map(str.isalnum, text))


def _is_thing(noun: Noun, caption: str, stop_nouns: Collection[str]) -> bool:
    is_this = caption[noun.chunk_start : noun.start].casefold().startswith("this")
    recording = is_this and noun.lemma in _RECORDINGS
    return _has_words(noun.text) and not is_stopped(noun.lemma, stop_nouns) and not recording


def _places(caption: str, nouns: Sequence[str]) -> list[Span]:
    """A place for each noun, each place once; longer nouns choose first."""
    places = WordPlaces(caption)
    taken: list[Span] = []
    for noun in sorted(nouns, key=len, reverse=True):
        all_of_it = places.of(noun)
        free = [span for span in all_of_it if span not in taken]
        apart = [span for span in free if not any(_overlap(span, other) for other in taken)]
        if not free:
            raise _not_there(caption, noun, nouns, places)
        taken.append((apart or free)[0])
    return taken


def _overlap(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def _not_there(caption: str, noun: str, nouns: Sequence[str], places: WordPlaces) -> InputError:
    times = len(places.of(noun))
    if times:
        return InputError(
            f"expected the noun {noun!r:.60} as often as it is asked for in {_shown(caption)}, "
            f"found it {'once' if times == 1 else f'{times} times'}"
        )
    there = dict.fromkeys(other for other in nouns if places.of(other))
    found = f"only {_listed(there)}" if there else "none of them"
    return InputError(
        f"expected nouns that stand in the caption, found no {noun!r:.60} in {_shown(caption)}; of "
        f"the nouns that were given it holds {found}"
    )


def _question_of_nouns_alone(nouns: Sequence[str], name: str) -> NounQuestion:
    spans, behind = [], 0
    for noun in nouns:
        spans.append((behind, behind + len(noun)))
        behind += len(noun) + len(", ")
    return question_of_spans(", ".join(nouns), spans, name=name)


def _listed(words: Iterable[str]) -> str:
    """Words for a message, each once, the first few."""
    once = list(dict.fromkeys(words))
    return ", ".join(f"{word!r:.40}" for word in once[:8]) + (", ..." if len(once) > 8 else "")


def _shown(caption: str) -> str:
    return repr(caption if len(caption) <= SHOWN else f"{caption[: SHOWN - 3]}...")
