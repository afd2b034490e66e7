"""Clips from sets of narrated videos: OVIS-VNG, UVO-VNG, Oops-VNG, Kinetics-VNG, COCO-PNG."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.progress import progress
from pointvos.datasets.left_out import LeftOutVideos
from vng.data.clip_sampler import choose_centre, choose_frames
from vng.data.expressions import NarratedVideo
from vng.data.kept_frames import KeptFrames
from vng.data.preview_page import ReadFrame
from vng.data.samples import NarratedClip
from vng.data.statistics import NarratedSet
from vng.text.spans import Span

KEPT_OBJECTS = 1000  # whose run lengths stay in memory, some 30 KB each

Frames = NDArray[np.int32]  # positions in a video


class MarkedNoun(NamedTuple):
    """A noun with an object whose masks are there.

    Attributes:
        span: in the narrative.
        obj_id: of the object.
        known: frames on which it is annotated.
        shown: those of them on which its mask is not empty.
    """

    span: Span
    obj_id: int
    known: Frames
    shown: Frames


class NarrativeItem(NamedTuple):
    """One narrative of a video with its nouns."""

    video: NarratedVideo
    text: str
    nouns: tuple[MarkedNoun, ...]


class NarratedSetReader:
    """A set as training data: an item is a narrative with all its nouns that have masks.

    A noun whose masks are missing is left out of the clip's spans, it is never a negative. A frame
    on which an object is not annotated is not known; an empty mask says that the object is absent.

    Attributes:
        name: of the set.
        items: narratives with at least one noun.
        nouns_left_out: nouns without masks, or of spaces alone.
    """

    def __init__(
        self,
        name: str,
        narrated: NarratedSet,
        read: ReadFrame,
        *,
        videos: Sequence[NarratedVideo] | None = None,
        left_out: LeftOutVideos | None = None,
        annotated_only: bool | None = None,
        short_side: int | None = 480,
        cache_mb: float = 2000,
    ) -> None:
        """Find out which frames are annotated; no frame is decoded yet.

        Args:
            name: of the set, for messages.
            narrated: videos with narratives and masks.
            read: gives a frame of a video.
            videos: those to use, by default all.
            left_out: counts videos without any noun that has masks; by default none may be.
            annotated_only: draw clips from annotated frames alone; by default in sparse sets.
            short_side: frames are kept no larger than this, in pixels.
            cache_mb: memory for decoded frames, in MB.

        Raises:
            FileNotFoundError: a mask file is missing.
            InputError: masks are damaged, no narrative has a noun with masks, or too many videos
                have none.
        """
        self.name = name
        self.narrated = narrated
        self.read = read
        self.annotated_only = narrated.sparse if annotated_only is None else annotated_only
        self.nouns_left_out = 0
        self._frames = KeptFrames(short_side, cache_mb)
        self._masks: OrderedDict[tuple[str, int], list[StoredMask | None]] = OrderedDict()
        left_out = left_out or LeftOutVideos(name)
        self.items: list[NarrativeItem] = []
        chosen = list(narrated.videos.values()) if videos is None else list(videos)
        for video in progress(chosen, description=f"reading {name}", unit="video"):
            items = list(self._items_of(video))
            if video.expressions and not items:
                left_out.add(video.name, "a noun with masks", "none")
            self.items += items
        if not self.items:
            raise InputError(f"{name}: expected narratives with nouns that have masks, found none")

    def __len__(self) -> int:
        """The number of narratives."""
        return len(self.items)

    def clip(self, item: int, frames: int, rng: np.random.Generator) -> NarratedClip:
        """Draw `frames` frames around one that shows a noun.

        Raises:
            FileNotFoundError: the frames of the video are gone.
            InputError: a frame is damaged, or its masks are of another size.
        """
        video, text, nouns = self.items[item]
        positions = self._positions(video, nouns)
        telling = [noun for noun in nouns if len(noun.shown)] or nouns
        noun = telling[rng.integers(len(telling))]
        centre = choose_centre(noun.shown.tolist(), noun.known.tolist(), rng)
        place = int(np.searchsorted(positions, centre))
        chosen = [positions[i] for i in choose_frames(len(positions), place, frames, rng)]
        rgb = [self._rgb(video, frame) for frame in chosen]
        if len({one.shape for one in rgb}) > 1:
            raise InputError(f"{self.name}: {video.name}: expected frames of one size, found more")
        masks = np.zeros((len(nouns), frames, *rgb[0].shape[:2]), bool)
        known = np.zeros((len(nouns), frames), bool)
        for n, noun in enumerate(nouns):
            stored = self._stored(video, noun.obj_id)
            for t, frame in enumerate(chosen):
                mask = stored[frame]
                if mask is not None:
                    masks[n, t] = self._fitting(mask, rgb[t].shape[:2], video)
                    known[n, t] = True
        spans = tuple(noun.span for noun in nouns)
        still = len(set(chosen)) == 1
        return NarratedClip(
            f"{self.name}/{video.name}", np.stack(rgb), text, spans, masks, known, still
        )

    def _items_of(self, video: NarratedVideo) -> Iterator[NarrativeItem]:
        of_narrative: dict[int, list[MarkedNoun]] = {}
        for expression in video.expressions:
            known, shown = self._annotated(video, expression.obj_id)
            if not len(known) or not video.noun(expression).strip():
                self.nouns_left_out += 1
                continue
            span = expression.start, expression.end
            noun = MarkedNoun(span, expression.obj_id, known, shown)
            of_narrative.setdefault(expression.narrative, []).append(noun)
        for index, nouns in sorted(of_narrative.items()):
            yield NarrativeItem(video, video.narratives[index].description, tuple(nouns))

    def _annotated(self, video: NarratedVideo, object_id: int) -> tuple[Frames, Frames]:
        """The frames on which an object is annotated, and those on which it is seen."""
        if not self.narrated.has_masks(video, object_id):
            return np.zeros(0, np.int32), np.zeros(0, np.int32)
        if len(video.frames) == 1 and not self.narrated.sparse:  # an image; no need to open it
            return np.zeros(1, np.int32), np.zeros(1, np.int32)
        stored = self._stored(video, object_id)
        known = [frame for frame, mask in enumerate(stored) if mask is not None]
        shown = [frame for frame, mask in enumerate(stored) if mask is not None and mask.area]
        return np.array(known, np.int32), np.array(shown, np.int32)

    def _positions(self, video: NarratedVideo, nouns: Sequence[MarkedNoun]) -> list[int]:
        """The frames that clips are drawn from, ascending."""
        if not self.annotated_only:
            return list(range(len(video.frames)))
        return sorted({int(frame) for noun in nouns for frame in noun.known})

    def _stored(self, video: NarratedVideo, object_id: int) -> list[StoredMask | None]:
        """The masks of an object, of which those asked for last are kept."""
        key = video.name, object_id
        if key not in self._masks:
            self._masks[key] = self.narrated.masks(video, object_id)
            if len(self._masks) > KEPT_OBJECTS:
                self._masks.popitem(last=False)
        self._masks.move_to_end(key)
        return self._masks[key]

    def _rgb(self, video: NarratedVideo, frame: int) -> NDArray[np.uint8]:
        return self._frames.rgb((video.name, frame), lambda: self.read(video, frame))

    def _fitting(
        self, mask: StoredMask, size: tuple[int, ...], video: NarratedVideo
    ) -> NDArray[np.bool_]:
        kept = self._frames.mask(mask.decode())
        if kept.shape != size:
            raise InputError(
                f"{self.name}: {video.name}: expected masks of the size of the frames, found a "
                f"mask of {mask.width}x{mask.height} that does not fit frame {mask.frame!r:.60}"
            )
        return kept
