"""What grounds nouns in videos, whatever it is: one protocol for trained models and baselines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from vng.text.spans import Span

Frame = NDArray[np.uint8]
"""RGB, [H, W, 3]."""

Memory = Mapping[str, Any]
"""What a method must know of the frames before, of plain JSON values."""


class FrameGrounding(NamedTuple):
    """The nouns of a narrative on one frame.

    Attributes:
        masks: bool [N, H, W], at the size of the frame; they may overlap.
        scores: float32 [N] in [0, 1], that the object of the noun is there.
        memory: with it grounding can go on at the next frame, in another process as well, as if it
            had never stopped; None where it cannot.
    """

    masks: NDArray[np.bool_]
    scores: NDArray[np.float32]
    memory: Memory | None = None


class GroundingMethod(Protocol):
    """Grounds all nouns of a narrative at once.

    Attributes:
        name: as it was asked for.
        identity: changes when the results may: a digest of its weights, its settings; may be empty.
    """

    name: str
    identity: str

    def check(self, text: str, spans: Sequence[Span]) -> None:
        """Refuse a narrative or nouns that cannot be asked for, without looking at a frame.

        Raises:
            InputError: saying what is wrong with them.
        """

    def ground(
        self,
        frames: Iterable[Frame],
        text: str,
        spans: Sequence[Span],
        *,
        memory: Memory | None = None,
    ) -> Iterator[FrameGrounding]:
        """Ground nouns in a video, frame by frame; what is held does not grow with its length.

        Args:
            frames: all frames of the video, in order, of one size; read as they are needed.
            text: the narrative.
            spans: [start, end) of each noun, in characters; at least one.
            memory: of the frame before the first of `frames`, which then are the rest of a video;
                None at its start.

        Returns:
            As many groundings as there are frames, in order.

        Raises:
            InputError: as `check`; a frame has another size than the first; or the memory is of
                another method or narrative.
        """


def check_question(text: str, spans: Sequence[Span]) -> None:
    """Refuse what no method can be asked.

    Raises:
        InputError: the narrative has no words, there is no noun, or one that is not inside it or
            only of spaces.
    """
    if not text.strip():
        raise InputError(f"expected a narrative with words, found {text[:20]!r}")
    if not spans:
        raise InputError(f"expected a noun in {text[:40]!r}, found none")
    for start, end in spans:
        if not 0 <= start < end <= len(text):
            raise InputError(
                f"expected nouns inside the {len(text)} characters of {text[:40]!r}, found "
                f"{start} to {end}"
            )
        if not text[start:end].strip():
            raise InputError(
                f"expected a noun at characters {start} to {end} of {text[:40]!r}, found spaces"
            )
