"""Grounded frames of moving squares, drawn and scored by hand."""

from collections.abc import Iterator

import numpy as np

from vng.grounding.grounded import GroundedFrame, NounQuestion

HEIGHT, WIDTH, GREY = 120, 160, 110
TEXT = "A man in a red shirt waits; no dog is there."
QUESTION = NounQuestion(TEXT, ((2, 5), (11, 20), (31, 34)))  # man, red shirt, dog
NOUNS = len(QUESTION.spans)


def masks_at(t: int) -> np.ndarray:
    """The man, whose lower half is the shirt until the third frame, and no dog."""
    masks = np.zeros((NOUNS, HEIGHT, WIDTH), bool)
    left = 10 + 8 * t
    masks[0, 20:100, left : left + 60] = True
    if t < 3:
        masks[1, 60:100, left : left + 60] = True
    return masks


def grounded_squares(count: int, *, every: int = 1) -> Iterator[GroundedFrame]:
    for t in range(count):
        rgb = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
        scores = np.array([0.9, 0.8 if t < 3 else 0.2, 0.05], np.float32)
        yield GroundedFrame(t * every, f"{t * every:05d}", rgb, masks_at(t), scores)
