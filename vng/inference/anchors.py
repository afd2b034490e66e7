"""The frames from which a noun is carried through a video, and its masks there."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence, Set
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.points import Points
from pointvos.metrics.frame_scores import region_similarity
from pointvos.pseudomask.backend import MaskBackend, Prompt
from vng.inference.packed_masks import PackedMasks

Mask = NDArray[np.bool_]
LARGEST_SHARED = 0.2  # of the smaller of two masks that both can be right


class Anchor(NamedTuple):
    """A frame from which a noun is carried on.

    Attributes:
        place: of the frame in its stretch.
        mask: bool [H, W], not empty.
    """

    place: int
    mask: Mask


class Candidate(NamedTuple):
    """What a noun looks like on a frame that was looked at.

    Attributes:
        masks: [2, H, W], as it was found, and that sharpened; both empty where it was not found.
        worth: how good an anchor it is, at least 0.
    """

    masks: PackedMasks
    worth: float

    @classmethod
    def of(cls, found: Mask, sharp: Mask, worth: float) -> Candidate:
        """Hold a mask, bool [H, W], and the same sharpened."""
        return cls(PackedMasks.of(np.stack([found, sharp])), worth)

    @property
    def is_found(self) -> bool:
        """Whether there is something to be an anchor."""
        return bool(self.masks.rows[1].any())

    @property
    def sharp(self) -> Mask:
        """The sharpened mask, bool [H, W]."""
        mask: Mask = self.masks.unpacked()[1]
        return mask


def part_bounds(length: int, *, count: int, moved: Set[int]) -> list[int]:
    """Where the parts of a stretch begin, which can have an anchor each, and where the last ends.

    What comes behind a jump is a part by itself: a mask carried across it may stay behind.

    Args:
        length: of the stretch, in frames.
        count: of equal parts, at least 1.
        moved: frames between which the noun moves far.
    """
    even = np.linspace(0, length, count + 1).round().astype(int).tolist()
    jumps = [t for t in range(1, length) if (t in moved) != (t - 1 in moved)]
    return sorted({*even, *jumps})


def choose_anchors(
    candidates: Mapping[int, Candidate], bounds: Sequence[int], *, least_worth: float = 0.0
) -> list[Anchor]:
    """The best frame of each part of a stretch.

    Args:
        candidates: frame -> a noun on it, for the frames that were looked at.
        bounds: of the parts, see `part_bounds`.
        least_worth: of an anchor.

    Returns:
        In the order of time; none for a part in which the noun was not found, or not well enough.
    """
    chosen = []
    for first, last in itertools.pairwise(bounds):
        able = [
            t
            for t, one in candidates.items()
            if first <= t < last and one.is_found and one.worth >= least_worth
        ]
        if able:
            best = max(able, key=lambda t: candidates[t].worth)
            chosen.append(Anchor(best, candidates[best].sharp))
    return chosen


def sharpened(
    backend: MaskBackend,
    frame: NDArray[np.uint8],
    mask: Mask,
    *,
    score: float,
    least_agreement: float,
    reach: float,
) -> Candidate:
    """A mask corrected by a backend, which is told it and its innermost point.

    A mask that the backend hardly changes was right more often than one with a high score: what was
    found on two objects, or on a part of one, is not what anybody would segment from a point of it.
    Borders are the backend's business, not finding: what it adds far from the mask (the hand that
    holds the moth) is left out.

    Args:
        backend: to correct it.
        frame: RGB uint8 [H, W, 3].
        mask: bool [H, W], not empty.
        score: of the noun, in [0, 1].
        least_agreement: least IoU of both; below it the mask stays as it was.
        reach: farthest that a pixel may be added from the mask, in square roots of its area.

    Returns:
        Worth the score times the IoU.
    """
    prompt = Prompt(points=innermost_point(mask), previous=mask, name="a noun")
    (found,) = backend.masks(frame, [prompt])
    agreement = region_similarity(found.mask, mask)
    if agreement == 0 or agreement < least_agreement:
        return Candidate.of(mask, mask, score * agreement)
    return Candidate.of(mask, found.mask & _around(mask, reach), score * agreement)


def _around(mask: Mask, reach: float) -> Mask:
    """A mask, not empty, and what is within `reach` square roots of its area from it."""
    outside = (~mask).astype(np.uint8)
    distance = cv2.distanceTransform(outside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    within: Mask = distance <= reach * np.sqrt(np.count_nonzero(mask))
    return within


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
