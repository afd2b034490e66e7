"""A small video of moving coloured squares, and a method that grounds colours and counts frames."""

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from pointvos.core.frames import ArrayFrames
from vng.grounding.grounded import NounQuestion
from vng.inference.grounding import Frame, FrameGrounding, Memory, check_question
from vng.text.spans import Span

HEIGHT, WIDTH = 128, 192
COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
TEXT = "A red ball follows a blue box, and no green leaf is there."
QUESTION = NounQuestion(TEXT, ((2, 10), (21, 29), (38, 48)))


def square(colour: str, t: int) -> np.ndarray:
    """A mask; the blue square is gone after the fifth frame, there is no green one."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if colour == "green" or (colour == "blue" and t > 5):
        return mask
    row = {"red": 4, "blue": 34}[colour]
    mask[row : row + 22, 6 + 3 * t : 30 + 3 * t] = True
    return mask


def colour_video(count: int = 10, *, name: str = "squares") -> ArrayFrames:
    frames = []
    for t in range(count):
        rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
        for colour in ("red", "blue"):
            rgb[square(colour, t)] = COLOURS[colour]
        frames.append(rgb)
    return ArrayFrames(frames, name=name, rate=10)


class Colours:
    """Pixels of the colour that a noun names; scores say how many frames were seen before.

    Args:
        window: it can go on after as many frames.
        stop_after: raise `KeyboardInterrupt` after so many frames, as a kill does.
    """

    def __init__(self, *, window: int = 4, stop_after: int | None = None) -> None:
        self.name, self.identity = "colours", "1"
        self.seen: list[int] = []
        self._window, self._stop_after = window, stop_after

    def check(self, text: str, spans: Sequence[Span]) -> None:
        check_question(text, spans)

    def ground(
        self,
        frames: Iterable[Frame],
        text: str,
        spans: Sequence[Span],
        *,
        memory: Memory | None = None,
    ) -> Iterator[FrameGrounding]:
        first = 0 if memory is None else memory["seen"]
        colours = [text[start:end].split()[0] for start, end in spans]
        for t, frame in enumerate(frames, first):
            if self._stop_after is not None and t >= self._stop_after:
                raise KeyboardInterrupt
            self.seen.append(t)
            masks = np.stack([(frame == COLOURS[colour]).all(axis=-1) for colour in colours])
            scores = np.where(masks.any(axis=(1, 2)), 0.5 + t / 100, 0.1).astype(np.float32)
            done = (t + 1) % self._window == 0
            yield FrameGrounding(masks, scores, {"seen": t + 1} if done else None)
