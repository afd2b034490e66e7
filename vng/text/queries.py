"""What the network is asked for: a feature of each noun, of its whole narrative, or both.

Training and inference take it from here, so that a network is asked as it was trained.

Shape legend: B narratives, N nouns, C channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from torch import Tensor

from vng.text.encoder import EncodedText
from vng.text.spans import Span

Query = Literal["noun", "sentence", "noun+sentence", "nothing"]
"""``noun``: the mean of the noun's tokens in their context (RF-VNG); ``sentence``: the feature of
the whole narrative, the same for all its nouns (ReferFormer); ``noun+sentence``: their sum;
``nothing``: the text is not read, every noun of every narrative is the same question. What language
adds is the difference to a network that was trained with the latter."""

NO_TEXT = "something"


def asked_text(
    texts: Sequence[str], spans: Sequence[Sequence[Span]], query: Query
) -> tuple[Sequence[str], Sequence[Sequence[Span]]]:
    """The narratives and nouns that are read: for ``nothing`` always the same word."""
    if query != "nothing":
        return texts, spans
    return [NO_TEXT] * len(texts), [[(0, len(NO_TEXT))] * len(of_one) for of_one in spans]


def noun_queries(
    encoded: EncodedText, spans: Sequence[Sequence[Span]], query: Query
) -> tuple[Tensor, Tensor]:
    """What to ask the network for the nouns of narratives.

    Args:
        encoded: the narratives, as `asked_text` gives them.
        spans: for each narrative its nouns, [start, end) in characters.
        query: what stands for a noun.

    Returns:
        float [B, N, C], N the largest number of nouns, and bool [B, N], whether there is such a
        noun; features where there is none are of no account.

    Raises:
        ValueError: a noun touches no token.
    """
    noun_BNC, there_BN = encoded.nouns(spans)
    if query in ("noun", "nothing"):
        return noun_BNC, there_BN
    sentence_B1C = encoded.sentence_BC[:, None]
    if query == "sentence":
        return sentence_B1C.expand_as(noun_BNC), there_BN
    return noun_BNC + sentence_B1C, there_BN
