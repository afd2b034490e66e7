"""What is asked of a video, and what was found in each of its frames.

Nouns are numbered from 1 in the order of the narrative. A noun has the colour of its number in mask
files, overlays, captions and pages alike.

Shape legend: N nouns, H W height and width of the frames.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pointvos.core.masks import MAX_OBJECT_ID
from pointvos.visualize.colours import Colour, object_colour
from vng.text.spans import Span

LONGEST_NAME = 40  # characters of a text in the name of its folder


@dataclass(frozen=True)
class NounQuestion:
    """A narrative and the nouns of it that are looked for.

    Attributes:
        text: the narrative, as it was given.
        spans: [start, end) of each noun in characters, in the order of the narrative, each once.
        name: of the narrative, for folders and pages; empty where there is one only.
    """

    text: str
    spans: tuple[Span, ...]
    name: str = ""

    @property
    def labels(self) -> tuple[NounLabel, ...]:
        """The nouns with their numbers."""
        return tuple(
            NounLabel(number, self.text[start:end], start, end)
            for number, (start, end) in enumerate(self.spans, 1)
        )


def numbered_name(number: int, text: str) -> str:
    """Of a folder: the number and what of the text any file system takes.

    >>> numbered_name(2, "a <box> & more/.."), numbered_name(3, "?!")
    ('2-a_box_more', '3')
    """
    plain = unicodedata.normalize("NFKC", text)
    words = "_".join(re.findall(r"\w+", plain))[:LONGEST_NAME]
    return f"{number}-{words}" if words else str(number)


@dataclass(frozen=True)
class NounLabel:
    """A noun of a narrative.

    Attributes:
        number: from 1, in the order of the narrative.
        text: of it.
        start: its first character in the narrative.
        end: the character behind its last one.
    """

    number: int
    text: str
    start: int
    end: int

    @property
    def folder(self) -> str:
        """Of its masks: "2-bike"; what no file system should see is left out."""
        return numbered_name(self.number, self.text)

    @property
    def palette_index(self) -> int:
        """Of its pixels in a palette mask, 1 .. 254; colours repeat after that many nouns."""
        return 1 + (self.number - 1) % MAX_OBJECT_ID

    @property
    def colour(self) -> Colour:
        """Of it in all pictures."""
        return object_colour(self.palette_index)


@dataclass(frozen=True, eq=False)
class GroundedFrame:
    """The nouns of a narrative on a frame.

    Attributes:
        index: of the frame in the video.
        name: of the frame.
        rgb: uint8 [H, W, 3].
        masks: bool [N, H, W]; they may overlap.
        scores: float32 [N] in [0, 1], that what the noun means is there.
    """

    index: int
    name: str
    rgb: NDArray[np.uint8]
    masks: NDArray[np.bool_]
    scores: NDArray[np.float32]
