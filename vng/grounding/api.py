"""Grounding in three lines of Python: a video and a sentence in, arrays out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frame_stride import StridedFrames
from pointvos.core.frames import ArrayFrames, Frame, FrameSource, open_frames
from vng.grounding.grounded import GroundedFrame, NounLabel, NounQuestion
from vng.grounding.questions import question_of_caption, question_of_nouns, question_of_spans
from vng.inference.grounding import GroundingMethod
from vng.inference.methods import DEFAULT_METHOD, open_grounding
from vng.inference.rf_vng import GroundingSettings
from vng.text.spans import Span

Video = str | Path | Sequence[NDArray[np.uint8]] | NDArray[np.uint8] | FrameSource
"""A video file, a folder of images, or frames in memory: uint8 RGB, each [H, W, 3]."""


@dataclass(frozen=True, eq=False)
class GroundedVideo:
    """The nouns of a sentence in a whole video, in memory.

    Attributes:
        text: the sentence.
        nouns: what was looked for, in the order of the sentence; their `start` and `end` are
            characters of it.
        frames: the name of every frame that was looked at.
        masks: bool [N, T, H, W], one for each noun and frame; they may overlap. Empty where a noun
            is taken to be absent.
        scores: float32 [N, T] in [0, 1], that what the noun means is there.
    """

    text: str
    nouns: tuple[NounLabel, ...]
    frames: tuple[str, ...]
    masks: NDArray[np.bool_]
    scores: NDArray[np.float32]

    def __getitem__(self, noun: str) -> NDArray[np.bool_]:
        """The masks of the first noun with these words, bool [T, H, W].

        Raises:
            KeyError: no noun has them.
        """
        for place, label in enumerate(self.nouns):
            if label.text.lower() == noun.lower():
                of_noun: NDArray[np.bool_] = self.masks[place]
                return of_noun
        raise KeyError(f"{noun!r}: expected one of {[label.text for label in self.nouns]}")


def ground(
    video: Video,
    caption: str | None = None,
    *,
    nouns: Sequence[str] | None = None,
    spans: Sequence[Span] | None = None,
    method: str | GroundingMethod = DEFAULT_METHOD,
    presence: float | None = None,
    stride: int = 1,
    device: str = "cpu",
) -> GroundedVideo:
    """Ground the nouns of a sentence in a video.

        from vng import ground
        found = ground("clip.mp4", "A man rides a bike past a red car.")
        found["bike"].shape  # frames, height, width

    All masks are held in memory: T x H x W bytes a noun. Use `ground_frames` for long videos.

    Args:
        video: a video file, a folder of images, or frames uint8 RGB [H, W, 3] of one size.
        caption: the sentence; its nouns are found by spaCy, unless they are given.
        nouns: words to look for, in the caption or, without one, by themselves.
        spans: [start, end) of each noun in the caption, in characters.
        method: its name (`vng.inference.methods.open_grounding`), or a method that is open already.
        presence: least score of a noun that has a mask; None takes what its weights were calibrated
            for, 0 keeps all masks.
        stride: look at every n-th frame only.
        device: of torch, where `method` is a name.

    Raises:
        FileNotFoundError: there is no such video, or no such weights.
        InputError: the video cannot be read, there is no noun, or both nouns and spans are given.
    """
    source = as_frames(video, stride=stride)
    question = make_question(caption, nouns=nouns, spans=spans)
    if isinstance(method, str):
        method = open_grounding(method, GroundingSettings(presence=presence), device=device)
    elif presence is not None:
        raise InputError("expected presence together with the name of a method, found one open")
    found = list(ground_frames(source, question, method))
    return GroundedVideo(
        text=question.text,
        nouns=question.labels,
        frames=tuple(source.names),
        masks=np.stack([one.masks for one in found], axis=1),
        scores=np.stack([one.scores for one in found], axis=1),
    )


def ground_frames(
    frames: FrameSource, question: NounQuestion, method: GroundingMethod
) -> Iterator[GroundedFrame]:
    """Ground nouns frame by frame; what is held does not grow with the length of the video.

    Raises:
        InputError: see `GroundingMethod.ground`.
    """
    waiting: deque[Frame] = deque()  # read by the method, and not answered yet

    def pixels() -> Iterator[NDArray[np.uint8]]:
        for frame in frames.read():
            waiting.append(frame)
            yield frame.rgb

    for found in method.ground(pixels(), question.text, question.spans):
        frame = waiting.popleft()
        yield GroundedFrame(frame.index, frame.name, frame.rgb, found.masks, found.scores)


def as_frames(video: Video, *, stride: int = 1) -> FrameSource:
    """What can be read frame by frame.

    Raises:
        FileNotFoundError: there is no such video.
        InputError: it cannot be read, or frames in memory are not uint8 RGB of one size.
    """
    frames: FrameSource
    if isinstance(video, str | Path):
        frames = open_frames(video)
    elif hasattr(video, "read"):
        frames = cast(FrameSource, video)
    else:
        arrays = cast(Sequence[NDArray[np.uint8]], video)
        for index, frame in enumerate(arrays):
            if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[2] != 3:
                raise InputError(
                    f"frame {index}: expected uint8 RGB [H, W, 3], found {frame.dtype} "
                    f"{list(frame.shape)}"
                )
            if frame.shape != arrays[0].shape:
                raise InputError(
                    f"frame {index}: expected {list(arrays[0].shape)} like the first, found "
                    f"{list(frame.shape)}"
                )
        frames = ArrayFrames(arrays)
    return frames if stride == 1 else StridedFrames(frames, stride)


def make_question(
    caption: str | None,
    *,
    nouns: Sequence[str] | None = None,
    spans: Sequence[Span] | None = None,
    pipeline: str | None = None,
) -> NounQuestion:
    """What is asked, from a caption, from nouns, or from both.

    Raises:
        InputError: neither, or both nouns and spans; or see `vng.grounding.questions`.
    """
    if nouns and spans:
        raise InputError("expected nouns or spans, found both")
    if nouns:
        return question_of_nouns(caption, nouns)
    if caption is None:
        raise InputError("expected a caption or nouns, found neither")
    if spans:
        return question_of_spans(caption, spans)
    return question_of_caption(caption, **({} if pipeline is None else {"pipeline": pipeline}))
