"""What a narrated set holds: the counts that the paper gives of VNG sets, and distributions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.progress import progress
from vng.data.expressions import Expression, NarratedVideo

# Videos and objects, in thousands (paper, section 4.3).
PAPER_SETS = {
    "OVIS-VNG + UVO-VNG (paper)": (8, 45),
    "Oops-VNG + Kinetics-VNG (paper)": (32, 133),
}


class NarratedSet(Protocol):
    """Narrated videos with the masks of their objects: `VngSet`, `CocoPngSet`."""

    @property
    def videos(self) -> Mapping[str, NarratedVideo]:
        """By name."""

    @property
    def sparse(self) -> bool:
        """Whether only some frames are annotated."""

    def __iter__(self) -> Iterator[tuple[NarratedVideo, int, Expression]]:
        """Every expression with its video and its id in it."""

    def has_masks(self, video: NarratedVideo, object_id: int) -> bool:
        """Whether there are masks of an object at all."""

    def masks(self, video: NarratedVideo, object_id: int) -> list[StoredMask | None]:
        """One mask a frame: None where not annotated, empty where the object is absent."""


@dataclass
class SetStatistics:
    """Counts and distributions of a set.

    Attributes:
        videos: how many.
        narratives: how many.
        objects: distinct objects that expressions mean.
        expressions: how many.
        objects_always_absent: objects without a pixel on any annotated frame.
        object_frames: annotated object-frames.
        absent_object_frames: those with an empty mask.
        nouns: noun in lower case -> expressions.
        words: of each narrative.
        expressions_per_narrative: of each narrative.
        frames: of each video.
        annotated_frames: of each object.
        area: share of the frame of each mask that is not empty, in (0, 1].
    """

    videos: int = 0
    narratives: int = 0
    objects: int = 0
    expressions: int = 0
    objects_always_absent: int = 0
    object_frames: int = 0
    absent_object_frames: int = 0
    nouns: Counter[str] = field(default_factory=Counter)
    words: list[int] = field(default_factory=list)
    expressions_per_narrative: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)
    annotated_frames: list[int] = field(default_factory=list)
    area: list[float] = field(default_factory=list)

    def distributions(self) -> dict[str, list[float]]:
        """What is worth a histogram, by its label."""
        return {
            "words a narrative": [float(one) for one in self.words],
            "expressions a narrative": [float(one) for one in self.expressions_per_narrative],
            "frames a video": [float(one) for one in self.frames],
            "annotated frames an object": [float(one) for one in self.annotated_frames],
            "mask area (% of the frame)": [100 * one for one in self.area],
        }

    def as_dict(self) -> dict[str, Any]:
        """Counts, the 50 most frequent nouns, and mean and quartiles of each distribution."""
        counts = {
            name: getattr(self, name)
            for name in (
                *("videos", "narratives", "objects", "expressions", "objects_always_absent"),
                *("object_frames", "absent_object_frames"),
            )
        }
        return {
            **counts,
            "vocabulary": len(self.nouns),
            "most_frequent_nouns": dict(self.nouns.most_common(50)),
            "distributions": {
                name: _summary(values) for name, values in self.distributions().items() if values
            },
        }


def set_statistics(narrated: NarratedSet) -> SetStatistics:
    """Count a set; all its masks are looked at, which also checks them.

    Raises:
        FileNotFoundError: a mask file is missing.
        InputError: an object has no masks, or one is damaged.
    """
    found = SetStatistics()
    for video in progress(list(narrated.videos.values()), description="reading", unit="video"):
        found.videos += 1
        found.frames.append(len(video.frames))
        of_narrative = Counter(one.narrative for one in video.expressions)
        for index, narrative in enumerate(video.narratives):
            found.narratives += 1
            found.words.append(len(narrative.description.split()))
            found.expressions_per_narrative.append(of_narrative[index])
        found.expressions += len(video.expressions)
        found.nouns.update(video.noun(one).lower() for one in video.expressions)
        for object_id in dict.fromkeys(one.obj_id for one in video.expressions):
            _add_object(found, narrated.masks(video, object_id))
    return found


def _add_object(found: SetStatistics, masks: list[StoredMask | None]) -> None:
    annotated = [mask for mask in masks if mask is not None]
    areas = [mask.area / (mask.height * mask.width) for mask in annotated]
    found.objects += 1
    found.annotated_frames.append(len(annotated))
    found.object_frames += len(annotated)
    found.absent_object_frames += sum(area == 0 for area in areas)
    found.objects_always_absent += not any(areas)
    found.area += [area for area in areas if area]


def _summary(values: list[float]) -> dict[str, float]:
    quartiles = np.percentile(values, [0, 25, 50, 75, 100])
    names = ("least", "first_quartile", "median", "third_quartile", "most")
    return {
        "mean": round(float(np.mean(values)), 4),
        **{name: round(float(q), 4) for name, q in zip(names, quartiles, strict=True)},
    }
