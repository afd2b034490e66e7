"""Where on the key-frames the mouse was while a span of a caption was spoken."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from pointvos.vidln.narrative import ActorNarrative, Narrative, TracePart
from pointvos.vidln.time_window import (
    TimeWindow,
    fits_caption,
    window_of_words,
    words_by_time,
    words_in_span,
)


class LocationStatus(StrEnum):
    """What became of a span. All but the first mean that it has no trace."""

    LOCATED = "LOCATED"
    SPAN_OUTSIDE_CAPTION = "SPAN_OUTSIDE_CAPTION"
    NO_ALIGNMENT = "NO_ALIGNMENT"  # the words have no times, or the recording has no start
    SHIFTED_ALIGNMENT = "SHIFTED_ALIGNMENT"  # the caption holds another word there
    NO_WORD = "NO_WORD"  # no word with a time shares a character with the span
    EMPTY_WINDOW = "EMPTY_WINDOW"  # the word after begins when the first one does
    NO_TRACE = "NO_TRACE"  # the narrative has no mouse positions at all
    NO_TRACE_IN_WINDOW = "NO_TRACE_IN_WINDOW"
    UNKNOWN_KEYFRAME = "UNKNOWN_KEYFRAME"  # all positions are on key-frames that do not exist


@dataclass(frozen=True, eq=False)
class KeyframeTrace:
    """The trace segment of a span on one key-frame.

    Attributes:
        keyframe: index into the narrative's `keyframe_names`.
        name: stem of the key-frame's file.
        strokes: uninterrupted runs of positions, in the order of time; each float32 [P, 2], (x, y)
            as shares of the frame's width and height.
    """

    keyframe: int
    name: str
    strokes: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True, eq=False)
class SpanLocation:
    """Where a span was pointed at.

    Attributes:
        status: whether it was at all.
        by_keyframe: its trace segments, in the order of the key-frames.
        window: when it was spoken, where that is known.
        unknown_keyframe_positions: positions left out because their key-frame does not exist.
    """

    status: LocationStatus
    by_keyframe: tuple[KeyframeTrace, ...] = ()
    window: TimeWindow | None = None
    unknown_keyframe_positions: int = 0


def locate_span(narrative: Narrative, actor: ActorNarrative, start: int, end: int) -> SpanLocation:
    """The trace segments of caption[start:end]; what is wrong with the data becomes a status.

    Args:
        narrative: which names the key-frames.
        actor: one of its actors.
        start: first character of the span in the actor's caption.
        end: the character behind its last one.
    """
    caption = actor.caption or ""
    if not 0 <= start < end <= len(caption):
        return SpanLocation(LocationStatus.SPAN_OUTSIDE_CAPTION)
    if not actor.time_alignment or actor.recording_start_ms is None:
        return SpanLocation(LocationStatus.NO_ALIGNMENT)
    words = words_by_time(actor.time_alignment)
    chosen = words_in_span(words, start, end)
    if not chosen:
        return SpanLocation(LocationStatus.NO_WORD)
    if not all(fits_caption(words[i], caption) for i in chosen):
        return SpanLocation(LocationStatus.SHIFTED_ALIGNMENT)
    window = window_of_words(words, chosen)
    if window.is_empty:
        return SpanLocation(LocationStatus.EMPTY_WINDOW, window=window)
    if not any(map(len, actor.traces or ())):
        return SpanLocation(LocationStatus.NO_TRACE, window=window)
    return _strokes_in_window(narrative, actor, window, actor.recording_start_ms)


def _strokes_in_window(
    narrative: Narrative, actor: ActorNarrative, window: TimeWindow, recording_start_ms: int
) -> SpanLocation:
    found: dict[int, list[NDArray[np.float32]]] = {}
    unknown = 0
    for part in actor.traces or ():
        for keyframe, stroke in _split(part, window.contains(part.time_ms, recording_start_ms)):
            if 0 <= keyframe < len(narrative.keyframe_names):
                found.setdefault(keyframe, []).append(stroke)
            else:
                unknown += len(stroke)
    if found:
        status = LocationStatus.LOCATED
    else:
        status = LocationStatus.UNKNOWN_KEYFRAME if unknown else LocationStatus.NO_TRACE_IN_WINDOW
    by_keyframe = tuple(
        KeyframeTrace(keyframe, narrative.keyframe_names[keyframe], tuple(found[keyframe]))
        for keyframe in sorted(found)
    )
    return SpanLocation(status, by_keyframe, window, unknown)


def _split(part: TracePart, inside: NDArray[np.bool_]) -> list[tuple[int, NDArray[np.float32]]]:
    """The runs of positions inside, cut where the key-frame changes: (key-frame, stroke)."""
    if not inside.any():
        return []
    changes = (np.diff(part.keyframe) != 0) | (inside[1:] != inside[:-1])
    cuts = np.flatnonzero(changes) + 1
    starts = [0, *cuts.tolist()]
    strokes = np.split(part.xy, cuts)
    return [
        (int(part.keyframe[first]), stroke)
        for first, stroke in zip(starts, strokes, strict=True)
        if inside[first]
    ]
