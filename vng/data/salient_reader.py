"""Clips from images with one salient object whose noun is known: ECSSD, DUTS and others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.datasets.samples import AnnotatedFrame
from pointvos.formats.static_images import StaticImage
from vng.data.kept_frames import KeptFrames
from vng.data.object_names import ObjectName
from vng.data.samples import NarratedClip, still_clip
from vng.data.sentences import NounPhrase, one_of_a_kind, tell

ABOVE = 0.12  # share of animals and vehicles that are told as just that
_ABOVE_ALL = {"animal": "animal", "vehicle": "vehicle"}


class SalientReader:
    """Images of one object as training data: an item is an image, its text is new every time.

    Attributes:
        name: of the data set.
        images: those that have a name.
    """

    def __init__(
        self,
        name: str,
        images: Sequence[StaticImage],
        names: Mapping[str, ObjectName],
        *,
        absent: float = 0.25,
        short_side: int | None = 480,
        cache_mb: float = 1000,
    ) -> None:
        """Remember what there is; nothing is decoded yet.

        Args:
            name: of the data set, for messages.
            images: with their masks; those without a name are not used.
            names: by image, from `vng.data.object_names.read_object_names`.
            absent: share of all nouns that are of other images; their mask is empty.
            short_side: images are kept no larger than this, in pixels.
            cache_mb: memory for decoded images, in MB.

        Raises:
            InputError: names are of images that are not there, no image has a name, or the share
                is no share.
        """
        if not 0 <= absent < 1:
            raise InputError(f"absent: expected a share below 1, found {absent}")
        unknown = sorted(set(names) - {image.name for image in images})
        if unknown:
            raise InputError(f"{name}: expected the images of the names, found no {unknown[0]}")
        self.name = name
        self.images = [image for image in images if image.name in names]
        if not self.images:
            raise InputError(f"{name}: expected images with names, found none")
        self.absent = absent
        self._names = [names[image.name] for image in self.images]
        self._frames = KeptFrames(short_side, cache_mb)

    def __len__(self) -> int:
        """The number of images with a name."""
        return len(self.images)

    def clip(self, item: int, frames: int, rng: np.random.Generator) -> NarratedClip:
        """`frames` times the image, with a text that is drawn.

        Raises:
            FileNotFoundError: the image or its mask is gone.
            InputError: they are damaged, or differ in size.
        """
        image, name = self.images[item], self._names[item]
        frame = self._frames.indexed(
            image.name,
            lambda: AnnotatedFrame(read_image(image.image), image.read_mask(image.name), {}),
        )
        assert frame.index is not None, "of an image with a mask"
        mask = frame.index > 0
        above = _ABOVE_ALL.get(name.kind) if rng.random() < ABOVE else None
        phrases = [_phrase(name, rng) if above is None else _told(above, name, rng)]
        odds = self.absent / (1 - self.absent)
        for other in self._others(name, int(rng.poisson(odds)), rng):
            phrases.append(_phrase(other, rng))
        told = tell(phrases, rng)
        masks = [mask, *[np.zeros_like(mask)] * (len(phrases) - 1)]
        nouns = list(zip(told.spans, masks, strict=True))
        return still_clip(f"{self.name}/{image.name}", frame.rgb, told.text, nouns, frames)

    def _others(self, name: ObjectName, count: int, rng: np.random.Generator) -> list[ObjectName]:
        """Names of other images that mean something else."""
        found: list[ObjectName] = []
        for _ in range(count):
            other = self._names[int(rng.integers(len(self._names)))]
            taken = {word.lower() for one in (name, *found) for word in one.words}
            if not taken & {word.lower() for word in other.words}:
                found.append(other)
        return found


def _phrase(name: ObjectName, rng: np.random.Generator) -> NounPhrase:
    """The object by its own noun or an everyday word."""
    words = name.words
    return _told(words[int(rng.integers(len(words)))], name, rng)


def _told(word: str, name: ObjectName, rng: np.random.Generator) -> NounPhrase:
    return NounPhrase(*one_of_a_kind(word, rng), kind=name.kind)
