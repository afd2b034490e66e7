"""Whether a caption looks English, which is what the text encoder and the noun finder have learnt.

Told by the letters and by the small words that hardly a sentence is without. This is for a warning:
it says nothing about captions that it cannot tell, and a foreign name in a caption of a few words
("El Niño storm") misleads it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

FEWEST_WORDS = 3  # fewer are judged by their letters alone
FEWEST_WORDS_WITHOUT = 8  # a phrase of so many words has an English small word
FOREIGN_LETTERS = 1 / 3  # share of those that are not Latin
FOREIGN_SHARE = 0.12  # of words that are not English, weighed as below
# How much a word counts: there are English captions with "a", and others with "a".
_SHARED = 0.4
_ACCENTED = 0.75
_BORROWED = 0.25

_ENGLISH_WORDS = """
    the and of with from his her hers him its their them they she it this that these those there who
    which while when where what whose then than into onto over under behind beside besides between
    through across around along towards toward near next up down out off above below against among
    after before during until are was were has have had been being be not both each other another
    some one two three four five several many few more most all any every only very also but if
    because however for by my your our we you us front back without within upon like
"""
_SHARED_WORDS = "a an in is on to at as he i me or so do no does did can will"
_FOREIGN_WORDS = """
    der die das den dem des ein eine einen einem einer eines und sind mit auf im zu zum zur von
    vom nicht sich er es ihr sein seine ihre neben hinter bei nach aus über durch
    le la les un une et est sont dans sur avec du au aux qui que ne pas sous près elle ils ses sa
    ce cette devant derrière l qu
    el los las y con por para una unos se su sus del al está están en sobre entre junto
    il lo gli di che nel nella nello sul sulla sono della dello dei delle degli e ed uno accanto
    alla o os um uma uns umas com da das dos nas em ao à às pelo pela ele ela são seu sua
    de het een van op met naar bij zijn haar voor niet uit aan naast achter wordt
    w z na się jest są przez obok nad ze po który która które jego jej przy oraz dwa dwie pod za
    bir ve ile için çok iki üzerinde olan gibi
    och ett av på med till det jag og af den är ei
"""
_ENGLISH = frozenset(_ENGLISH_WORDS.split())
_IN_OTHERS_TOO = frozenset(_SHARED_WORDS.split())
_OTHERS = frozenset(_FOREIGN_WORDS.split()) - _ENGLISH - _IN_OTHERS_TOO
_BORROWED_LETTERS = frozenset("éñ")  # café, piñata
_LATIN = frozenset({"LATIN", "FULLWIDTH", "FEMININE", "MASCULINE", "MODIFIER"})
_WORD = re.compile(r"[^\W\d_]+")
_PARTICIPLE = re.compile(r"[a-z]{2,}ing")  # "man riding horse"
_PHRASE_END = re.compile(r"[,;:.!?\n]+")


def language_note(caption: str) -> str | None:
    """One line of warning if a caption does not look English, else None.

    >>> language_note("Un chien court dans le jardin.")
    "the caption does not look English (words such as 'un', 'dans', 'le'): the text encoder was
    trained on English"
    >>> language_note("A dog runs in the garden.") is None
    True
    """
    text = unicodedata.normalize("NFKC", caption)
    words = _words(text)
    reason = _foreign_script(text) or _foreign_words(words) or _no_small_words(text, words)
    if reason is None:
        return None
    return f"the caption does not look English ({reason}): the text encoder was trained on English"


def _foreign_script(text: str) -> str | None:
    scripts = Counter(map(_script, filter(str.isalpha, text)))
    foreign = Counter({one: n for one, n in scripts.items() if one not in _LATIN})
    if foreign.total() <= FOREIGN_LETTERS * scripts.total():
        return None
    ((script, _),) = foreign.most_common(1)
    return f"{script if script == 'CJK' else script.capitalize()} letters"


def _script(letter: str) -> str:
    return unicodedata.name(letter, "unknown").split()[0].partition("-")[0]


def _foreign_words(words: Sequence[str]) -> str | None:
    if len(words) < FEWEST_WORDS:
        return None
    english = sum(1.0 for word in words if word in _ENGLISH)
    english += sum(_SHARED for word in words if word in _IN_OTHERS_TOO)
    weights = {word: _foreignness(word) for word in words}
    foreign = sum(weights[word] for word in words)
    if foreign <= english or foreign < FOREIGN_SHARE * len(words):
        return None
    seen = sorted((word for word in weights if weights[word]), key=lambda word: -weights[word])
    return "words such as " + ", ".join(f"'{word}'" for word in seen[:3])


def _foreignness(word: str) -> float:
    if word in _OTHERS:
        return 1
    accented = {letter for letter in word if not letter.isascii()}
    if not accented or not {_script(letter) for letter in word} <= _LATIN:
        return 0  # `_foreign_script` has judged other scripts
    return _BORROWED if accented <= _BORROWED_LETTERS else _ACCENTED


def _no_small_words(text: str, words: Sequence[str]) -> str | None:
    """A list of nouns has none either, so that a caption is judged by its longest phrase."""
    phrase = max(map(_words, _PHRASE_END.split(text)), key=len)
    if len(phrase) < FEWEST_WORDS_WITHOUT:
        return None
    if any(word in _ENGLISH | _IN_OTHERS_TOO or _PARTICIPLE.fullmatch(word) for word in words):
        return None
    return f"no 'the', 'a' or 'of' in {len(phrase)} words"


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
