"""Narratives whose expressions already say which object each noun means: `meta_expressions.json`.

Nothing is looked for in them: the object of an expression is the record ``<video>/<obj_id>``, as
`vng.convert.points_from_masks` names it, and keeps its number. All nouns that mean it stay.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from pointvos.core.frames import FrameSource
from pointvos.vidln.left_out import LeftOutLines
from vng.convert.link_types import Link, NoLink, NounPlace, Reason, Rule
from vng.convert.point_objects import PointVideo
from vng.data.expressions import Expression, NarratedVideo, read_expressions


class GivenNarratives:
    """The videos of a ``meta_expressions.json``.

    Args:
        path: of the file.

    Attributes:
        left_out: always empty; such a file is whole or refused.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: see `read_expressions`.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.left_out = LeftOutLines()
        self._videos = {video.name: video for video in read_expressions(path)}

    @property
    def expressions(self) -> int:
        """How many there are."""
        return sum(len(video.expressions) for video in self._videos.values())

    def numbered(self, video: PointVideo) -> PointVideo:
        """The video with the numbers that the expressions give its objects."""
        meant = self._meant(video.name)
        objects = tuple(
            replace(one, obj_id=meant[one.about.key][0].obj_id) if one.about.key in meant else one
            for one in video.objects
        )
        return replace(video, objects=objects)

    def links(self, video: PointVideo) -> dict[str, Link | NoLink]:
        """Key of the record -> the first noun that means it, in the order of the objects."""
        told = self._videos.get(video.name)
        meant = self._meant(video.name)
        found: dict[str, Link | NoLink] = {}
        for key in (one.about.key for one in video.objects):
            if told is None:
                found[key] = NoLink(key, Reason.MISSING_NARRATIVE)
            elif key not in meant:
                found[key] = NoLink(key, Reason.NOUN_NOT_FOUND, note="no expression means it")
            else:
                first = meant[key][0]
                place = NounPlace(None, None, first.narrative, first.start, first.end)
                noun = told.noun(first)
                found[key] = Link(key, place, noun, Rule.GIVEN, None, candidates=len(meant[key]))
        return found

    def narrated(
        self, video: PointVideo, frames: FrameSource, records: Sequence[Mapping[str, Any]]
    ) -> NarratedVideo | None:
        """All narratives of a video with the expressions of the objects that are in the set.

        Args:
            video: whose records they are.
            frames: of the video.
            records: see `record_line`.

        Returns:
            None without a single such expression.
        """
        key_of = {line["obj_id"]: line["key"] for line in records if line["obj_id"] is not None}
        if not key_of:
            return None
        told = self._videos[video.name]
        expressions = tuple(
            replace(
                one,
                other={
                    **one.other,
                    "point_vos_key": key_of[one.obj_id],
                    "link_rule": str(Rule.GIVEN),
                },
            )
            for one in told.expressions
            if one.obj_id in key_of
        )
        other = {**told.other, "height": frames.height, "width": frames.width}
        other.pop("split", None)
        if video.split:
            other["split"] = video.split
        return replace(told, frames=tuple(frames.names), expressions=expressions, other=other)

    def _meant(self, video: str) -> dict[str, list[Expression]]:
        """Key of a record -> the expressions that mean it."""
        meant: dict[str, list[Expression]] = {}
        if video in self._videos:
            for one in self._videos[video].expressions:
                meant.setdefault(f"{video}/{one.obj_id}", []).append(one)
        return meant
