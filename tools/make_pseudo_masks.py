#!/usr/bin/env python3
"""Make a mask from the points of every object on every annotated frame of a PV set.

See docs/pseudo_masks.md.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts
from pointvos.pseudomask.annotated_videos import read_annotated_videos
from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import backend_by_name
from pointvos.pseudomask.corpus import (
    COMMIT_SECONDS,
    CorpusJob,
    RunCounts,
    job_identity,
    run_shard,
    unfinished,
)
from pointvos.pseudomask.corpus_folder import CorpusFolder
from pointvos.pseudomask.corpus_results import Extras, finish, is_finished, summary_table
from pointvos.pseudomask.engines import EngineSettings
from pointvos.pseudomask.mask_rule import MaskRule


@dataclass(frozen=True, kw_only=True)
class PseudoMaskSettings:
    """Which masks to make from what."""

    points: Path
    """Point-VOS records, .json or .jsonl"""

    frames: Path
    """folder with one folder of frames or video file a video (or, as in the release, an object)"""

    output: Path
    """folder for the mask store, quality.parquet, videos.jsonl and results.json; an unfinished run
    with the same settings goes on there"""

    backend: str = "interactive-lite"
    """interactive-lite, grabcut, a .safetensors file of an interactive segmenter, or a YAML file
    with a mask backend (docs/mask_backends.md)"""

    use: Literal["training", "validation"] = "training"
    """training: masks from all points; validation: from the first k foreground points alone, once
    for each of --point_counts"""

    point_counts: str = "1,2,5,10"
    """values of k, ascending, separated by commas (validation only)"""

    overlaps: Literal["resolve", "keep"] = "resolve"
    """give each pixel that several objects of a frame claim to one of them, or let masks overlap"""

    masks: Literal["store", "png"] = "store"
    """png: palette PNGs beside the mask store, OUTPUT/Annotations/<video>/<frame>.png"""

    hold_out: float = 0.0
    """share of each object's points by which a second mask, made without them, is judged (training
    only); doubles the work of the backend"""

    seed: int = 0
    """of the points held out"""

    preview: int = 0
    """masks to draw with their points on a contact sheet, OUTPUT/preview.jpg"""

    max_left_out: int = 0
    """records without a video, videos without frames, and frames that cannot be used, that may be
    left out; they are listed in results.json"""

    shard_id: int = 0
    """which share of the videos this process makes, from 0"""

    num_shards: int = 1
    """how many processes share the videos; the last to end merges what all have made"""

    merge: bool = False
    """make nothing, only merge what the shards have made"""

    commit_every: float = COMMIT_SECONDS
    """seconds of work that a kill may cost; finished videos are written at least so often"""

    engine: Literal["local", "ray"] = "local"
    """processes of this machine, or a Ray cluster (pip install 'pointvos[ray]')"""

    workers: int = 1
    """processes or Ray actors"""

    threads: int = 1
    """of each, for torch and OpenCV"""


def main(settings: PseudoMaskSettings) -> None:
    """Make the masks of a shard, merge if it is the last, and print what came out."""
    facts = RunFacts(settings)
    job = open_job(settings)
    extras = Extras(masks=settings.masks, preview=settings.preview)
    if settings.merge:
        job.output.check(dict(job.identity))
        if not job.output.settings.is_file():
            raise InputError(f"{settings.output}: expected pseudo-masks to merge, found none")
        counts = RunCounts(0, len(job.annotated.videos))
    else:
        counts = run_shard(job)
        which = f" of shard {job.shard_id} of {job.num_shards}" if job.num_shards > 1 else ""
        if counts.already:
            print(f"already there: {counts.already} of {len(job.share)} videos{which}")
    if not counts.made and is_finished(job, extras):
        print(f"nothing to do: {settings.output} holds all masks of {settings.points}")
        return
    result = finish(job, settings.frames, counts, extras, facts)
    if isinstance(result, list):
        print(
            unfinished(
                settings.output,
                result,
                counts,
                wanted="the masks of all videos",
                merge=settings.merge,
            )
        )
        return
    print(summary_table(result))
    print(f"written: {settings.output}")


def open_job(settings: PseudoMaskSettings) -> CorpusJob:
    """The job that the settings describe, with its PV set read.

    Raises:
        FileNotFoundError: a file or folder is missing.
        InputError: a setting or the PV set is not as expected.
    """
    if settings.preview < 0 or settings.max_left_out < 0:
        raise InputError(
            f"expected preview and max_left_out >= 0, found {settings.preview} and "
            f"{settings.max_left_out}"
        )
    if settings.masks == "png" and settings.overlaps == "keep":
        raise InputError(
            "masks: expected store with --overlaps keep, as a PNG has one object a pixel, found png"
        )
    rule = MaskRule(
        use=settings.use,
        point_counts=_counts(settings.point_counts),
        overlaps=settings.overlaps,
        hold_out=settings.hold_out,
        seed=settings.seed,
    )
    engine = EngineSettings(
        engine=settings.engine, workers=settings.workers, threads=settings.threads
    )
    backend = backend_by_name(settings.backend)
    annotated = read_annotated_videos(settings.points, settings.frames)
    with settings.points.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return CorpusJob(
        annotated=annotated,
        source=settings.points,
        output=CorpusFolder(settings.output),
        backend=backend,
        rule=rule,
        identity=job_identity(
            points_sha256=digest,
            frames=settings.frames,
            backend=backend,
            rule=rule,
            weights=weights_sha256(backend),
        ),
        engine=engine,
        shard_id=settings.shard_id,
        num_shards=settings.num_shards,
        max_left_out=settings.max_left_out,
        commit_seconds=settings.commit_every,
    )


def _counts(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"point_counts: expected numbers such as 1,2,5,10, found {text!r}")
    return tuple(int(part) for part in parts)


if __name__ == "__main__":
    run_tool(main, PseudoMaskSettings, __doc__ or "")
