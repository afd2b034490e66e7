"""The training set: sample number -> augmented clip, the same for any worker or process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.datasets.augment import (
    STATIC_AUGMENT,
    AugmentSettings,
    WarpedFrame,
    augment_clip,
)
from pointvos.datasets.background import on_background
from pointvos.datasets.paste import half_planes, keep_slots, object_region, paste_clip
from pointvos.datasets.reference import DrawPoints, ReferenceKind, reference_masks
from pointvos.datasets.sampler import CLIP_LENGTH, sample_clip
from pointvos.datasets.samples import UNKNOWN, Clip, ClipReader

MAX_DRAWS = 20  # of augmentation until the reference frame shows an object

# Streams of random numbers; SeedSequence([s, 1]) and SeedSequence([s, 1, 0]) would be the same.
ORDER, SAMPLE = 0, 1


@dataclass(frozen=True, kw_only=True)
class ClipSettings:
    """How clips are made from annotated videos."""

    reference: ReferenceKind = "points"
    """What initialises an object: its annotated points, points drawn from its mask, or its mask."""
    reference_counts: tuple[int, ...] = (10,)
    """Numbers of reference points to draw from; the paper trains with 10."""
    max_objects: int = 2
    """Most objects segmented in a clip; STCN trains with two."""
    max_span: int | None = None
    """Largest distance of a target from the reference, in annotated frames; none by default."""
    length: int = CLIP_LENGTH
    """Frames a clip. 1 trains the segmentation of the reference frame alone, at a third of the
    cost; for a network that segments it itself (lite)."""
    paste: float = 0.0
    """Probability that the object of another clip is pasted in as a distractor."""
    twin: float | None = None
    """Share of those distractors that come from the same video or image: what looks alike is told
    apart by the points alone; none by default."""
    background: float = 0.0
    """Probability that the points lie on the background, and the objects must not be found."""
    video: AugmentSettings = field(default_factory=AugmentSettings)
    """Augmentation of videos."""
    static: AugmentSettings = STATIC_AUGMENT
    """Augmentation of static images."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if not self.reference_counts or min(self.reference_counts) < 1:
            raise InputError(
                f"reference_counts: expected numbers of points >= 1, found {self.reference_counts}"
            )
        if self.max_objects < 1:
            raise InputError(f"max_objects: expected at least 1, found {self.max_objects}")
        if self.max_span is not None and self.max_span < CLIP_LENGTH - 1:
            raise InputError(
                f"max_span: expected at least {CLIP_LENGTH - 1} frames, the number of targets, "
                f"found {self.max_span}"
            )
        if not 1 <= self.length <= CLIP_LENGTH:
            raise InputError(f"length: expected 1 to {CLIP_LENGTH} frames, found {self.length}")
        for name in ("paste", "twin", "background"):
            if not 0 <= (getattr(self, name) or 0) <= 1:
                raise InputError(f"{name}: expected a probability, found {getattr(self, name)}")


