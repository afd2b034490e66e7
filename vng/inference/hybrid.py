"""Find a noun where it is surest, sharpen its mask there, carry it through the video.

RF-VNG looks at every few frames only, and the interactive segmenter makes its masks there sharp.
Where both are sure of a noun and agree on it, a memory network takes its mask to all frames around,
in both directions: masks that follow edges and keep to their object, for less time than grounding
every frame.

The video is worked on in stretches that are short enough to be held, one after the other; the next
anchor of a noun is never far, so nothing is carried over between them but what the finder links.

Shape legend: N nouns, T frames of a stretch, H W height and width of the frames.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frames import ArrayFrames
from pointvos.inference.propagate import VideoModel, propagate
from pointvos.metrics.frame_scores import region_similarity
from pointvos.pseudomask.backend import MaskBackend
from vng.inference.anchors import (
    Anchor,
    Candidate,
    choose_anchors,
    groups_without_overlap,
    part_bounds,
    sharpened,
)
from vng.inference.grounding import Frame, FrameGrounding, GroundingMethod, Memory
from vng.inference.packed_masks import PackedMasks
from vng.inference.windows import windows
from vng.text.spans import Span

FINDER = "finder"  # its memory, in that of the whole
HELD_BYTES = 200_000_000  # of the frames of a stretch
SHORTEST, LONGEST = 15, 90  # frames of a stretch


@dataclass(frozen=True, kw_only=True)
class HybridSettings:
    """How finding, sharpening and carrying play together."""

    look_every: int = 5
    """Frames between two that the finder looks at."""
    anchors_every: int = 15
    """A stretch has an anchor for each so many frames, rounded up, and one more wherever the noun
    begins or ends to move far, if it is found well enough there."""
    least_overlap: float = 0.3
    """Least IoU of a noun's masks on two frames looked at in turn; below it, it has moved too far
    to be carried safely, and all frames between are looked at too."""
    least_score: float = 0.0
    """Least score of a noun on a frame that can be an anchor."""
    least_agreement: float = 0.25
    """Least IoU of a sharpened mask with the one that was found; below it the latter stays."""
    least_worth: float = 0.85
    """Least worth of an anchor, its score times that IoU, in parts of the best of the stretch."""
    reach: float = 0.1
    """Farthest that sharpening may add a pixel to the mask that was found, in square roots of its
    area."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name in ("look_every", "anchors_every"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected at least 1, found {getattr(self, name)}")
        if self.reach < 0:
            raise InputError(f"reach: expected at least 0, found {self.reach}")
        for name in ("least_overlap", "least_score", "least_agreement", "least_worth"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name}: expected 0 .. 1, found {getattr(self, name)}")


class _Look(NamedTuple):
    """What the finder says of a frame.

    Attributes:
        masks: [N, H, W].
        scores: float32 [N].
    """

    masks: PackedMasks
    scores: NDArray[np.float32]


class _Looks(NamedTuple):
    """What the finder says of a stretch.

    Attributes:
        found: frame -> what was seen on it, in the order of time.
        moved: of each noun, the frames between which it moves far; all of them are in `found`.
        memory: of the finder, behind the last look.
    """

    found: dict[int, _Look]
    moved: list[set[int]]
    memory: Memory | None


