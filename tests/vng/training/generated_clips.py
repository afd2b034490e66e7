"""Narrated clips drawn from their number: coloured squares that move on grey ground."""

from __future__ import annotations

import numpy as np

from vng.data.samples import NarratedClip

COLOURS = {"red": (220, 40, 40), "green": (40, 190, 60), "blue": (50, 70, 220)}


class ColouredSquares:
    """Sample number -> a clip with two squares, whose narrative also names one that is not there.

    Args:
        samples: of the run.
        frames: of a clip.
        size: height and width in pixels.
        varied: whether sizes and narratives differ, so that batches are padded.
    """

    def __init__(
        self, samples: int, *, frames: int = 1, size: int = 80, varied: bool = False
    ) -> None:
        self.samples = samples
        self.frames = frames
        self.size = size
        self.varied = varied

    def __len__(self) -> int:
        return self.samples

    def __getitem__(self, number: int) -> NarratedClip:
        rng = np.random.default_rng([3, number])
        width = self.size + (16 if self.varied and number % 2 else 0)
        first, second, absent = rng.permutation(list(COLOURS)).tolist()
        text = f"The {first} square passes the {second} one, but no {absent} disk."
        if self.varied and number % 3 == 0:
            text = "Look: " + text
        spans = []
        for noun in (f"{first} square", f"{second} one", f"{absent} disk"):
            start = text.index(noun)
            spans.append((start, start + len(noun)))
        rgb = rng.integers(110, 140, (self.frames, self.size, width, 3)).astype(np.uint8)
        masks = np.zeros((3, self.frames, self.size, width), bool)
        side = self.size // 3
        for n, colour in enumerate((first, second)):
            x = int(rng.integers(0, width // 2 - side)) + n * width // 2
            y = int(rng.integers(0, self.size - side))
            for t in range(self.frames):
                rows = slice(max(0, y - 2 * t), max(0, y - 2 * t) + side)
                masks[n, t, rows, x : x + side] = True
            rgb[masks[n]] = COLOURS[colour]
        known = np.ones((3, self.frames), bool)
        known[1, 1:] = False  # of the second only the first frame is annotated
        return NarratedClip(
            video_name=f"squares/{number}",
            rgb=rgb,
            text=text,
            spans=tuple(spans),
            masks=masks,
            known=known,
            still=False,
        )
