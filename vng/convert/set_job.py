"""The videos of a VNG set: resumable, in shards, on one machine or a cluster."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import parse_json_line
from pointvos.core.mask_store.writer import MaskStoreWriter, videos_of_shard
from pointvos.core.progress import progress
from pointvos.pseudomask.annotated_videos import NO_FRAMES
from pointvos.pseudomask.corpus import COMMIT_SECONDS, ROWS_PER_COMMIT, CorpusJob, RunCounts
from pointvos.pseudomask.engines import EngineSettings, Runner, working
from pointvos.pseudomask.journal import Journal
from pointvos.pseudomask.mask_rule import ALL_POINTS
from pointvos.vidln.index import NarrativeIndex
from pointvos.vidln.lines import iterate_lines
from pointvos.vidln.questions import LocationQuestion
from vng.convert.convert_video import (
    WHOLE_VIDEO,
    ConvertedVideo,
    ConvertRules,
    VideoConverter,
)
from vng.convert.given_narratives import GivenNarratives
from vng.convert.point_objects import PointSet, PointVideo
from vng.convert.set_folder import SetFolder
from vng.data.expressions import video_to_json

VIDEOS_PER_COMMIT = 500
_JOURNAL_KEYS = {"video", "records", "narrated", "left_out", "seconds"}


@dataclass(frozen=True, kw_only=True)
class SetJob:
    """One run that builds a set, or a shard of it.

    Attributes:
        points: the PV set.
        source: its file, for messages.
        narratives: where the narratives of a video stand, or expressions that are given.
        questions: location-output questions by hash.
        store: of the masks of its objects, by keys of records.
        backend_job: makes that store; None where it is there already.
        output: folder to write.
        rules: how videos are converted.
        identity: JSON values that must be equal for a later run to go on.
        engine: where the work is done.
        shard_id: which share of the videos is made, from 0.
        num_shards: how many shares there are.
        max_left_out: lines of narratives, videos and objects that may be left out.
        commit_seconds: of work that a kill may cost.
    """

    points: PointSet
    source: Path
    narratives: NarrativeIndex | GivenNarratives
    questions: Mapping[str, LocationQuestion]
    store: Path
    backend_job: CorpusJob | None
    output: SetFolder
    rules: ConvertRules
    identity: Mapping[str, Any]
    engine: EngineSettings = field(default_factory=EngineSettings)
    shard_id: int = 0
    num_shards: int = 1
    max_left_out: int = 0
    commit_seconds: float = COMMIT_SECONDS

    @property
    def with_frames(self) -> list[str]:
        """The videos that can be made, sorted."""
        return [name for name, video in self.points.videos.items() if video.path is not None]

    @property
    def share(self) -> list[str]:
        """The videos of this shard.

        Raises:
            InputError: there is no such shard.
        """
        return videos_of_shard(self.with_frames, self.shard_id, self.num_shards)


@dataclass(frozen=True)
class Entry:
    """A line of the journal: where it stands, and what a run must know of it.

    Attributes:
        path: of the file.
        offset: of the first byte of the line.
        left_out: object -> why its data cannot be used; the whole video under `WHOLE_VIDEO`.
    """

    path: Path
    offset: int
    left_out: Mapping[str, str]

    def read(self) -> dict[str, Any]:
        """The whole line, see `journal_value`."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            value: dict[str, Any] = parse_json_line(file.readline(), source=str(self.path))
        return value


def journal_value(made: ConvertedVideo) -> dict[str, Any]:
    """What the journal holds of a video."""
    return {
        "video": made.name,
        "records": made.records,
        "narrated": made.narrated and video_to_json(made.narrated),
        "left_out": made.left_out,
        "seconds": round(made.seconds, 4),
    }


def journal_entries(job: SetJob) -> dict[str, Entry]:
    """The latest line of each video that counts: its masks are in the store, or it has none.

    Raises:
        InputError: a line is not what the journal holds, or the store is damaged.
    """
    completed = job.output.job.completed((ALL_POINTS,))
    found = {}
    for path in Journal(job.output.job.journal).parts():
        for line in iterate_lines(path):
            source = f"{path}:{line.number}"
            value = parse_json_line(line.content or b"", source=source)
            if not isinstance(value, dict) or set(value) != _JOURNAL_KEYS:
                raise InputError(f"{source}: expected a video of a VNG set, found another value")
            if value["video"] in completed or WHOLE_VIDEO in value["left_out"]:
                found[value["video"]] = Entry(path, line.offset, value["left_out"])
    return found


