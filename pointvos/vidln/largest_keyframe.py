"""The one key-frame that a noun is annotated on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pointvos.vidln.location import KeyframeTrace, SpanLocation


def trace_area(trace: KeyframeTrace) -> float:
    """The area of a trace segment: of the boxes around its strokes, as a share of the frame.

    What lies outside of the frame does not count.
    """
    width, height = _boxes(trace)
    return float(width @ height)


def largest_keyframe(location: SpanLocation) -> KeyframeTrace | None:
    """The segment on the key-frame where it has the largest area (paper, section 3.2).

    The paper does not define the area. A box is how VidLN measures the extent of a trace, and it
    needs no frame to be opened; the pixels of the drawn line would tell how long somebody scribbled
    instead. Every stroke has its own box: one box around all of them would grow over the frame with
    each stray position of a hand that is on its way to the next thing, and the key-frames with such
    strays would be preferred. Of equal areas (straight strokes have none) the one with the longer
    strokes is taken, of equal ones the earliest.

    Returns:
        The segment; None if the span has no trace.
    """

    def size(trace: KeyframeTrace) -> tuple[float, float]:
        width, height = _boxes(trace)
        return float(width @ height), float(width.sum() + height.sum())

    return max(location.by_keyframe, key=size, default=None)


def _boxes(trace: KeyframeTrace) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Width and height of the box around each stroke, as shares of the frame; float64 [S] each."""
    clipped = [np.clip(stroke.astype(np.float64), 0, 1) for stroke in trace.strokes]
    sides = np.array([stroke.max(axis=0) - stroke.min(axis=0) for stroke in clipped])
    return sides[:, 0], sides[:, 1]
