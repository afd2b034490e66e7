"""Which frames of a video make a narrated clip: a centre, its neighbours, and others far away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

LOCAL_REACH = 3  # frames from the centre to a local frame, 1 to this (ReferFormer)
LOCAL_FRAMES = 2  # one before the centre, one after it


def choose_centre(shown: Sequence[int], known: Sequence[int], rng: np.random.Generator) -> int:
    """The frame around which a clip is drawn: one that shows a noun, if any does.

    Args:
        shown: frames on which a noun has a mask that is not empty.
        known: frames on which a noun has a mask, empty or not.
        rng: source of randomness.

    Raises:
        ValueError: no frame is known.
    """
    candidates = shown if len(shown) else known
    if not len(candidates):
        raise ValueError("expected a frame with a known mask, found none")
    return candidates[int(rng.integers(len(candidates)))]


def choose_frames(count: int, centre: int, frames: int, rng: np.random.Generator) -> list[int]:
    """`frames` frames of a video of `count`, the centre among them, in the order of time.

    As in ReferFormer: one frame 1 to 3 before the centre and one as far behind it, the others from
    the whole video outside. Frames are distinct as long as the video has enough of them; a shorter
    video repeats some. Two frames are the centre and one neighbour.

    Raises:
        ValueError: the centre is no frame of the video, or no frame is wanted.
    """
    if not 0 <= centre < count or frames < 1:
        raise ValueError(
            f"expected a centre in 0 .. {count - 1} and at least 1 frame, found {centre} and "
            f"{frames}"
        )
    chosen = [centre]
    sides = rng.permutation([-1, 1])[: min(LOCAL_FRAMES, frames - 1)]
    for side in sides:
        room = centre if side < 0 else count - 1 - centre
        if room:
            chosen.append(centre + int(side) * int(rng.integers(1, min(LOCAL_REACH, room) + 1)))
    first, last = min(chosen), max(chosen)
    outside = [frame for frame in range(count) if not first <= frame <= last]
    chosen += _draw(outside, frames - len(chosen), rng)
    inside = [frame for frame in range(first, last + 1) if frame not in chosen]
    chosen += _draw(inside, frames - len(chosen), rng)
    while len(chosen) < frames:  # every frame is in; some come again
        chosen += _draw(list(range(count)), frames - len(chosen), rng)
    return sorted(chosen)


def _draw(frames: list[int], wanted: int, rng: np.random.Generator) -> list[int]:
    """Up to `wanted` distinct ones of `frames`."""
    places = rng.permutation(len(frames))[: max(0, wanted)]
    return [frames[int(place)] for place in places]