def named_left_out(video: str, left_out: Mapping[str, str]) -> dict[str, str]:
    """What a video lacks, by its name or by its name and object."""
    return {
        f"{video}, object {key}" if key != WHOLE_VIDEO else video: reason
        for key, reason in left_out.items()
    }


def left_out_before(job: SetJob) -> dict[str, str]:
    """What is known to be left out before any video is made."""
    found = {
        f"{job.narratives.path}:{line}": reason
        for line, reason in job.narratives.left_out.reasons.items()
    }
    for name, video in job.points.videos.items():
        if video.path is None:
            found[name] = NO_FRAMES
    return found


def refuse_too_many(source: Path, left_out: Mapping[str, str], allowed: int) -> None:
    """See that no more is left out than may be.

    Raises:
        InputError: naming the latest.
    """
    if len(left_out) > allowed:
        where, reason = list(left_out.items())[-1]
        raise InputError(
            f"{source}: {where}: {reason}; {len(left_out)} lines, videos or objects cannot be "
            f"used, {allowed} may be left out (max_left_out)"
        )


def run_shard(job: SetJob) -> RunCounts:
    """Convert the videos of a shard that are not there yet.

    Videos are committed in groups. A process that is killed loses the group it was gathering; one
    that ends with an error first commits what it has made.

    Raises:
        FileNotFoundError: there is no mask store.
        InputError: more is left out than may be; the pipeline is not there; the store or the output
            is damaged; another process makes the same shard.
    """
    completed = job.output.job.completed((ALL_POINTS,))
    share = job.share
    todo = [job.points.videos[name] for name in share if name not in completed]
    retried = {video.name for video in todo}
    left_out = left_out_before(job)
    for name, entry in journal_entries(job).items():
        if name not in retried:
            left_out.update(named_left_out(name, entry.left_out))
    refuse_too_many(job.source, left_out, job.max_left_out)
    if not todo:
        return RunCounts(0, len(share))
    converter = VideoConverter(job.narratives, job.questions, job.store, job.rules)
    with ExitStack() as held:
        run = held.enter_context(working(job.engine, converter))
        held.enter_context(job.output.job.at_work())
        committer = held.enter_context(_Committer.open(job))
        made = _make(job, run, todo, committer, left_out)
    return RunCounts(made, len(share) - len(todo))


def _make(
    job: SetJob,
    run: Runner[PointVideo, ConvertedVideo],
    todo: list[PointVideo],
    committer: _Committer,
    left_out: dict[str, str],
) -> int:
    """Convert videos and hand them over; returns how many could be used."""
    made = 0
    with progress(todo, description="linking", unit="video", total=len(todo)) as bar:
        for one in run(todo):
            for where, reason in named_left_out(one.name, one.left_out).items():
                left_out[where] = reason
                refuse_too_many(job.source, left_out, job.max_left_out)
            committer.add(one)
            made += WHOLE_VIDEO not in one.left_out
            bar.update(1)
    return made


class _Committer:
    """Gathers converted videos and commits them: first the journal, then the masks."""

    def __init__(self, writer: MaskStoreWriter, journal: Journal, seconds: float) -> None:
        self._writer, self._journal, self._seconds = writer, journal, seconds
        self._gathered: list[ConvertedVideo] = []
        self._since = time.monotonic()

    @classmethod
    @contextmanager
    def open(cls, job: SetJob) -> Iterator[_Committer]:
        """Hold the store of a shard; what was added is committed at the end, also on an error."""
        shard = {"shard_id": job.shard_id, "num_shards": job.num_shards}
        with MaskStoreWriter(job.output.masks, rows_per_part=1 << 62, **shard) as writer:
            journal = Journal(job.output.job.journal, **shard)
            committer = cls(writer, journal, job.commit_seconds)
            try:
                yield committer
            finally:
                committer.commit()

    def add(self, made: ConvertedVideo) -> None:
        """Take a video; it is on disk after the next commit."""
        self._gathered.append(made)
        rows = sum(len(one.masks) for one in self._gathered)
        if (
            rows >= ROWS_PER_COMMIT
            or len(self._gathered) >= VIDEOS_PER_COMMIT
            or time.monotonic() - self._since >= self._seconds
        ):
            self.commit()

    def commit(self) -> None:
        """Write what was gathered."""
        self._journal.write_values(journal_value(made) for made in self._gathered)
        for made in self._gathered:
            if WHOLE_VIDEO not in made.left_out:
                self._writer.add(made.name, made.masks)
        self._writer.commit()
        self._gathered.clear()
        self._since = time.monotonic()
