"""Clips from images whose segments have categories: COCO panoptic with sentences made for it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from pointvos.core.errors import InputError
from pointvos.datasets.left_out import LeftOutVideos
from vng.data.category_nouns import NounSettings, draw_nouns
from vng.data.kept_frames import KeptFrames
from vng.data.panoptic_images import PanopticImage
from vng.data.samples import NarratedClip, still_clip
from vng.data.sentences import tell


class CategoryReader:
    """Images with categories as training data: an item is an image, its text is new every time.

    Attributes:
        name: of the data set.
        images: those with something to name.
    """

    def __init__(
        self,
        name: str,
        images: Sequence[PanopticImage],
        categories: Sequence[str],
        *,
        nouns: NounSettings | None = None,
        left_out: LeftOutVideos | None = None,
        short_side: int | None = 480,
        cache_mb: float = 1000,
    ) -> None:
        """Remember what there is; nothing is decoded yet.

        Args:
            name: of the data set, for messages.
            images: with their segments.
            categories: all that the data set tells apart, seen in these images or not.
            nouns: which nouns texts hold.
            left_out: counts images whose files are missing; by default none may be.
            short_side: images are kept no larger than this, in pixels.
            cache_mb: memory for decoded images, in MB.

        Raises:
            InputError: no image has a segment that can be named, or too many files are missing.
        """
        self.name = name
        self.nouns = nouns or NounSettings()
        left_out = left_out or LeftOutVideos(name)
        self.images: list[PanopticImage] = []
        for image in images:
            missing = [path for path in (image.image, image.png) if not path.is_file()]
            if missing:
                left_out.add(image.name, missing[0].name, "none")
            elif not all(segment.crowd for segment in image.segments):
                self.images.append(image)
        if not self.images:
            raise InputError(f"{name}: expected images with segments to name, found none")
        seen = Counter(segment.category for image in self.images for segment in image.segments)
        self._weights = {category: float(seen[category]) for category in categories}
        self._frames = KeptFrames(short_side, cache_mb)

    def __len__(self) -> int:
        """The number of images."""
        return len(self.images)

    def clip(self, item: int, frames: int, rng: np.random.Generator) -> NarratedClip:
        """`frames` times the image, with a text that is drawn.

        Raises:
            FileNotFoundError: the image or its segments are gone.
            InputError: they are damaged, or nothing in the image is large enough for a noun.
        """
        image = self.images[item]
        frame = self._frames.indexed(image.name, image.read)
        assert frame.index is not None, "of an image with segments"
        drawn = draw_nouns(image.segments, frame.index, self.nouns, self._weights, rng)
        if not drawn:
            raise InputError(
                f"{self.name}: {image.name}: expected a category with at least "
                f"{self.nouns.min_area:.2%} of the image, found none; lower min_area"
            )
        told = tell([noun.phrase for noun in drawn], rng)
        nouns = [
            (span, np.isin(frame.index, noun.segments))
            for span, noun in zip(told.spans, drawn, strict=True)
        ]
        return still_clip(f"{self.name}/{image.name}", frame.rgb, told.text, nouns, frames)
