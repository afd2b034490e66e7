"""Point-VOS records from narratives alone: trace -> mask on one key-frame -> points in it.

The first step of the paper's annotation (section 3.2) without propagation and without people: the
points are those of a predicted mask, and nobody has verified them. Each record says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import FrameNames, find_video
from pointvos.core.frames import FrameSource, open_frames
from pointvos.core.points import PointLabel, Points
from pointvos.formats.point_vos import AnnotatedPoint, PointStatus, PointVosRecord
from pointvos.pseudomask.backend import MaskBackend, Prompt
from pointvos.simulation.point_sets import BACKGROUND, PointSampling, sample_frame
from pointvos.vidln.drawing import pixel_strokes
from pointvos.vidln.largest_keyframe import largest_keyframe
from pointvos.vidln.location import KeyframeTrace, locate_span
from pointvos.vidln.narrative import Narrative
from pointvos.vidln.nouns import Noun, NounFinder
from vng.convert.stop_nouns import is_stopped

_OBJECT = 1
_KEYS = (
    "question_hash",
    "question",
    "object_name",
    "video_name",
    "points_verified",
    "dataset_id",
    "vidln_id",
    "actor_idx",
    "noun_span",
    "annotated_points",
)


@dataclass
class TraceCounts:
    """What became of the nouns.

    Attributes:
        videos: narratives whose frames were found.
        nouns: found in their captions.
        without_trace: nouns that nobody pointed at.
        stop_nouns: nouns that are no things.
        empty_masks: nouns of which the backend found nothing.
        records: the others.
        left_out: narrative or noun -> why it could not be used.
    """

    videos: int = 0
    nouns: int = 0
    without_trace: int = 0
    stop_nouns: int = 0
    empty_masks: int = 0
    records: int = 0
    left_out: dict[str, str] = field(default_factory=dict)


def trace_summary(counts: Mapping[str, Any]) -> str:
    """The counts as one line; `counts` has the fields of `TraceCounts`."""
    return (
        f"points from traces: {counts['records']:,} of {counts['nouns']:,} nouns in "
        f"{counts['videos']:,} narratives; {counts['stop_nouns']:,} are no things, "
        f"{counts['without_trace']:,} nobody pointed at, of {counts['empty_masks']:,} the mask is "
        "empty"
    )


@dataclass(frozen=True, eq=False)
class _TracedNoun:
    actor: int
    noun: Noun
    trace: KeyframeTrace


@dataclass(frozen=True, eq=False)
class PointsFromTraces:
    """Makes records of the nouns of narratives.

    Attributes:
        frames: folder with ``<dataset_id>/<video_id>`` or ``<video_id>``, folders of frames or
            video files.
        backend: makes masks from traces.
        finder: finds the nouns.
        sampling: how points are drawn from a mask.
        stop_nouns: dictionary forms of nouns that are no things, see `is_stopped`.
        counts: of what came out so far.
    """

    frames: Path
    backend: MaskBackend
    finder: NounFinder
    sampling: PointSampling = field(default_factory=PointSampling)
    stop_nouns: tuple[str, ...] = ()
    counts: TraceCounts = field(default_factory=TraceCounts)

    def records(self, narrative: Narrative) -> Iterator[PointVosRecord]:
        """A record for every thing with a trace of which the backend finds something.

        In the order of the captions; what cannot be used is entered in `counts`.
        """
        where = f"{narrative.dataset_id}, narrative {narrative.vidln_id}"
        try:
            video, source = self._open(narrative)
        except (InputError, FileNotFoundError) as error:
            self.counts.left_out[where] = str(error)
            return
        self.counts.videos += 1
        by_keyframe: dict[int, list[_TracedNoun]] = {}
        for traced in self._traced_nouns(narrative):
            by_keyframe.setdefault(traced.trace.keyframe, []).append(traced)
        made = []
        for nouns in by_keyframe.values():
            try:
                made += self._on_frame(narrative, video, source, nouns)
            except InputError as error:
                self.counts.left_out[f"{where}, key-frame {nouns[0].trace.name}"] = str(error)
        self.counts.records += len(made)
        for _, record in sorted(made, key=lambda one: one[0]):
            yield record

    def _open(self, narrative: Narrative) -> tuple[str, FrameSource]:
        names = [f"{narrative.dataset_id}/{narrative.video_id}", narrative.video_id]
        for name in names:
            path = find_video(self.frames, name, source="narrative")
            if path is not None:
                return name, open_frames(path)
        raise InputError(f"expected frames of {names[0]} in {self.frames}, found none")

    def _traced_nouns(self, narrative: Narrative) -> Iterator[_TracedNoun]:
        captions = [actor.caption or "" for actor in narrative.actor_narratives]
        for index, nouns in enumerate(self.finder.find_all(captions)):
            for noun in nouns:
                self.counts.nouns += 1
                if is_stopped(noun.lemma, self.stop_nouns):
                    self.counts.stop_nouns += 1
                    continue
                actor = narrative.actor_narratives[index]
                trace = largest_keyframe(locate_span(narrative, actor, noun.start, noun.end))
                if trace is None:
                    self.counts.without_trace += 1
                else:
                    yield _TracedNoun(index, noun, trace)

    def _on_frame(
        self,
        narrative: Narrative,
        video: str,
        source: FrameSource,
        nouns: Sequence[_TracedNoun],
    ) -> list[tuple[tuple[int, int], PointVosRecord]]:
        """The records of one key-frame, each with its place in the narrative."""
        index = FrameNames(source.names).index(nouns[0].trace.name)
        if index is None:
            raise InputError(
                f"expected a frame of {video} ({source.names[0]} .. {source.names[-1]}), found none"
            )
        (frame,) = source.read(index, index + 1)
        prompts = [_prompt(one, source.height, source.width) for one in nouns]
        results = self.backend.masks(frame.rgb, prompts)
        made = []
        for one, result in zip(nouns, results, strict=True):
            if not result.mask.any():
                self.counts.empty_masks += 1
                continue
            record = self._record(narrative, video, frame.name, one, result.mask)
            made.append(((one.actor, one.noun.start), record))
        return made

    def _record(
        self,
        narrative: Narrative,
        video: str,
        frame: str,
        one: _TracedNoun,
        mask: NDArray[np.bool_],
    ) -> PointVosRecord:
        noun = one.noun
        place = (narrative.dataset_id, narrative.vidln_id, one.actor, noun.start, noun.end)
        key = hashlib.sha256("\0".join(map(str, place)).encode()).hexdigest()[:32]
        drawn = sample_frame(
            mask.astype(np.uint8) * _OBJECT, self.sampling, video=f"{video}\0{key}", frame=frame
        )
        points = [
            AnnotatedPoint(int(x), int(y), frame, status, status is PointStatus.ACCEPTED)
            for part, status in (
                (_OBJECT, PointStatus.ACCEPTED),
                (BACKGROUND, PointStatus.REJECTED),
            )
            for x, y in drawn[part]
        ]
        return PointVosRecord(
            key=key,
            video_name=video,
            annotated_points=tuple(points),
            object_name=noun.text,
            question="",
            other={
                "points_verified": False,
                "dataset_id": narrative.dataset_id,
                "vidln_id": narrative.vidln_id,
                "actor_idx": one.actor,
                "noun_span": [noun.start, noun.end],
            },
            keys=_KEYS,
        )


def _prompt(one: _TracedNoun, height: int, width: int) -> Prompt:
    """The trace in pixels of the frame; what runs out of the frame runs along its border."""
    strokes = pixel_strokes(one.trace.strokes, height, width)
    last = np.nextafter(np.array([width, height], np.float32), np.float32(0))
    trace = np.clip(np.concatenate(strokes), 0, last)
    name = f"{one.noun.text!r} of actor {one.actor}"
    if len(trace) < 2:
        label = np.array([PointLabel.FOREGROUND], np.int8)
        return Prompt(points=Points(trace, label), name=name)
    return Prompt(trace=trace, name=name)