class Hybrid:
    """A `GroundingMethod` of three parts.

    Args:
        name: as it was asked for.
        finder: grounds the nouns on some frames; RF-VNG.
        backend: sharpens a mask; None leaves it as it was found.
        model: carries masks to the other frames.
        settings: how they play together.
        identity: of backend and model; that of the finder is added.
    """

    def __init__(
        self,
        *,
        name: str,
        finder: GroundingMethod,
        backend: MaskBackend | None,
        model: VideoModel,
        settings: HybridSettings | None = None,
        identity: str = "",
    ) -> None:
        self.name = name
        self.finder = finder
        self.backend = backend
        self.model = model
        self.settings = settings or HybridSettings()
        self.identity = f"{identity} {self.settings} on {finder.identity}"

    def check(self, text: str, spans: Sequence[Span]) -> None:
        """See `GroundingMethod`."""
        self.finder.check(text, spans)

    def ground(
        self,
        frames: Iterable[Frame],
        text: str,
        spans: Sequence[Span],
        *,
        memory: Memory | None = None,
    ) -> Iterator[FrameGrounding]:
        """See `GroundingMethod`; it can go on after each stretch."""
        self.check(text, spans)
        if memory is not None and FINDER not in memory:
            raise InputError(
                f"expected the memory of a hybrid to go on from, found {', '.join(memory) or '{}'}"
            )
        of_finder = None if memory is None else memory[FINDER]
        for stretch in _stretches(frames):
            looks = self._look(stretch, text, spans, of_finder)
            of_finder = looks.memory
            yield from self._carry(stretch, looks)

    def _look(
        self, stretch: Sequence[Frame], text: str, spans: Sequence[Span], memory: Memory | None
    ) -> _Looks:
        """Look at every few frames, and between two of them where a noun has moved far."""
        found: dict[int, _Look] = {}

        def look(places: Sequence[int]) -> None:
            nonlocal memory
            seen = self.finder.ground([stretch[t] for t in places], text, spans, memory=memory)
            for t, grounding in zip(places, seen, strict=True):
                found[t] = _Look(PackedMasks.of(grounding.masks), grounding.scores)
                memory = grounding.memory

        look(range(0, len(stretch), self.settings.look_every))
        moved = self._moved(found, len(stretch))
        between = sorted(set().union(*moved) - found.keys())
        if between:
            look(between)
        return _Looks(dict(sorted(found.items())), moved, memory)

    def _moved(self, found: Mapping[int, _Look], length: int) -> list[set[int]]:
        """Of each noun, the frames between which it moves too far for a few looks."""
        nouns = len(found[0].scores)
        moved: list[set[int]] = [set() for _ in range(nouns)]
        still: list[set[int]] = [set() for _ in range(nouns)]
        for first, second in itertools.pairwise(found):
            pairs = zip(*(found[t].masks.unpacked() for t in (first, second)), strict=True)
            for n, (one, other) in enumerate(pairs):
                if not (one.any() and other.any()):
                    continue
                if region_similarity(one, other) >= self.settings.least_overlap:
                    still[n].update((first, second))
                else:
                    last = second == max(found)
                    moved[n].update(range(first, length if last else second + 1))
        return [far - near for far, near in zip(moved, still, strict=True)]

    def _carry(self, stretch: Sequence[Frame], looks: _Looks) -> Iterator[FrameGrounding]:
        """Masks and scores of all frames of a stretch from those of the frames looked at."""
        nouns = len(looks.moved)
        count = -(-len(stretch) // self.settings.anchors_every)
        candidates = self._candidates(stretch, looks)
        anchors: dict[int, list[Anchor]] = {}
        for n, of_noun in enumerate(candidates):
            least_worth = self.settings.least_worth * max(x.worth for x in of_noun.values())
            bounds = part_bounds(len(stretch), count=count, moved=looks.moved[n])
            chosen = choose_anchors(of_noun, bounds, least_worth=least_worth)
            if chosen:
                anchors[n] = chosen
        carried: dict[tuple[int, int], PackedMasks] = {}
        for group in groups_without_overlap(anchors):
            carried |= self._propagate(stretch, {n: anchors[n] for n in group})
        places = list(looks.found)
        scores_NT = [
            np.interp(
                np.arange(len(stretch)), places, [float(x.scores[n]) for x in looks.found.values()]
            )
            for n in range(nouns)
        ]
        scores_TN = np.stack(scores_NT, axis=1).astype(np.float32)
        height, width = stretch[0].shape[:2]
        for t, scores_N in enumerate(scores_TN):
            masks_NHW = np.zeros((nouns, height, width), bool)
            for n in anchors:
                masks_NHW[n] = carried[t, n].unpacked()
                if t in looks.moved[n] and candidates[n][t].is_found:
                    masks_NHW[n] = _majority(masks_NHW[n], candidates[n][t])
            last = t == len(stretch) - 1 and looks.memory is not None
            yield FrameGrounding(masks_NHW, scores_N, {FINDER: looks.memory} if last else None)

    def _candidates(self, stretch: Sequence[Frame], looks: _Looks) -> list[dict[int, Candidate]]:
        """Of each noun, what it looks like on the frames that were looked at for its sake."""
        candidates: list[dict[int, Candidate]] = [{} for _ in looks.moved]
        # Frame by frame, for a backend remembers only the frame that it saw last.
        for t, found in looks.found.items():
            for n, mask in enumerate(found.masks.unpacked()):
                if t % self.settings.look_every == 0 or t in looks.moved[n]:
                    score = float(found.scores[n])
                    candidates[n][t] = self._candidate(stretch[t], mask, score)
        return candidates

    def _candidate(self, frame: Frame, mask: NDArray[np.bool_], score: float) -> Candidate:
        """A noun on a frame that was looked at, sharpened."""
        if score < self.settings.least_score or not mask.any():
            nothing = np.zeros_like(mask)
            return Candidate.of(nothing, nothing, 0.0)
        if self.backend is None:
            return Candidate.of(mask, mask, score)
        # By itself: two words may mean one thing.
        return sharpened(
            self.backend,
            frame,
            mask,
            score=score,
            least_agreement=self.settings.least_agreement,
            reach=self.settings.reach,
        )

    def _propagate(
        self, stretch: Sequence[Frame], anchors: Mapping[int, Sequence[Anchor]]
    ) -> dict[tuple[int, int], PackedMasks]:
        """Carry the masks of some nouns through a stretch; by frame and noun."""
        given: dict[int, dict[int, NDArray[np.bool_]]] = {}
        for noun, of_noun in anchors.items():
            for anchor in of_noun:
                given.setdefault(anchor.place, {})[noun + 1] = anchor.mask  # ids begin at 1
        carried = {}
        segmented = propagate(self.model.propagator, ArrayFrames(stretch), given, backward=True)
        for frame, segmentation in segmented:
            index_HW = segmentation.index_mask()
            for noun in anchors:
                carried[frame.index, noun] = PackedMasks.of(index_HW == noun + 1)
        return carried


def _majority(carried: NDArray[np.bool_], candidate: Candidate) -> NDArray[np.bool_]:
    """What two of three have: the mask as it was found, sharpened, and carried to the frame."""
    found, sharp = candidate.masks.unpacked()
    decided: NDArray[np.bool_] = (found & sharp) | (found & carried) | (sharp & carried)
    return decided


def _stretches(frames: Iterable[Frame]) -> Iterator[list[Frame]]:
    """Consecutive frames, as many at a time as may be held."""
    following = iter(frames)
    first = next(following, None)
    if first is not None:
        length = min(LONGEST, max(SHORTEST, HELD_BYTES // first.nbytes))
        yield from windows(itertools.chain([first], following), length)
