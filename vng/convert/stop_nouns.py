"""Nouns of narratives that are no things: where and how something is seen, not what.

A person who says "on the left" moves the mouse somewhere, and a backend makes a mask of any trace.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from pointvos.formats.video_list import read_name_list

# What often is a thing stays: "back", "top", "picture", "frame", "screen", and "group", whose mask
# is that of its members.
_PLACES = (
    *("background", "foreground", "left", "right", "front", "side", "middle", "centre", "center"),
    *("bottom", "corner", "end", "distance", "direction", "way", "place", "position", "area"),
    *("surroundings", "view", "air"),
)
_RECORDING = ("video", "scene", "camera", "footage")
_TIMES = ("time", "moment", "while", "beginning", "start")
_SOUNDS = ("voice", "sound", "noise", "music")
_AMOUNTS = ("number", "lot", "kind", "type")
STOP_NOUNS = (*_PLACES, *_RECORDING, *_TIMES, *_SOUNDS, *_AMOUNTS)


def read_stop_nouns(choice: str) -> tuple[str, ...]:
    """The stop list that a setting names, sorted.

    Args:
        choice: "default" for `STOP_NOUNS`, "none", or a text file with one noun a line.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no list (see `read_name_list`).
    """
    if choice == "none":
        return ()
    nouns = STOP_NOUNS if choice == "default" else read_name_list(Path(choice))
    return tuple(sorted({noun.casefold() for noun in nouns}))


def is_stopped(lemma: str, stop_nouns: Collection[str]) -> bool:
    """Whether every word of a noun's dictionary form is in a stop list.

    >>> is_stopped("left side", ("left", "side")), is_stopped("side mirror", ("left", "side"))
    (True, False)
    """
    words = lemma.casefold().split()
    return bool(words) and all(word in stop_nouns for word in words)
