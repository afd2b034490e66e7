"""From character spans to tokens, and to one feature a noun.

Shape legend: B batch, L tokens, C channels, N nouns.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

NO_CHARACTER = -1  # offset of special and padding tokens, which stand for no character

Span = tuple[int, int]  # [start, end) of a noun, in characters of its narrative


def tokens_of_spans(offset_BL2: Tensor, spans: Sequence[Sequence[Span]]) -> Tensor:
    """Which tokens touch which noun.

    A noun that a tokenizer cuts in pieces touches all of them; a token that reaches beyond the noun
    ("dog's" in some vocabularies) counts as well.

    Args:
        offset_BL2: int64 [B, L, 2], first character of each token and one past its last.
        spans: for each narrative its nouns; not all need to have as many.

    Returns:
        bool [B, N, L], N the largest number of nouns; rows of nouns that are not there are empty.

    Raises:
        ValueError: a noun touches no token, as one of spaces alone.
    """
    batch, length = offset_BL2.shape[:2]
    most = max((len(of_one) for of_one in spans), default=0)
    touched_BNL = torch.zeros(batch, most, length, dtype=torch.bool, device=offset_BL2.device)
    for b, of_one in enumerate(spans):
        first_L, last_L = offset_BL2[b].unbind(dim=1)
        for n, (start, end) in enumerate(of_one):
            touched_BNL[b, n] = (first_L < end) & (last_L > start) & (first_L != NO_CHARACTER)
            if not touched_BNL[b, n].any():
                raise ValueError(
                    f"narrative {b}: expected a noun with at least one token, found none for the "
                    f"characters {start} to {end}"
                )
    return touched_BNL


def mean_of_tokens(token_BLC: Tensor, touched_BNL: Tensor) -> Tensor:
    """The mean feature of the tokens of each noun, float [B, N, C]; 0 for nouns without tokens."""
    weight_BNL = touched_BNL.to(token_BLC.dtype)
    weight_BNL = weight_BNL / weight_BNL.sum(dim=2, keepdim=True).clamp_min(1)
    return weight_BNL @ token_BLC


def check_spans(text: str, spans: Sequence[Span]) -> None:
    """Refuse nouns that are not inside their narrative.

    Raises:
        ValueError: naming the span and the length of the text.
    """
    for start, end in spans:
        if not 0 <= start < end <= len(text):
            raise ValueError(
                f"expected nouns inside the {len(text)} characters of {text[:40]!r}, found "
                f"{start} to {end}"
            )
