"""The frames from which a noun is carried through a video, and its masks there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.points import Points
from pointvos.pseudomask.backend import MaskBackend, Prompt

Mask = NDArray[np.bool_]
LARGEST_SHARED = 0.2  # of the smaller of two masks that both can be right


class Anchor(NamedTuple):
    """A frame from which a noun is carried on.

    Attributes:
        place: of the frame.
        mask: bool [H, W], not empty.
    """

    place: int
    mask: Mask


class Candidate(NamedTuple):
    """What a noun looks like on a frame that was looked at.

    Attributes:
        mask: bool [H, W]; empty where the noun was not found.
        worth: how good an anchor it is, at least 0.
    """

    mask: Mask
    worth: float


def choose_anchors(candidates: Sequence[Candidate], *, count: int) -> list[Anchor]:
    """The best frame of each of `count` equal parts of a stretch.

    Args:
        candidates: of a noun, one for each frame that was looked at.
        count: of parts, at least 1.

    Returns:
        In the order of time; none for a part in which the noun was not found.
    """
    chosen = []
    bounds = np.linspace(0, len(candidates), count + 1).round().astype(int)
    for first, last in itertools.pairwise(bounds):
        able = [t for t in range(first, last) if candidates[t].mask.any()]
        if able:
            best = max(able, key=lambda t: candidates[t].worth)
            chosen.append(Anchor(best, candidates[best].mask))
    return chosen


def sharpened(
    backend: MaskBackend,
    frame: NDArray[np.uint8],
    mask: Mask,
    *,
    score: float,
    least_agreement: float,
) -> Candidate:
    """A mask corrected by a backend, which is told it and its innermost point.

    A mask that the backend hardly changes was right more often than one with a high score: what was
    found on two objects, or on a part of one, is not what anybody would segment from a point of it.

    Args:
        backend: to correct it.
        frame: RGB uint8 [H, W, 3].
        mask: bool [H, W], not empty.
        score: of the noun, in [0, 1].
        least_agreement: least IoU of both; below it the mask stays as it was.

    Returns:
        Worth the score times the IoU.
    """
    prompt = Prompt(points=innermost_point(mask), previous=mask, name="a noun")
    (found,) = backend.masks(frame, [prompt])
    union = np.count_nonzero(found.mask | mask)
    agreement = np.count_nonzero(found.mask & mask) / union
    usable = agreement > 0 and agreement >= least_agreement
    return Candidate(found.mask if usable else mask, score * agreement)


def innermost_point(mask: Mask) -> Points:
    """The pixel of a mask that is farthest from its border and from that of the frame."""
    padded = np.pad(mask, 1).astype(np.uint8)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    y, x = np.unravel_index(int(distance.argmax()), distance.shape)
    return Points.from_pixels(np.array([[x, y]]), [1])


def groups_without_overlap(anchors: Mapping[int, Sequence[Anchor]]) -> list[list[int]]:
    """Nouns in groups whose masks compete for pixels.

    Where masks of two nouns share much ("the rider", "his shirt"; two words for one thing), both
    can be right, and they are carried through the video without seeing each other.

    Args:
        anchors: noun -> its anchors.
    """
    groups: list[list[int]] = []
    for noun, of_noun in anchors.items():
        for group in groups:
            if not any(_share(of_noun, anchors[other]) for other in group):
                group.append(noun)
                break
        else:
            groups.append([noun])
    return groups


def _share(ones: Sequence[Anchor], others: Sequence[Anchor]) -> bool:
    """Whether masks of two nouns share much on a frame that is an anchor of both or the nearest."""
    for one in ones:
        other = min(others, key=lambda anchor: abs(anchor.place - one.place))
        smaller = min(np.count_nonzero(one.mask), np.count_nonzero(other.mask))
        if np.count_nonzero(one.mask & other.mask) > LARGEST_SHARED * smaller:
            return True
    return False
