"""What every backend takes and gives, and the one place that checks it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel, Points


@dataclass(frozen=True, eq=False, kw_only=True)
class Prompt:
    """What is known of one object in one image; at least one of the three must say where it is.

    Attributes:
        points: foreground and background points in the convention of `pointvos.core.geometry`;
            ambiguous ones are ignored.
        trace: float [N, 2], N >= 2, the (x, y) path of a mouse over the object, same convention.
        previous: bool [H, W], a mask of the object that is to be corrected.
        name: what messages call the object; empty for its number in the list.
    """

    points: Points | None = None
    trace: NDArray[np.float32] | None = None
    previous: NDArray[np.bool_] | None = None
    name: str = ""


@dataclass(frozen=True, eq=False)
class MaskResult:
    """The mask of one object.

    Attributes:
        mask: bool [H, W]; may be empty where a network finds nothing.
        score: how sure the backend is, in [0, 1]; comparable between objects of one backend only.
    """

    mask: NDArray[np.bool_]
    score: float


class MaskBackend(Protocol):
    """Turns the prompts of one image into masks.

    All objects of an image come in one call, so that a backend encodes the image once; backends
    keep the encoding of the latest image, so that a correction of it is as cheap.
    """

    def masks(
        self,
        image: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        background: Points | None = None,
    ) -> list[MaskResult]:
        """One mask for each prompt, in order; masks of different objects may overlap.

        Args:
            image: RGB uint8 [H, W, 3].
            prompts: the objects; none gives no masks.
            background: points off every object, whatever their labels; they are added to each
                prompt (the background points of a Point-VOS frame are shared by its objects).

        Raises:
            InputError: an image or a prompt that `checked_prompts` refuses.
        """


@dataclass(frozen=True, eq=False)
class CheckedPrompt:
    """A prompt that fits its image.

    Attributes:
        positive: float32 [P, 2], positions on the object.
        negative: float32 [Q, 2], positions off the object, the shared ones last.
        trace: float32 [N, 2] or None.
        previous: bool [H, W] that is not empty, or None.
    """

    positive: NDArray[np.float32]
    negative: NDArray[np.float32]
    trace: NDArray[np.float32] | None
    previous: NDArray[np.bool_] | None


def checked_prompts(
    image: NDArray[np.uint8], prompts: Sequence[Prompt], background: Points | None = None
) -> list[CheckedPrompt]:
    """The prompts with the shared background added; every backend starts with this.

    Raises:
        InputError: the image is not RGB uint8; a prompt says nothing, or only where the object is
            not; a point or a trace leaves the image; a trace is a single position; a pixel is both
            on and off the object; a previous mask is of another size.
    """
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3:
        raise InputError(f"image: expected RGB uint8 [H, W, 3], found {_described(image)}")
    if image.shape[2] != 3 or not image.size:
        raise InputError(f"image: expected RGB uint8 [H, W, 3], found {_described(image)}")
    height, width = image.shape[:2]
    shared = np.zeros((0, 2), np.float32) if background is None else background.xy
    _refuse_outside(shared, height, width, "background", "points")
    return [
        _checked(prompt, prompt.name or f"prompt {number}", shared, height, width)
        for number, prompt in enumerate(prompts)
    ]


def _checked(
    prompt: Prompt, name: str, shared: NDArray[np.float32], height: int, width: int
) -> CheckedPrompt:
    points = Points.empty() if prompt.points is None else prompt.points
    trace = None if prompt.trace is None else _checked_trace(prompt.trace, name, height, width)
    previous = None
    if prompt.previous is not None:
        previous = _checked_mask(prompt.previous, name, height, width)
    _refuse_outside(points.xy, height, width, name, "points")
    positive = points.of(PointLabel.FOREGROUND).xy
    negative = np.concatenate([points.of(PointLabel.BACKGROUND).xy, shared])
    if not len(positive) and trace is None and previous is None:
        if not len(negative):
            raise InputError(f"{name}: expected points, a trace or a mask, found nothing to go by")
        raise InputError(
            f"{name}: expected a foreground point, a trace or a mask that is not empty, found "
            f"{len(negative)} background points alone; they do not say where the object is"
        )
    both = _pixels(positive) & _pixels(negative)
    if both:
        raise InputError(
            f"{name}: expected every pixel either on or off the object, found foreground and "
            f"background points at {min(both)}"
        )
    return CheckedPrompt(positive, negative, trace, previous)


def _checked_trace(
    given: NDArray[np.float32], name: str, height: int, width: int
) -> NDArray[np.float32]:
    trace = np.asarray(given, dtype=np.float32)
    if trace.ndim != 2 or trace.shape[1] != 2 or not np.isfinite(trace).all():
        raise InputError(
            f"{name}: expected a trace of finite (x, y) positions [N, 2], found "
            f"{'nan or inf' if trace.ndim == 2 and trace.shape[1] == 2 else trace.shape}"
        )
    if len(trace) < 2:
        raise InputError(
            f"{name}: expected a trace of at least 2 positions, found {len(trace)}; give a single "
            "position as a foreground point"
        )
    _refuse_outside(trace, height, width, name, "a trace")
    return trace


def _checked_mask(
    given: NDArray[np.bool_], name: str, height: int, width: int
) -> NDArray[np.bool_] | None:
    mask = np.asarray(given)
    if mask.shape != (height, width) or mask.dtype != np.bool_:
        raise InputError(
            f"{name}: expected a bool mask of {width}x{height} like the image, found "
            f"{_described(mask)}"
        )
    return mask if mask.any() else None


def _refuse_outside(xy: NDArray[np.float32], height: int, width: int, name: str, what: str) -> None:
    outside = np.flatnonzero(~geometry.inside(xy, height, width))
    if outside.size:
        x, y = xy[outside[0]].tolist()
        more = f" and {outside.size - 1} more" if outside.size > 1 else ""
        raise InputError(
            f"{name}: expected {what} inside {width}x{height}, found ({x:g}, {y:g}){more}"
        )


def _pixels(xy: NDArray[np.float32]) -> set[tuple[int, int]]:
    return {(x, y) for x, y in geometry.pixels_at(xy).tolist()}


def _described(array: object) -> str:
    if not isinstance(array, np.ndarray):
        return type(array).__name__
    return f"{array.dtype} {list(array.shape)}"
