"""A set of coloured squares, and a method that grounds the colours that nouns name."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.masks import encode_rle
from vng.inference.grounding import Frame, FrameGrounding, Memory, check_question
from vng.text.spans import Span

HEIGHT, WIDTH, FRAMES = 32, 48, 5
COLOURS = {"red": (220, 20, 20), "green": (20, 200, 20), "blue": (20, 20, 220)}
TEXTS = {
    "first": "A red ball follows a blue box.",
    "second": "The green ball and a blue ball are here.",
    "third": "A green leaf falls.",
}
NOUNS = {
    "first": ("red ball", "blue box"),
    "second": ("green ball", "blue ball"),
    "third": ("green leaf",),
}


def square(video: str, noun: str, t: int) -> np.ndarray:
    """Each noun has a row of its own; the blue ball is gone from the last frame."""
    mask = np.zeros((HEIGHT, WIDTH), bool)
    if noun == "blue ball" and t == FRAMES - 1:
        return mask
    row = 2 + 14 * NOUNS[video].index(noun)
    mask[row : row + 10, 4 + 3 * t : 14 + 3 * t] = True
    return mask


def write_set(root: Path, *, unknown: dict[str, int] | None = None) -> Path:
    """`root`/set and `root`/frames; a noun of `unknown` has no mask on that frame."""
    videos: dict[str, Any] = {}
    annotations, listed = [], []
    for index, (video, text) in enumerate(TEXTS.items()):
        folder = root / "frames" / video
        folder.mkdir(parents=True)
        expressions = {}
        for place, noun in enumerate(NOUNS[video]):
            object_id = 10 * index + place
            start = text.index(noun)
            expressions[str(place)] = {
                "narrative_actor_idx": 0,
                "noun_phrase_start_idx": start,
                "noun_phrase_end_idx": start + len(noun),
                "obj_id": object_id,
            }
            masks = [encode_rle(square(video, noun, t)) for t in range(FRAMES)]
            if noun in (unknown or {}):
                masks[unknown[noun]] = None
            annotations.append(
                {
                    "id": object_id,
                    "video_id": index,
                    "height": HEIGHT,
                    "width": WIDTH,
                    "video_name": video,
                    "segmentations": masks,
                }
            )
        videos[video] = {
            "frames": [f"{t:05d}" for t in range(FRAMES)],
            "actor_narratives": [{"actor_idx": 0, "actor_name": "x", "description": text}],
            "expressions": expressions,
        }
        listed.append(
            {
                "id": index,
                "width": WIDTH,
                "height": HEIGHT,
                "length": FRAMES,
                "file_names": [f"{video}/{t:05d}.png" for t in range(FRAMES)],
            }
        )
        for t in range(FRAMES):
            rgb = np.full((HEIGHT, WIDTH, 3), 128, np.uint8)
            for noun in NOUNS[video]:
                rgb[square(video, noun, t)] = COLOURS[noun.split()[0]]
            Image.fromarray(rgb).save(folder / f"{t:05d}.png")
    folder = root / "set"
    folder.mkdir()
    (folder / "meta_expressions.json").write_text(json.dumps({"videos": videos}))
    content = {"info": {}, "videos": listed, "annotations": annotations}
    (folder / "extra_masks.json").write_text(json.dumps(content))
    return folder


class ColourWords:
    """Pixels of the colour that a noun names; the score is whether there are any.

    Args:
        deaf: answer every noun with whatever has a colour.
        stop_after: raise `KeyboardInterrupt` after so many frames, as a kill does.
    """

    def __init__(self, *, deaf: bool = False, stop_after: int | None = None) -> None:
        self.name = "deaf" if deaf else "colours"
        self.identity = self.name
        self.asked: list[tuple[str, tuple[Span, ...]]] = []
        self._deaf = deaf
        self._left = stop_after

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
        assert memory is None
        self.check(text, spans)
        self.asked.append((text, tuple(spans)))
        for frame in frames:
            if self._left is not None:
                self._left -= 1
                if self._left < 0:
                    raise KeyboardInterrupt
            masks = np.stack([self._mask(frame, text[start:end]) for start, end in spans])
            yield FrameGrounding(masks, masks.any(axis=(1, 2)).astype(np.float32))

    def _mask(self, frame: Frame, noun: str) -> np.ndarray:
        wanted = [rgb for word, rgb in COLOURS.items() if self._deaf or word in noun.split()]
        if frame.shape != (HEIGHT, WIDTH, 3):
            raise InputError(f"expected frames of {WIDTH}x{HEIGHT}, found {frame.shape}")
        return np.any([(frame == rgb).all(axis=-1) for rgb in wanted], axis=0) & np.ones(
            frame.shape[:2], bool
        )
