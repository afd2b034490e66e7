"""One video of a VNG set: its objects linked to nouns, their masks, its expressions."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frames import FrameSource, open_frames
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.points import PointLabel
from pointvos.pseudomask.annotated_videos import NO_FRAMES
from pointvos.vidln.index import NarrativeIndex
from pointvos.vidln.nouns import DEFAULT_PIPELINE, NounFinder
from pointvos.vidln.questions import LocationQuestion
from vng.convert.given_narratives import GivenNarratives
from vng.convert.link_report import record_line
from vng.convert.link_types import (
    CaptionNouns,
    Link,
    LinkRules,
    LinkTarget,
    NoLink,
    NounPlace,
    Reason,
)
from vng.convert.linking import FrameSize, link_video
from vng.convert.object_masks import NoMasks, ObjectMasks
from vng.convert.point_objects import PointObject, PointVideo
from vng.convert.video_narratives import narratives_of
from vng.data.expressions import ActorNarrative, Expression, NarratedVideo

WHOLE_VIDEO = ""  # where the reason stands in `left_out` if nothing of a video can be used


@lru_cache(maxsize=1)
def noun_finder(pipeline: str) -> NounFinder:
    """A finder of nouns that stays in memory: loading it takes a second.

    Raises:
        InputError: see `NounFinder`.
    """
    return NounFinder(pipeline)


@dataclass(frozen=True, kw_only=True)
class ConvertRules:
    """How videos are converted.

    Attributes:
        links: how objects are linked to nouns.
        pipeline: of spaCy; not needed where the expressions are given.
        dense: whether every frame must have a mask of every object.
    """

    links: LinkRules = field(default_factory=LinkRules)
    pipeline: str = DEFAULT_PIPELINE
    dense: bool = False


@dataclass(kw_only=True)
class ConvertedVideo:
    """What was made of one video.

    Attributes:
        name: of the video.
        records: a JSON object for each record, in the order of the file (see `record_line`).
        narrated: narratives and expressions; None without a single linked object.
        masks: of the linked objects.
        left_out: object -> why its data cannot be used; the whole video under `WHOLE_VIDEO`.
        seconds: that it took.
    """

    name: str
    records: list[dict[str, Any]] = field(default_factory=list)
    narrated: NarratedVideo | None = None
    masks: list[StoredMask] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0


class VideoConverter:
    """What a worker is: converts videos; nothing is loaded before `check` or `make`.

    Args:
        narratives: where the narratives of a video stand, or expressions that are given.
        questions: location-output questions by hash.
        store: folder of the mask store.
        rules: how.
    """

    def __init__(
        self,
        narratives: NarrativeIndex | GivenNarratives,
        questions: Mapping[str, LocationQuestion],
        store: Path,
        rules: ConvertRules,
    ) -> None:
        self._narratives, self._questions = narratives, questions
        self._folder, self._rules = store, rules
        self._loaded: MaskStore | None = None

    def check(self) -> None:
        """Load the spaCy pipeline and open the mask store, for their errors.

        Raises:
            FileNotFoundError: there is no such mask store.
            InputError: the pipeline is not there, or the store is damaged.
        """
        if not isinstance(self._narratives, GivenNarratives):
            noun_finder(self._rules.pipeline)
        self._store()

    def make(self, video: PointVideo) -> ConvertedVideo:
        """Convert a video; what is wrong with its data is named in `left_out`.

        Raises:
            InputError: the mask store is damaged.
        """
        started = time.perf_counter()
        made = ConvertedVideo(name=video.name)
        try:
            if video.path is None:
                raise InputError(NO_FRAMES)
            frames = open_frames(video.path)
        except (InputError, FileNotFoundError) as error:
            return unusable(video, Reason.MISSING_VIDEO, str(error))
        if isinstance(self._narratives, GivenNarratives):
            video = self._narratives.numbered(video)
            self._take_masks(made, video, frames, self._narratives.links(video))
            made.narrated = self._narratives.narrated(video, frames, made.records)
            made.seconds = time.perf_counter() - started
            return made
        try:
            captions, names = self._captions(video, self._narratives)
        except InputError as error:
            return unusable(video, Reason.DAMAGED_NARRATIVE, str(error))
        size = FrameSize(frames.height, frames.width)
        unique = [one for one in video.objects if one.same_as is None]
        found = link_video(
            [_target(one, names) for one in unique],
            captions,
            size,
            self._rules.links,
            questions=self._questions,
        )
        self._take_masks(made, video, frames, found)
        made.narrated = _narrated(video, frames, captions, made.records)
        made.seconds = time.perf_counter() - started
        return made

    def _store(self) -> MaskStore:
        if self._loaded is None:
            self._loaded = MaskStore.open(self._folder)
        return self._loaded

    def _captions(
        self, video: PointVideo, index: NarrativeIndex
    ) -> tuple[list[CaptionNouns], dict[str, Any]]:
        """The captions of a video, and the nouns in the names of its objects, by name.

        The pipeline sees one video at a time: what it finds must not depend on the neighbours.
        """
        places = [
            (narrative, number)
            for narrative in narratives_of(video.name, index)
            for number, actor in enumerate(narrative.actor_narratives)
            if actor.caption
        ]
        names = list(dict.fromkeys(" ".join((one.name or "").split()) for one in video.objects))
        texts = [narrative.actor_narratives[i].caption or "" for narrative, i in places] + names
        nouns = list(noun_finder(self._rules.pipeline).find_all(texts))
        captions = [
            CaptionNouns(narrative, actor, nouns[number])
            for number, (narrative, actor) in enumerate(places)
        ]
        return captions, dict(zip(names, nouns[len(places) :], strict=True))

    def _take_masks(
        self,
        made: ConvertedVideo,
        video: PointVideo,
        frames: FrameSource,
        found: Mapping[str, Link | NoLink],
    ) -> None:
        """Enter all records, and the masks of those that are linked."""
        masks_of = ObjectMasks(self._store(), video.name, frames, dense=self._rules.dense)
        for one in video.objects:
            if one.same_as is not None:
                again = NoLink(one.about.key, Reason.DUPLICATE_RECORD, note=f"of {one.same_as}")
                made.records.append(_line(video, one, again))
                continue
            link = found[one.about.key]
            masks = masks_of.of(one) if isinstance(link, Link) else None
            made.records.append(_line(video, one, link, masks))
            if isinstance(masks, list):
                made.masks += masks
            elif masks is not None and masks.reason is Reason.UNUSABLE_MASKS:
                made.left_out[one.about.key] = masks.note


def unusable(video: PointVideo, reason: Reason, why: str) -> ConvertedVideo:
    """A video of which nothing can be used."""
    records = [_line(video, one, NoLink(one.about.key, reason)) for one in video.objects]
    return ConvertedVideo(name=video.name, records=records, left_out={WHOLE_VIDEO: why})


def _line(
    video: PointVideo,
    one: PointObject,
    link: Link | NoLink,
    masks: Sequence[StoredMask] | NoMasks | None = None,
) -> dict[str, Any]:
    return record_line(link, video=video.name, object_name=one.name, obj_id=one.obj_id, masks=masks)


def _target(one: PointObject, names: Mapping[str, Any]) -> LinkTarget:
    about = one.about
    foreground: dict[str, NDArray[np.float32]] = {}
    for frame in about.frame_ids:
        points = about.points(frame)
        foreground[frame] = points.xy[points.labels == PointLabel.FOREGROUND]
    name = " ".join((one.name or "").split())
    return LinkTarget(about.key, one.name, names[name], foreground)


def _narrated(
    video: PointVideo,
    frames: FrameSource,
    captions: Sequence[CaptionNouns],
    records: Sequence[Mapping[str, Any]],
) -> NarratedVideo | None:
    """The narratives with a linked noun, and the expressions in the order of their nouns."""
    linked: dict[int, list[tuple[NounPlace, Mapping[str, Any]]]] = {}
    number_of: dict[tuple[str | None, int | None, int], int] = {
        (one.narrative.dataset_id, one.narrative.vidln_id, one.actor): number
        for number, one in enumerate(captions)
    }
    for record in records:
        if record["obj_id"] is not None:
            place = NounPlace(
                record["dataset_id"], record["vidln_id"], record["actor"], *record["span"]
            )
            linked.setdefault(number_of[place[:3]], []).append((place, record))
    if not linked:
        return None
    narratives: list[ActorNarrative] = []
    expressions: list[Expression] = []
    for number in sorted(linked):
        narratives.append(_narrative(captions[number], len(narratives)))
        for place, record in sorted(linked[number], key=lambda one: (one[0], one[1]["obj_id"])):
            other = {"point_vos_key": record["key"], "link_rule": str(record["rule"])}
            expressions.append(
                Expression(
                    len(narratives) - 1, place.start, place.end, record["obj_id"], other=other
                )
            )
    other = {"height": frames.height, "width": frames.width}
    if video.split:
        other["split"] = video.split
    return NarratedVideo(
        video.name, tuple(frames.names), tuple(narratives), tuple(expressions), other=other
    )


def _narrative(caption: CaptionNouns, number: int) -> ActorNarrative:
    # actor_idx is the place in the list, which the official loader goes by: what VidLN calls the
    # actor is not unique where a video has narratives of several annotators.
    return ActorNarrative(
        actor_idx=number,
        actor_name=caption.about.actor_name or "",
        description=caption.caption,
        other={
            "vidln_id": caption.narrative.vidln_id,
            "vidln_actor_idx": caption.actor,
            "annotator_id": caption.narrative.annotator_id,
            "dataset_id": caption.narrative.dataset_id,
        },
    )
