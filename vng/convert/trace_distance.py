"""How far the points of an object are from where a noun was pointed at."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pointvos.vidln.drawing import pixel_strokes
from pointvos.vidln.location import SpanLocation


def trace_distance(
    foreground: Mapping[str, NDArray[np.float32]],
    location: SpanLocation,
    height: int,
    width: int,
) -> float | None:
    """Distance of an object from the trace of a noun, in shares of the frame's diagonal.

    On one key-frame it is the mean of two means: of the distances of the foreground points to the
    nearest place on the strokes, and of the distances of the mouse positions to the nearest
    foreground point. The first alone would favour traces that sweep over everything, the second
    alone traces that rest on one spot. Over several key-frames the mean counts.

    Args:
        foreground: frame -> float32 [P, 2], foreground points (x, y) in pixels of the frame.
        location: the noun's trace.
        height: of the frames, in pixels.
        width: of the frames, in pixels.

    Returns:
        The distance, at least 0; None if no key-frame with a trace has foreground points.
    """
    by_frame = {frame_key(name): xy for name, xy in foreground.items() if len(xy)}
    found = []
    for trace in location.by_keyframe:
        points = by_frame.get(frame_key(trace.name))
        if points is not None:
            strokes = pixel_strokes(trace.strokes, height, width)
            found.append(_on_one_frame(points, strokes))
    return float(np.mean(found) / np.hypot(height, width)) if found else None


def frame_key(name: str) -> str | int:
    """What is equal for names of one frame: where they are plain numbers, "000009" is "00009"."""
    return int(name) if name.isdecimal() else name


def _on_one_frame(points: NDArray[np.float32], strokes: list[NDArray[np.float32]]) -> float:
    to_strokes = np.min([_to_stroke(points, stroke) for stroke in strokes], axis=0)
    positions = np.concatenate(strokes)
    between = np.linalg.norm(positions[:, None] - points[None], axis=2)
    return float((to_strokes.mean() + between.min(axis=1).mean()) / 2)


def _to_stroke(points: NDArray[np.float32], stroke: NDArray[np.float32]) -> NDArray[np.float64]:
    """Distance of each point to the nearest place on the line through the positions, [P]."""
    line = stroke.astype(np.float64)
    begins, ends = (line[:-1], line[1:]) if len(line) > 1 else (line, line)
    along = ends - begins
    squared = np.maximum((along**2).sum(axis=1), 1e-12)
    away = points[:, None].astype(np.float64) - begins[None]
    share = np.clip((away * along).sum(axis=2) / squared, 0, 1)
    return np.asarray(np.linalg.norm(away - share[..., None] * along, axis=2).min(axis=1))