class ClipDataset:
    """Sample number -> clip.

    A sample depends on (seed, number) alone, so a run resumes at any sample and gives the same with
    any number of workers. Videos are visited in a new order in every pass over the mixture.

    Attributes:
        videos: one pass over the mixture, (reader, video) as often as it is repeated.
    """

    def __init__(
        self,
        readers: Sequence[tuple[ClipReader, int]],
        settings: ClipSettings,
        *,
        samples: int,
        seed: int,
        point_radius: int,
        draw_points: DrawPoints,
    ) -> None:
        """Mix the readers, each repeated a number of times a pass.

        Args:
            readers: (reader, repeats); the paper mixes 5 x PV-DAVIS + 1 x PV-YT.
            settings: how clips are made.
            samples: the length of the whole run.
            seed: of everything drawn.
            point_radius: of the network, `STCN.point_radius`.
            draw_points: draws reference points from a mask.

        Raises:
            InputError: there is no video.
        """
        self.videos = [
            (reader, video)
            for reader, repeats in readers
            for _ in range(repeats)
            for video in range(len(reader))
        ]
        if not self.videos:
            raise InputError("training data: expected at least one video, found none")
        self.settings = settings
        self.samples = samples
        self.seed = seed
        self.point_radius = point_radius
        self.draw_points = draw_points
        self._order: tuple[int, NDArray[np.int64]] | None = None  # of the newest pass

    def __len__(self) -> int:
        """The number of samples of the run."""
        return self.samples

    def _video(self, number: int) -> tuple[ClipReader, int]:
        epoch, place = divmod(number, len(self.videos))
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, ORDER, epoch])
            self._order = epoch, rng.permutation(len(self.videos))
        return self.videos[int(self._order[1][place])]

    def __getitem__(self, number: int) -> Clip:
        """The clip of a sample number.

        Raises:
            InputError: a video cannot give a clip; the message names it.
            IndexError: the run has no such sample.
        """
        if not 0 <= number < self.samples:
            raise IndexError(f"expected a sample 0 .. {self.samples - 1}, found {number}")
        rng = np.random.default_rng([self.seed, SAMPLE, number])
        settings = self.settings
        reader, video = self._video(number)
        name, warped = self._warped(reader, video, rng)
        kept = self._initialised(warped[0])
        if rng.random() < settings.paste:
            pasted = self._with_distractor(warped, (reader, video), rng)
            visible = self._initialised(pasted[0])
            if visible:  # else the distractor covered everything it was to be told from
                # Now and then the wanted object alone, so that a distractor is background too.
                warped = pasted
                count = int(rng.integers(1, settings.max_objects + 1))
                kept = [int(slot) for slot in rng.permutation(visible)[:count]]
        warped = keep_slots(warped, kept)
        # Without it nothing is drawn, so that the samples of such runs stay what they were.
        if settings.background and rng.random() < settings.background:
            swapped = on_background(warped, rng)
            if swapped is not None:
                warped, kept = swapped, [1]
        reference = reference_masks(
            warped[0],
            len(kept),
            settings.reference,
            counts=settings.reference_counts,
            radius=self.point_radius,
            draw_points=self.draw_points,
            rng=rng,
        )
        return Clip(
            video_name=name,
            rgb=np.stack([frame.rgb for frame in warped]),
            index=np.stack([frame.index for frame in warped]),
            points=[(frame.xy, frame.classes) for frame in warped],
            reference=reference,
        )

    def _with_distractor(
        self, warped: list[WarpedFrame], own: tuple[ClipReader, int], rng: np.random.Generator
    ) -> list[WarpedFrame]:
        """The clip with the objects, or with a side, of another clip pasted in."""
        other = self.videos[rng.integers(len(self.videos))]
        # Without it nothing is drawn, so that the samples of such runs stay what they were.
        if self.settings.twin and rng.random() < self.settings.twin:
            other = own
        _, over = self._warped(*other, rng)
        known = all((frame.index != UNKNOWN).any() for frame in over)
        regions = (
            [object_region(frame) for frame in over]
            if known
            else half_planes(len(over), over[0].index.shape[0], rng)
        )
        return paste_clip(warped, over, regions, first_slot=max(_slots(warped)) + 1)

    def _warped(
        self, reader: ClipReader, video: int, rng: np.random.Generator
    ) -> tuple[str, list[WarpedFrame]]:
        """A sampled clip, augmented so that its reference frame shows an object."""
        clip = sample_clip(
            reader,
            video,
            rng,
            max_objects=self.settings.max_objects,
            max_span=self.settings.max_span,
            length=self.settings.length,
        )
        augment = self.settings.static if clip.static else self.settings.video
        for _ in range(MAX_DRAWS):
            warped = augment_clip(clip, augment, rng)
            if self._initialised(warped[0]):
                return clip.video_name, warped
        raise InputError(
            f"{clip.video_name}: expected a crop that shows the object, found none in {MAX_DRAWS} "
            "draws; lower the rotation or raise the crop scale"
        )

    def _initialised(self, reference: WarpedFrame) -> list[int]:
        """Slots that the reference frame can initialise, ascending."""
        points_alone = self.settings.reference == "points"
        shown = np.unique(reference.classes if points_alone else reference.index)
        return [int(slot) for slot in shown if 0 < slot < UNKNOWN]


def _slots(frames: list[WarpedFrame]) -> list[int]:
    """Slots that a mask or a foreground point shows in any of the frames, ascending."""
    found: set[int] = set()
    for frame in frames:
        found.update(int(slot) for slot in np.unique(frame.index) if 0 < slot < UNKNOWN)
        found.update(int(slot) for slot in np.unique(frame.classes) if slot > 0)
    return sorted(found)
