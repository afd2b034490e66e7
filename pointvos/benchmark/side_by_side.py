"""Several runs over one video, side by side: frames are read once and masks never pile up."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from pointvos.benchmark.methods import Method
from pointvos.benchmark.protocol import Initialisation
from pointvos.formats.masked_video import MaskedVideo

Key = TypeVar("Key", bound=Hashable)
Index = NDArray[np.uint8]

Sink = Callable[[Key, str, Index | None, Index], None]
"""Takes (run, frame name, true object ids or None, predicted object ids)."""


def run_side_by_side(
    method: Method,
    video: MaskedVideo,
    runs: Mapping[Key, Initialisation],
    sink: Sink[Key],
    *,
    on_frame: Callable[[], object] = lambda: None,
) -> None:
    """Follow the objects of a video from its first frame to its last, once for each run.

    Args:
        method: what follows them.
        video: frames, and masks where it is annotated.
        runs: what starts each run.
        sink: called for every run on every frame, in the order of the video.
        on_frame: called after each frame.

    Raises:
        InputError: a frame or mask is damaged.
    """
    trackers = {run: method.start() for run in runs}
    for frame in video.frames.read():
        truth = video.read_mask(frame.name) if frame.name in video.annotated else None
        for run, given in runs.items():
            sink(run, frame.name, truth, trackers[run].step(frame.rgb, given.get(frame.name)))
        on_frame()
