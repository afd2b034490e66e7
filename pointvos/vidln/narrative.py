"""Narratives as they are published: one record a video and annotator, one caption an actor.

What the format does not name is kept, as is the order of the keys, so that a record can be written
back as the same JSON value. Fields that the releases may lack are None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

WORD_KEYS = (
    "end_ms",
    "referenced_word",
    "referenced_word_end_idx",
    "referenced_word_start_idx",
    "start_ms",
)
ACTOR_KEYS = (
    "actor_name",
    "keyframe_selection_indices",
    "recording_start_time_ms_since_epoch",
    "traces_start_time_ms_since_epoch",
    "caption",
    "traces",
    "noun_segments",
    "time_alignment",
    "recording_filename",
)
NARRATIVE_KEYS = (
    "vidln_id",
    "dataset_id",
    "video_id",
    "keyframe_names",
    "actor_narratives",
    "annotator_id",
)


@dataclass(frozen=True)
class TimedWord:
    """When a word of the caption was spoken.

    Attributes:
        start_ms: begin, in ms from the start of the recording.
        end_ms: end, in ms from the start of the recording; the releases may lack it.
        text: the word as it stands in the caption.
        start: its first character in the caption.
        end: the character behind its last one.
        other: fields that the format does not name.
        keys: all keys in the order of the file.
    """

    start_ms: int
    end_ms: int | None
    text: str | None
    start: int
    end: int
    other: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = WORD_KEYS


@dataclass(frozen=True, eq=False)
class TracePart:
    """One uninterrupted run of mouse positions.

    Attributes:
        positions: float64 [P, 2], (x, y) as shares of the frame's width and height, in [0, 1]
            where the mouse was on the frame; as published.
        time_ms: int64 [P], ms since the epoch.
        keyframe: int64 [P], index into the narrative's `keyframe_names`; may change within a part.
        other: index of a position -> its fields that the format does not name.
    """

    positions: NDArray[np.float64]
    time_ms: NDArray[np.int64]
    keyframe: NDArray[np.int64]
    other: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)

    def __len__(self) -> int:
        """How many positions there are."""
        return len(self.time_ms)

    @cached_property
    def xy(self) -> NDArray[np.float32]:
        """The positions, float32 [P, 2]."""
        return self.positions.astype(np.float32)


@dataclass(frozen=True, eq=False)
class ActorNarrative:
    """What an annotator said of one actor (or of the background).

    Attributes:
        actor_name: such as "Man one" or "background".
        caption: never edited; all spans are offsets into it, in characters of Python.
        keyframe_selection: the key-frames that were shown, as indices into `keyframe_names`.
        recording_start_ms: ms since the epoch; what the times of the words count from.
        traces_start_ms: ms since the epoch.
        traces: the mouse positions.
        noun_segments: published spans [start, end) of nouns.
        time_alignment: the words.
        recording_filename: of the audio.
        other: fields that the format does not name.
        keys: all keys in the order of the file.
    """

    actor_name: str | None = None
    caption: str | None = None
    keyframe_selection: tuple[int, ...] | None = None
    recording_start_ms: int | None = None
    traces_start_ms: int | None = None
    traces: tuple[TracePart, ...] | None = None
    noun_segments: tuple[tuple[int, int], ...] | None = None
    time_alignment: tuple[TimedWord, ...] | None = None
    recording_filename: str | None = None
    other: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ACTOR_KEYS


@dataclass(frozen=True, eq=False)
class Narrative:
    """What one annotator said of one video.

    Attributes:
        vidln_id: unique in its dataset.
        dataset_id: such as "oops_train".
        video_id: name of the video in the dataset.
        keyframe_names: stems of the key-frames' files, what `TracePart.keyframe` counts.
        actor_narratives: in the order of the file.
        annotator_id: a number or a name.
        other: fields that the format does not name.
        keys: all keys in the order of the file.
    """

    vidln_id: int
    dataset_id: str
    video_id: str
    keyframe_names: tuple[str, ...]
    actor_narratives: tuple[ActorNarrative, ...]
    annotator_id: int | str | None = None
    other: Mapping[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = NARRATIVE_KEYS
