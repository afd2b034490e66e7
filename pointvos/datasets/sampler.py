"""Which frames and which objects make a training clip."""

from __future__ import annotations

import numpy as np

from pointvos.core.errors import InputError
from pointvos.datasets.samples import ClipReader, SampledClip

CLIP_LENGTH = 3  # one reference and two targets; paper, appendix D


def choose_frames(
    objects: list[list[int]], rng: np.random.Generator, max_span: int | None = None
) -> list[int]:
    """Three distinct annotated frames, the first of them with an object.

    STCN's own sampler repeats frames on videos of 10 annotated frames and never reaches the last
    ones; here every triplet of distinct frames within the span can be drawn. Time runs backward in
    half of the clips because the reference may be the first or the last of the three.

    Args:
        objects: ids annotated on each frame.
        rng: source of randomness.
        max_span: largest distance, in annotated frames, of a target from the reference.

    Raises:
        InputError: no frame has an object, or there are fewer than three frames.
    """
    count = len(objects)
    candidates = [frame for frame, ids in enumerate(objects) if ids]
    if count < CLIP_LENGTH or not candidates:
        raise InputError(
            f"expected at least {CLIP_LENGTH} annotated frames, one of them with an object, found "
            f"{count} frames, {len(candidates)} with an object"
        )
    reference = int(rng.choice(candidates))
    span = max(CLIP_LENGTH - 1, max_span or count)
    later = np.arange(reference + 1, min(reference + span, count - 1) + 1)
    earlier = np.arange(reference - 1, max(reference - span, 0) - 1, -1)
    sides = [side for side in (later, earlier) if len(side) >= CLIP_LENGTH - 1]
    if sides:
        side = sides[rng.integers(len(sides))]
        chosen = np.sort(rng.choice(len(side), CLIP_LENGTH - 1, replace=False))
        return [reference, *(int(side[place]) for place in chosen)]
    # Neither side holds two frames: a short video whose reference lies in its middle.
    others = np.concatenate([earlier, later])
    return [reference, *(int(frame) for frame in rng.permutation(others)[: CLIP_LENGTH - 1])]


def sample_clip(
    reader: ClipReader,
    video: int,
    rng: np.random.Generator,
    *,
    max_objects: int = 2,
    max_span: int | None = None,
    length: int = CLIP_LENGTH,
) -> SampledClip:
    """Choose `length` frames and up to `max_objects` objects of the reference frame.

    Raises:
        InputError: the video cannot give a clip; the message names it.
    """
    name = f"{reader.name}/{reader.video_name(video)}"
    objects = reader.objects(video)
    max_span = max_span if reader.max_span is None else reader.max_span
    try:
        chosen = [0] * CLIP_LENGTH if reader.static else choose_frames(objects, rng, max_span)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    chosen = chosen[:length]
    ids = objects[chosen[0]]
    object_ids = [int(i) for i in rng.permutation(ids)[:max_objects]]
    if reader.static:
        frames = [reader.read(video, 0)] * length
    else:
        frames = [reader.read(video, frame) for frame in chosen]
    return SampledClip(name, frames, object_ids, reader.static)
