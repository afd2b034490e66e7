"""Segmentation of a whole video from objects given on some of its frames, as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frames import Frame, FrameSource
from pointvos.inference.models import PropagationSettings, UsedSettings
from pointvos.inference.propagator import GivenObject
from pointvos.inference.segmentation import PackedSegmentation, Segmentation

# A video file decodes forward only: going backward, this much of it is decoded at once.
BACKWARD_CHUNK_BYTES = 64_000_000


Segmented = TypeVar("Segmented", covariant=True)


class Follower(Protocol[Segmented]):
    """Follows the objects of one video: a `Propagator`, or what stands before one."""

    def step(
        self, frame: NDArray[np.uint8], new_objects: Mapping[int, GivenObject] | None = None, /
    ) -> Segmented:
        """Segment the next frame; see `Propagator.step`."""


class VideoModel(Protocol):
    """What segments videos: a trained network, or a mask backend and a network behind it."""

    @property
    def name(self) -> str:
        """As it was asked for."""

    def propagator(self, settings: PropagationSettings | None = None) -> Follower[Segmentation]:
        """One that has seen nothing; values of `settings` that are None take the model's."""

    def used_settings(self, settings: PropagationSettings | None = None) -> UsedSettings:
        """The settings that such a propagator uses, the model's own included."""


class PropagatedFrame(NamedTuple):
    """A frame and its segmentation."""

    frame: Frame
    segmentation: Segmentation


def propagate(
    new_propagator: Callable[[], Follower[Segmentation]],
    frames: FrameSource,
    objects: Mapping[int, Mapping[int, GivenObject]],
    *,
    backward: bool = False,
) -> Iterator[PropagatedFrame]:
    """Segment a video; one frame is held at a time, whatever the length.

    Without `backward`, frames come in order and an object exists from the first frame it is given
    on; frames before that show background. With it, objects are also followed back in time, from
    the frame on which the last of them is given for the first time: first come the frames before
    the first given one, from there to the start of the video, then the rest in order. Where objects
    are first given on different frames, what the backward pass found on the frames between waits,
    packed, for the forward pass. What is given of an object later on helps the forward pass alone.

    Args:
        new_propagator: makes one that has seen nothing; called once for each direction.
        frames: the video.
        objects: index of a frame to what is given on it: object id to points or mask.
        backward: whether frames before the one an object is given on are segmented too.

    Yields:
        Every frame of the video once.

    Raises:
        InputError: no object is given, a frame index is outside the video, or see
            `Propagator.step`.
    """
    given_on = sorted(index for index, given in objects.items() if given)
    if not given_on:
        raise InputError(f"{frames.name}: expected at least one object to follow, found none")
    if given_on[0] < 0 or given_on[-1] >= len(frames):
        outside = given_on[0] if given_on[0] < 0 else given_on[-1]
        raise InputError(
            f"{frames.name}: expected objects on frames 0 .. {len(frames) - 1}, found frame "
            f"{outside}"
        )
    first = given_on[0]
    # Behind the frame where the last object appears, the forward pass has them all.
    turn = max({i: t for t in reversed(given_on) for i in objects[t]}.values())
    put_aside: dict[int, PackedSegmentation] = {}
    if backward and turn > 0:
        propagator = new_propagator()
        for frame in _read_backward(frames, turn):
            segmentation = propagator.step(frame.rgb, objects.get(frame.index))
            if frame.index < first:
                yield PropagatedFrame(frame, segmentation)
            else:
                forward_ids = {i for t in given_on if t <= frame.index for i in objects[t]}
                later_ids = set(segmentation.object_ids) - forward_ids
                if later_ids:
                    packed = PackedSegmentation.pack(segmentation, later_ids)
                    put_aside[frame.index] = packed
    propagator = new_propagator()
    for frame in frames.read(first if backward else 0):
        segmentation = propagator.step(frame.rgb, objects.get(frame.index))
        if frame.index in put_aside:
            segmentation = segmentation.joined(put_aside.pop(frame.index).unpack())
        yield PropagatedFrame(frame, segmentation)


def _read_backward(frames: FrameSource, start: int) -> Iterator[Frame]:
    """Frames from `start` down to 0, decoded in chunks."""
    chunk = max(1, BACKWARD_CHUNK_BYTES // (frames.height * frames.width * 3))
    for stop in range(start + 1, 0, -chunk):
        yield from reversed(list(frames.read(max(0, stop - chunk), stop)))
