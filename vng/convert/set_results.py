"""The end of building a VNG set: what all shards made, merged into its files; results.json last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointvos.core.atomic import atomic_path, write_json, write_text
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import iterate_jsonl, read_json
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.run_facts import RunFacts
from pointvos.core.safe_names import safe_join
from pointvos.formats.annotation_writer import annotation_writer
from pointvos.pseudomask.corpus import RunCounts
from pointvos.pseudomask.corpus_results import Extras
from pointvos.pseudomask.corpus_results import finish as finish_pseudo_masks
from pointvos.pseudomask.corpus_results import is_finished as pseudo_masks_finished
from pointvos.pseudomask.journal import Journal
from pointvos.pseudomask.mask_rule import ALL_POINTS
from vng.convert.convert_video import unusable
from vng.convert.given_narratives import GivenNarratives
from vng.convert.link_report import LinkTally, record_line
from vng.convert.link_types import NoLink, Reason
from vng.convert.set_job import (
    Entry,
    SetJob,
    journal_entries,
    left_out_before,
    named_left_out,
    refuse_too_many,
)
from vng.data.expressions import NarratedVideo, parse_video, read_expressions, write_expressions

FORMAT = "pointvos VNG set"
FORMAT_VERSION = 1
NOTHING_MADE = RunCounts(0, 0)


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What set.json says beside counts.

    Attributes:
        name: of the set.
        dense: whether every frame has a mask of every object; else those without are unknown.
        points_verified: whether people have verified the points; None where nobody says.
        sources: what it was built from.
    """

    name: str
    dense: bool
    points_verified: bool | None
    sources: Mapping[str, str]


@dataclass
class _Tally:
    """What the files of the set hold."""

    links: LinkTally = field(default_factory=LinkTally)
    videos: int = 0
    narratives: int = 0
    expressions: int = 0
    frames: int = 0
    nouns: set[str] = field(default_factory=set)
    splits: dict[str, list[str]] = field(default_factory=dict)

    def add(self, video: NarratedVideo) -> None:
        self.videos += 1
        self.narratives += len(video.narratives)
        self.expressions += len(video.expressions)
        self.frames += len(video.frames)
        self.nouns |= {video.noun(one).casefold() for one in video.expressions}
        if "split" in video.other:
            self.splits.setdefault(video.other["split"], []).append(video.name)

    def as_dict(self) -> dict[str, Any]:
        return {
            "videos": self.videos,
            "frames": self.frames,
            "narratives": self.narratives,
            "expressions": self.expressions,
            "different_nouns": len(self.nouns),
            "masks": self.links.masks,
            **self.links.as_dict(),
        }


def is_finished(job: SetJob, *, masks_json: bool) -> bool:
    """Whether results.json tells of everything that is there and asked for."""
    output = job.output
    if not output.job.results.is_file() or Journal(output.job.journal).parts():
        return False
    written = read_json(output.job.results)
    return bool(
        written.get("videos_without_frames") == _without_frames(job)
        and set(job.with_frames) <= output.job.completed((ALL_POINTS,))
        and (output.official_masks.is_file() or not masks_json)
    )


def finish(
    job: SetJob,
    declared: Declaration,
    counts: RunCounts,
    facts: RunFacts,
    *,
    masks_json: bool,
    backend_counts: RunCounts = NOTHING_MADE,
) -> dict[str, Any] | list[str]:
    """Merge what all shards have made, unless another is at work or yet to come.

    May be killed at any moment and called again.

    Args:
        job: with the whole PV set.
        declared: what the set says of itself.
        counts: of this run.
        facts: of this run.
        masks_json: whether to write the masks as JSON too.
        backend_counts: of this run's part of `job.backend_job`.

    Returns:
        What stands in results.json; or the videos that are still to be made, none if another shard
        is at work and will merge, or has merged.

    Raises:
        InputError: more is left out than may be, a file is damaged, or no object was linked.
    """
    output = job.output
    output.job.begin(dict(job.identity))
    with output.job.alone() as alone:
        if not alone or is_finished(job, masks_json=masks_json):
            return []
        entries = journal_entries(job)
        completed = output.job.completed((ALL_POINTS,))
        missing = sorted(set(job.with_frames) - completed - set(entries))
        if missing:
            return missing
        if job.backend_job is not None and not _finish_backend(job, backend_counts, facts):
            return []
        left_out = left_out_before(job)
        for name, entry in entries.items():
            left_out.update(named_left_out(name, entry.left_out))
        refuse_too_many(job.source, left_out, job.max_left_out)
        return _merge(job, declared, entries, left_out, counts, facts, masks_json=masks_json)


