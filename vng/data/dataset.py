"""The training set: sample number -> augmented narrated clip, the same in any worker process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.datasets.clips import MAX_DRAWS, ORDER, SAMPLE
from vng.data.augment import NarratedAugment, augment_narrated
from vng.data.samples import NarratedClip, NarratedReader


@dataclass(frozen=True, kw_only=True)
class NarratedSettings:
    """How narrated clips are made."""

    frames: int = 5
    """Frames a clip: a centre, two near it, the others from the whole video (ReferFormer trains
    with 5). 1 trains on single images."""
    max_nouns: int = 8
    """Most nouns of a clip; of more, some are drawn, one of them with an object to be seen."""
    video: NarratedAugment = field(default_factory=NarratedAugment)
    """Augmentation of clips of a video."""
    still: NarratedAugment = field(default_factory=NarratedAugment)
    """Augmentation of images, which are set in motion, and of single frames (`frames: 1`)."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name in ("frames", "max_nouns"):
            if getattr(self, name) < 1:
                raise InputError(f"{name}: expected at least 1, found {getattr(self, name)}")


class NarratedDataset:
    """Sample number -> narrated clip.

    A sample depends on (seed, number) alone, so a run resumes at any sample and gives the same with
    any number of workers. Items are visited in a new order in every pass over the mixture.

    Attributes:
        items: one pass over the mixture, (reader, item) as often as it is repeated.
    """

    def __init__(
        self,
        readers: Sequence[tuple[NarratedReader, int]],
        settings: NarratedSettings,
        *,
        samples: int,
        seed: int,
    ) -> None:
        """Mix the readers, each repeated a number of times a pass.

        Args:
            readers: (reader, repeats).
            settings: how clips are made.
            samples: the length of the whole run.
            seed: of everything drawn.

        Raises:
            InputError: there is no item.
        """
        self.items = [
            (reader, item)
            for reader, repeats in readers
            for _ in range(repeats)
            for item in range(len(reader))
        ]
        if not self.items:
            raise InputError("training data: expected at least one narrative, found none")
        self.settings = settings
        self.samples = samples
        self.seed = seed
        self._order: tuple[int, NDArray[np.int64]] | None = None  # of the newest pass

    def __len__(self) -> int:
        """The number of samples of the run."""
        return self.samples

    def _item(self, number: int) -> tuple[NarratedReader, int]:
        epoch, place = divmod(number, len(self.items))
        if self._order is None or self._order[0] != epoch:
            rng = np.random.default_rng([self.seed, ORDER, epoch])
            self._order = epoch, rng.permutation(len(self.items))
        return self.items[int(self._order[1][place])]

    def __getitem__(self, number: int) -> NarratedClip:
        """The clip of a sample number.

        Raises:
            FileNotFoundError: the frames of a video are gone.
            InputError: a video cannot give a clip; the message names it.
            IndexError: the run has no such sample.
        """
        if not 0 <= number < self.samples:
            raise IndexError(f"expected a sample 0 .. {self.samples - 1}, found {number}")
        rng = np.random.default_rng([self.seed, SAMPLE, number])
        reader, item = self._item(number)
        settings = self.settings
        drawn = reader.clip(item, settings.frames, rng)
        clip = choose_nouns(drawn, settings.max_nouns, rng)
        for _ in range(MAX_DRAWS):
            augmented = augment_narrated(
                clip, settings.still if clip.still else settings.video, rng
            )
            if augmented.known.any():
                return augmented
        raise InputError(
            f"{clip.video_name}: expected a crop that shows an object, found none in {MAX_DRAWS} "
            "draws; raise crop_scale or lower the motion of images"
        )


def choose_nouns(clip: NarratedClip, most: int, rng: np.random.Generator) -> NarratedClip:
    """The clip with at most so many of its nouns, in their order.

    Nouns are drawn without replacement, the first among those with an object to be seen, if any
    has one. Nouns of which no mask is known in this clip are the last to be drawn.
    """
    nouns = len(clip.spans)
    if nouns <= most:
        return clip
    order = rng.permutation(nouns)
    unknown = ~np.logical_or.reduce(clip.known, axis=1)
    order = order[np.argsort(unknown[order], kind="stable")]
    first = next((noun for noun in order if clip.shown[noun]), order[0])
    kept = sorted(int(noun) for noun in [first, *order[order != first][: most - 1]])
    return replace(
        clip,
        spans=tuple(clip.spans[noun] for noun in kept),
        masks=clip.masks[kept],
        known=clip.known[kept],
    )
