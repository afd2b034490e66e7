"""A long video as windows that follow each other, and what carries over from one to the next.

Shape legend: N nouns, T frames of a window, Q queries of a noun.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor

from pointvos.core.errors import InputError
from vng.inference.grounding import Frame, Memory

SCORES = "query_scores"  # in the memory


def windows(frames: Iterable[Frame], length: int) -> Iterator[list[Frame]]:
    """Consecutive frames, `length` at a time; the last window may be shorter.

    Raises:
        InputError: a frame has another size than the first.
    """
    shape: tuple[int, ...] | None = None
    window: list[Frame] = []
    for frame in frames:
        shape = shape or frame.shape
        if frame.shape != shape:
            raise InputError(
                f"expected frames of {shape[1]}x{shape[0]} like the first, found "
                f"{frame.shape[1]}x{frame.shape[0]}"
            )
        window.append(frame)
        if len(window) == length:
            yield window
            window = []
    if window:
        yield window


class LinkedQueries:
    """Which query stands for each noun, window after window.

    Queries are learnt and the same everywhere, so one that scores well in a window is likely to do
    so in the next. Chosen is the one with the largest mean score over all frames so far: in the
    first window that is the published rule, and a video of one window is grounded exactly as
    published. The rest of the video can change what is chosen, but the longer it is the less.

    Args:
        memory: of the windows before; None at the start of a video.

    Raises:
        InputError: it is of something else.
    """

    def __init__(self, memory: Memory | None = None) -> None:
        self._sum_NQ: Tensor | None = None
        if memory is not None:
            try:
                self._sum_NQ = torch.tensor(memory[SCORES], dtype=torch.float64)
            except (KeyError, TypeError, ValueError) as error:
                found = ", ".join(map(str, memory)) or "nothing"
                raise InputError(
                    f"expected the scores of the queries so far to go on from, found {found}"
                ) from error

    @property
    def memory(self) -> Memory:
        """What the windows after these need to know: the sums of all scores so far."""
        return {} if self._sum_NQ is None else {SCORES: self._sum_NQ.tolist()}

    def __call__(self, score_BNTQ: Tensor) -> Tensor:
        """The queries of the next window of a video.

        Args:
            score_BNTQ: float [1, N, T, Q] in [0, 1].

        Returns:
            int64 [1, N].
        """
        window_NQ = score_BNTQ[0].double().sum(dim=1).cpu()
        if self._sum_NQ is not None and self._sum_NQ.shape != window_NQ.shape:
            raise InputError(
                f"expected scores of {list(window_NQ.shape)} nouns and queries to go on from, "
                f"found {list(self._sum_NQ.shape)}"
            )
        # Of all queries over the same frames, so the largest sum is the largest mean.
        self._sum_NQ = window_NQ if self._sum_NQ is None else torch.add(self._sum_NQ, window_NQ)
        return self._sum_NQ.argmax(dim=-1)[None].to(score_BNTQ.device)