def _finish_backend(job: SetJob, counts: RunCounts, facts: RunFacts) -> bool:
    """Merge the pseudo-masks; False while another shard is at work on them."""
    assert job.backend_job is not None
    frames = Path(str(job.backend_job.identity["frames"]))
    finish_pseudo_masks(job.backend_job, frames, counts, Extras(), facts)
    return pseudo_masks_finished(job.backend_job, Extras())


def _merge(
    job: SetJob,
    declared: Declaration,
    entries: Mapping[str, Entry],
    left_out: Mapping[str, str],
    counts: RunCounts,
    facts: RunFacts,
    *,
    masks_json: bool,
) -> dict[str, Any]:
    output = job.output
    output.job.remove_leftovers()
    parts = Journal(output.job.journal).parts()
    made = _Made(job, entries)
    with MaskStoreWriter(output.masks):  # there is a store, even if nothing was made
        pass
    store = finish_store(output.masks)
    tally = _write_files(job, made, store, masks_json=masks_json)
    for split, names in tally.splits.items():
        write_text(safe_join(output.splits, f"{split}.txt"), "".join(f"{name}\n" for name in names))
    declaration = {
        "format": FORMAT,
        "version": FORMAT_VERSION,
        "name": declared.name,
        "frames": "dense" if declared.dense else "sparse",
        "points_verified": declared.points_verified,
        "sources": dict(declared.sources),
        "splits": {split: len(names) for split, names in tally.splits.items()},
        "counts": tally.as_dict(),
    }
    write_json(output.declaration, declaration)
    traces, given = output.trace_counts, job.narratives
    record = {
        **tally.as_dict(),
        "not_chosen": job.points.not_chosen,
        "split_lines_not_found": job.points.not_found,
        **({"expressions_given": given.expressions} if isinstance(given, GivenNarratives) else {}),
        "left_out": [{"where": key, "why": left_out[key]} for key in sorted(left_out)],
        "videos_without_frames": _without_frames(job),
        **({"points_from_traces": read_json(traces)} if traces.is_file() else {}),
        "videos_made_now": counts.made,
        "videos_already_there": counts.already,
        **facts.as_dict(),
    }
    write_json(output.job.results, record)
    Journal(output.job.journal).remove(parts)
    return record


def _write_files(job: SetJob, made: _Made, store: MaskStore, *, masks_json: bool) -> _Tally:
    """Expressions, linking and, if asked for, masks as JSON, in one pass over the videos."""
    output, tally = job.output, _Tally()
    with ExitStack() as held:
        lines = held.enter_context(
            held.enter_context(atomic_path(output.linking)).open("w", encoding="utf-8")
        )
        if masks_json:
            output.official_masks.unlink(missing_ok=True)
            masks = held.enter_context(annotation_writer(output.official_masks, kind="vng"))

        def narrated() -> Iterator[NarratedVideo]:
            for records, video in made.iterate():
                for line in records:
                    tally.links.add(line)
                    lines.write(json.dumps(line) + "\n")
                if video is None:
                    continue
                tally.add(video)
                if masks_json:
                    masks.add(store.read(video.name), [f"{frame}.jpg" for frame in video.frames])
                yield video
            if not tally.videos:
                why = tally.links.left_out.most_common()
                raise InputError(
                    f"{job.source}: expected objects with a noun and masks, found none: "
                    + ", ".join(f"{count} {reason}" for reason, count in why)
                )

        write_expressions(output.expressions, narrated())
    return tally


class _Made:
    """What was made of every video: from the journal, or from the files of an earlier merge."""

    def __init__(self, job: SetJob, entries: Mapping[str, Entry]) -> None:
        self._job, self._entries = job, entries
        self._lines: dict[str, list[dict[str, Any]]] = {}
        self._narrated: dict[str, NarratedVideo] = {}
        if set(job.with_frames) - set(entries):
            for _, line in iterate_jsonl(job.output.linking):
                self._lines.setdefault(line["video"], []).append(line)
            self._narrated = {one.name: one for one in read_expressions(job.output.expressions)}

    def iterate(self) -> Iterator[tuple[list[dict[str, Any]], NarratedVideo | None]]:
        """Yield lines and narratives of all videos by name, at last of records without a video."""
        for name, video in self._job.points.videos.items():
            if video.path is None:
                yield unusable(video, Reason.MISSING_VIDEO, "").records, None
            elif name in self._entries:
                value = self._entries[name].read()
                source = str(self._entries[name].path)
                narrated = value["narrated"]
                yield (
                    value["records"],
                    narrated and parse_video(name, narrated, source=source),
                )
            else:
                yield self._lines[name], self._narrated.get(name)
        unnamed = self._job.points.unnamed
        yield (
            [
                record_line(NoLink(key, Reason.NULL_VIDEO_NAME), video=None, object_name=None)
                for key in unnamed
            ],
            None,
        )


def _without_frames(job: SetJob) -> list[str]:
    return [name for name, video in job.points.videos.items() if video.path is None]
