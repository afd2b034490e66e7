"""Pseudo-masks for a whole PV set: resumable, in shards, on one machine or a cluster."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.mask_store.writer import MaskStoreWriter, videos_of_shard
from pointvos.core.progress import progress
from pointvos.core.run_facts import plain
from pointvos.pseudomask.annotated_videos import NO_FRAMES, AnnotatedVideo, AnnotatedVideos
from pointvos.pseudomask.builders import MaskBackendSettings
from pointvos.pseudomask.corpus_folder import CorpusFolder
from pointvos.pseudomask.engines import EngineSettings, Result, VideoRunner, running
from pointvos.pseudomask.journal import Journal, VideoReport, read_part, read_reports
from pointvos.pseudomask.make_masks import MadeVideo
from pointvos.pseudomask.mask_rule import MaskRule

ROWS_PER_COMMIT = 400  # as many masks as a few row groups of the store hold
COMMIT_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class CorpusJob:
    """One run over a PV set, or over a shard of it.

    Attributes:
        annotated: the PV set.
        source: its file, for messages.
        output: folder to write.
        backend: what makes the masks.
        rule: from which points.
        identity: JSON values that must be equal for a later run to go on.
        engine: where the work is done.
        shard_id: which share of the videos is made, from 0.
        num_shards: how many shares there are.
        max_left_out: records, videos and frames that may be left out.
        commit_seconds: of work that a kill may cost.
    """

    annotated: AnnotatedVideos
    source: Path
    output: CorpusFolder
    backend: MaskBackendSettings
    rule: MaskRule
    identity: Mapping[str, Any]
    engine: EngineSettings = field(default_factory=EngineSettings)
    shard_id: int = 0
    num_shards: int = 1
    max_left_out: int = 0
    commit_seconds: float = COMMIT_SECONDS

    @property
    def share(self) -> list[str]:
        """The videos of this shard.

        Raises:
            InputError: there is no such shard.
        """
        return videos_of_shard(self.annotated.videos, self.shard_id, self.num_shards)


@dataclass(frozen=True)
class JobState:
    """What is there of a job.

    Attributes:
        completed: videos that are in every store.
        reports: of those, and of videos without frames.
    """

    completed: frozenset[str]
    reports: dict[str, VideoReport]

    @classmethod
    def of(cls, job: CorpusJob) -> JobState:
        """Read it from disk.

        Raises:
            InputError: a store or a report is damaged, or of another version.
        """
        completed = job.output.completed(job.rule.settings)
        reports = read_reports(job.output.videos)
        for path in Journal(job.output.journal).parts():
            reports.update((report.video, report) for report, _ in read_part(path))
        # The report of a video whose masks were not committed before a kill does not count.
        counted = {
            name: report
            for name, report in reports.items()
            if name in completed or not report.usable
        }
        return cls(completed, counted)

    def left_out(self, annotated: AnnotatedVideos) -> dict[str, str]:
        """Everything that was left out, by record, video or video and frame."""
        found = {key: "expected a video_name, found null" for key in annotated.unnamed}
        for report in self.reports.values():
            found.update(named_left_out(report))
        return found


def named_left_out(report: VideoReport) -> dict[str, str]:
    """What a video lacks, by its name or by its name and frame."""
    return {
        f"{report.video}, frame {frame}" if frame else report.video: reason
        for frame, reason in report.left_out.items()
    }


@dataclass(frozen=True)
class RunCounts:
    """What a run did.

    Attributes:
        made: videos made now.
        already: videos of the shard that were there.
    """

    made: int
    already: int


def run_shard(job: CorpusJob) -> RunCounts:
    """Make the videos of a shard that are not there yet.

    Videos are committed in groups. A process that is killed loses the group it was gathering; one
    that ends with an error first commits what it has made.

    Raises:
        FileNotFoundError: weights of the backend are not there.
        InputError: more is left out than may be; the output belongs to another job, cannot be
            written or is damaged; another process makes the same shard.
    """
    identity = dict(job.identity)
    job.output.check(identity)
    state = JobState.of(job)
    share = [job.annotated.videos[name] for name in job.share]
    todo = [one for one in share if one.name not in state.completed and one.path is not None]
    without = [one.name for one in share if one.name not in state.completed and one.path is None]
    left_out = _Bound(job, state)
    for name in without:
        left_out.add(name, NO_FRAMES)
    already = len(share) - len(todo) - len(without)
    new = [name for name in without if name not in state.reports]
    made = 0
    with ExitStack() as held:
        run = held.enter_context(running(job.engine, job.backend, job.rule)) if todo else None
        job.output.begin(identity)
        if todo or new:
            held.enter_context(job.output.at_work())
            committer = held.enter_context(_Committer.open(job))
            for name in new:
                committer.add(Result(MadeVideo(name=name, left_out={"": NO_FRAMES}), 0.0))
            if run is not None:
                made = _make(run, todo, committer, left_out)
    return RunCounts(made, already)


def _make(
    run: VideoRunner, todo: list[AnnotatedVideo], committer: _Committer, left_out: _Bound
) -> int:
    """Make videos and hand them over; returns how many could be used."""
    made = 0
    frames = sum(len(video.frame_ids) for video in todo)
    nothing: tuple[object, ...] = ()
    with progress(nothing, description="making masks", unit="frame", total=frames) as bar:
        for result in run(todo):
            report = VideoReport.of(result.made, peak_memory_mb=result.peak_memory_mb)
            for where, reason in named_left_out(report).items():
                left_out.add(where, reason)
            committer.add(result)
            made += report.usable
            bar.update(report.frames)
    return made


def refuse_too_many(job: CorpusJob, left_out: Mapping[str, str]) -> None:
    """See that no more is left out than may be.

    Args:
        job: with the bound.
        left_out: record, video or frame -> why; the latest last.

    Raises:
        InputError: naming the latest.
    """
    if len(left_out) > job.max_left_out:
        where, reason = list(left_out.items())[-1]
        raise InputError(
            f"{job.source}: {where}: {reason}; {len(left_out)} records, videos or frames cannot be "
            f"used, {job.max_left_out} may be left out (max_left_out)"
        )


class _Bound:
    """Counts what is left out, and refuses more than may be."""

    def __init__(self, job: CorpusJob, state: JobState) -> None:
        self._job = job
        self._found: dict[str, str] = {}
        retried = {name for name in job.share if name not in state.completed}
        for where, reason in state.left_out(job.annotated).items():
            if where not in retried:
                self.add(where, reason)

    def add(self, where: str, reason: str) -> None:
        """Leave out one more.

        Raises:
            InputError: that is more than may be; names it.
        """
        self._found[where] = reason
        refuse_too_many(self._job, self._found)


class _Committer:
    """Gathers made videos and commits them: first the reports, then the masks."""

    def __init__(
        self, writers: Mapping[int, MaskStoreWriter], journal: Journal, seconds: float
    ) -> None:
        self._writers = writers
        self._journal = journal
        self._seconds = seconds
        self._gathered: list[Result] = []
        self._since = time.monotonic()

    @classmethod
    @contextmanager
    def open(cls, job: CorpusJob) -> Iterator[_Committer]:
        """Hold the stores of a shard; what was added is committed at the end, also on an error."""
        with ExitStack() as held:
            writers = {
                setting: held.enter_context(
                    MaskStoreWriter(
                        job.output.store(setting),
                        shard_id=job.shard_id,
                        num_shards=job.num_shards,
                        rows_per_part=1 << 62,  # parts end where a group ends
                    )
                )
                for setting in job.rule.settings
            }
            journal = Journal(job.output.journal, shard_id=job.shard_id, num_shards=job.num_shards)
            committer = cls(writers, journal, job.commit_seconds)
            try:
                yield committer
            finally:
                committer.commit()

    def add(self, result: Result) -> None:
        """Take a video; it is on disk after the next commit."""
        self._gathered.append(result)
        rows = sum(len(one.made.quality) for one in self._gathered)
        if rows >= ROWS_PER_COMMIT or time.monotonic() - self._since >= self._seconds:
            self.commit()

    def commit(self) -> None:
        """Write what was gathered."""
        self._journal.write(
            (VideoReport.of(made, peak_memory_mb=peak), made.quality)
            for made, peak in self._gathered
        )
        for made in (result.made for result in self._gathered):
            if "" in made.left_out:
                continue
            for setting, writer in self._writers.items():
                if made.name not in writer.completed():  # may be there of one setting after a kill
                    writer.add(made.name, made.masks[setting])
        for writer in self._writers.values():
            writer.commit()
        self._gathered.clear()
        self._since = time.monotonic()


def missing_videos(job: CorpusJob, state: JobState) -> list[str]:
    """The videos that no shard has made or found to be without frames."""
    return sorted(set(job.annotated.videos) - state.completed - set(state.reports))


def unfinished(
    output: Path, missing: Sequence[str], counts: RunCounts, *, wanted: str, merge: bool
) -> str:
    """What is said where a shard is through and the whole job is not.

    Args:
        output: folder of the job.
        missing: videos that are still to be made; none if another shard is at work.
        counts: what this run did.
        wanted: what there should be all of, for messages.
        merge: whether the run was to do nothing but merge.

    Raises:
        InputError: it was, and cannot.
    """
    if merge and missing:
        raise InputError(
            f"{output}: expected {wanted}, found {len(missing)} yet to be made (first: "
            f"{missing[0]}); run their shards"
        )
    if merge:
        raise InputError(f"{output}: expected no shard at work, found one; wait")
    if missing:
        left = f"{len(missing)} videos of other shards are to be made, the last shard merges"
    else:
        left = "another shard merges"
    return f"made now: {counts.made} videos; {left}"


def job_identity(
    *, points_sha256: str, frames: Path, backend: MaskBackendSettings, rule: MaskRule, weights: str
) -> dict[str, Any]:
    """What must be equal for a run to go on where another stopped, as JSON values."""
    value: dict[str, Any] = {
        "points_sha256": points_sha256,
        "frames": str(frames.resolve()),
        "weights": weights,
    }
    flat: Iterable[tuple[str, Mapping[str, Any]]] = (
        ("backend", plain(backend)),
        ("rule", plain(rule)),
    )
    for group, values in flat:
        value.update({f"{group}.{key}": item for key, item in values.items()})
    return value
