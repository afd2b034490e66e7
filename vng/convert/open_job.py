"""From settings to a job whose inputs have been read."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.progress import progress
from pointvos.core.run_facts import plain
from pointvos.formats.point_vos import PointVosRecord
from pointvos.formats.point_vos_files import write_records
from pointvos.pseudomask.annotated_videos import AnnotatedVideos
from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import MaskBackendSettings, backend_by_name, build_backend
from pointvos.pseudomask.corpus import CorpusJob, job_identity
from pointvos.pseudomask.engines import EngineSettings
from pointvos.pseudomask.mask_rule import ALL_POINTS, MaskRule
from pointvos.vidln.index import NarrativeIndex
from pointvos.vidln.nouns import NounFinder
from pointvos.vidln.questions import LocationQuestion, read_questions
from pointvos.vidln.reader import NarrativeReader
from vng.convert.convert_video import ConvertRules, noun_finder
from vng.convert.given_narratives import GivenNarratives
from vng.convert.link_types import LinkRules
from vng.convert.point_objects import PointSet, read_point_set
from vng.convert.points_from_traces import PointsFromTraces
from vng.convert.set_folder import SetFolder
from vng.convert.set_job import SetJob, refuse_too_many
from vng.convert.set_results import Declaration
from vng.convert.settings import VngSetSettings

KIND = "VNG set"  # tells the folder from one of pseudo-masks
_VERIFIED = {"yes": True, "no": False, "unknown": None}


def open_job(settings: VngSetSettings) -> SetJob:
    """The job that the settings describe, with its inputs read.

    Makes the records where they are to come from traces, and the folder for them.

    Raises:
        FileNotFoundError: a file or folder is missing.
        InputError: a setting or an input is not as expected, or the output is of another job.
    """
    engine = EngineSettings(
        engine=settings.engine, workers=settings.workers, threads=settings.threads
    )
    needs_backend = settings.masks is None or settings.points_from_traces
    backend = backend_by_name(settings.backend) if needs_backend else None
    weights = weights_sha256(backend) if backend else ""
    rules = ConvertRules(
        links=LinkRules(
            margin=settings.margin,
            max_distance=settings.max_distance,
            ambiguous=settings.ambiguous,
            shared_nouns=settings.shared_nouns,
            stop_nouns=settings.stop_list,
        ),
        pipeline=settings.pipeline,
        dense=settings.dense,
    )
    # That the pipeline is missing shows before hours of work.
    finder = None if settings.given else noun_finder(settings.pipeline)
    identity = _identity(settings, backend, weights, rules, finder)
    output = SetFolder(settings.output)
    output.job.check(identity)
    index = _narratives(settings)
    source = settings.points
    if source is None:
        assert backend is not None
        assert finder is not None  # settings refuse it
        source = _points_from_traces(settings, output, identity, backend, finder)
    points = read_point_set(source, settings.frames, split_files=settings.splits)
    if settings.masks is None:
        assert backend is not None
        backend_job = _backend_job(settings, source, points, backend, weights, engine)
    else:
        backend_job = None
    return SetJob(
        points=points,
        source=source,
        narratives=index,
        questions=_questions(settings.questions, points),
        store=settings.masks or output.pseudo_masks.store(ALL_POINTS),
        backend_job=backend_job,
        output=output,
        rules=rules,
        identity=identity,
        engine=engine,
        shard_id=settings.shard_id,
        num_shards=settings.num_shards,
        max_left_out=settings.max_left_out,
        commit_seconds=settings.commit_every,
    )


def declaration_of(settings: VngSetSettings, job: SetJob) -> Declaration:
    """What the set says of itself."""
    made_by = (
        {"masks": str(settings.masks)} if settings.masks else {"mask_backend": settings.backend}
    )
    sources = {
        "points": "traces of the narratives" if settings.points is None else str(settings.points),
        "narratives": str(settings.narratives),
        "questions": str(settings.questions) if settings.questions else "",
        "frames": str(settings.frames),
        **made_by,
        "pipeline": job.identity["pipeline"] or "",
    }
    return Declaration(
        name=_name(settings),
        dense=settings.dense,
        points_verified=False if settings.points is None else _VERIFIED[settings.points_verified],
        sources={key: value for key, value in sources.items() if value},
    )


def _identity(
    settings: VngSetSettings,
    backend: MaskBackendSettings | None,
    weights: str,
    rules: ConvertRules,
    finder: NounFinder | None,
) -> dict[str, Any]:
    """What must be equal for a run to go on where another stopped, as JSON values."""
    digests = {
        name: _sha256(path)
        for name, path in (
            ("points", settings.points),
            ("narratives", settings.narratives),
            ("questions", settings.questions),
        )
        if path is not None
    }
    return {
        "kind": KIND,
        "name": _name(settings),
        "points_verified": settings.points_verified,
        **{f"{name}_sha256": digest for name, digest in digests.items()},
        "splits_sha256": {file.stem: _sha256(file) for file in settings.splits},
        "frames": str(settings.frames.resolve()),
        "masks": str(settings.masks.resolve()) if settings.masks else None,
        "backend": plain(backend),
        "overlaps": settings.overlaps if settings.masks is None else None,
        "weights": weights,
        "rules": plain(rules),
        "pipeline": finder and finder.pipeline,
    }


def _name(settings: VngSetSettings) -> str:
    return settings.name or settings.output.resolve().name


def _narratives(settings: VngSetSettings) -> NarrativeIndex | GivenNarratives:
    if settings.given:
        return GivenNarratives(settings.narratives)
    return NarrativeIndex(settings.narratives, max_left_out=settings.max_left_out)


def _questions(path: Path | None, points: PointSet) -> dict[str, LocationQuestion]:
    """The questions of the records of the set alone, as they go to every worker."""
    if path is None:
        return {}
    keys = {one.about.key for video in points.videos.values() for one in video.objects}
    return read_questions(path, hashes=keys)


def _backend_job(
    settings: VngSetSettings,
    source: Path,
    points: PointSet,
    backend: MaskBackendSettings,
    weights: str,
    engine: EngineSettings,
) -> CorpusJob:
    """The job that makes the masks of all objects whose videos have frames, linked or not."""
    with_frames = {
        name: video.annotated() for name, video in points.videos.items() if video.path is not None
    }
    rule = MaskRule(overlaps=settings.overlaps)
    identity = job_identity(
        points_sha256=_sha256(source),
        frames=settings.frames,
        backend=backend,
        rule=rule,
        weights=weights,
    )
    return CorpusJob(
        annotated=AnnotatedVideos(with_frames, ()),
        source=source,
        output=SetFolder(settings.output).pseudo_masks,
        backend=backend,
        rule=rule,
        identity=identity,
        engine=engine,
        shard_id=settings.shard_id,
        num_shards=settings.num_shards,
        max_left_out=settings.max_left_out,
        commit_seconds=settings.commit_every,
    )


def _points_from_traces(
    settings: VngSetSettings,
    output: SetFolder,
    identity: dict[str, Any],
    backend: MaskBackendSettings,
    finder: NounFinder,
) -> Path:
    """Records of all nouns with a trace, made once."""
    if output.trace_counts.is_file():
        return output.points
    if settings.num_shards > 1:
        raise InputError(
            f"{output.points}: expected the points of an earlier run, found none; one process makes"
            " them: start with --num-shards 1, and with shards once they are there"
        )
    reader = NarrativeReader(settings.narratives, max_left_out=settings.max_left_out)
    maker = PointsFromTraces(
        settings.frames, build_backend(backend), finder, stop_nouns=settings.stop_list
    )
    output.job.begin(identity)

    def records() -> Iterator[PointVosRecord]:
        for narrative in progress(reader, description="points from traces", unit="narrative"):
            yield from maker.records(narrative)
            refuse_too_many(settings.narratives, maker.counts.left_out, settings.max_left_out)

    write_records(output.points, records())
    write_json(output.trace_counts, asdict(maker.counts))
    return output.points


def _sha256(path: Path) -> str:
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a file, found none")
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
