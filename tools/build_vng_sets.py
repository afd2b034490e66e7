#!/usr/bin/env python3
"""Build a set of Video Narrative Grounding from point annotations and narratives.

See docs/vng_sets.md.
"""

from __future__ import annotations

from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts
from pointvos.pseudomask.corpus import RunCounts, unfinished
from pointvos.pseudomask.corpus import run_shard as make_pseudo_masks
from vng.convert.link_report import linking_table
from vng.convert.open_job import declaration_of, open_job
from vng.convert.points_from_traces import trace_summary
from vng.convert.set_job import run_shard
from vng.convert.set_results import NOTHING_MADE, finish, is_finished
from vng.convert.settings import VngSetSettings


def main(settings: VngSetSettings) -> None:
    """Build the share of a shard, merge if it is the last, and print what came out."""
    facts = RunFacts(settings)
    job = open_job(settings)
    backend_counts = NOTHING_MADE
    if settings.merge:
        if not job.output.job.settings.is_file():
            raise InputError(f"{settings.output}: expected a VNG set to merge, found none")
        counts = RunCounts(0, len(job.with_frames))
    else:
        job.output.job.begin(dict(job.identity))
        if job.backend_job is not None:
            backend_counts = make_pseudo_masks(job.backend_job)
        counts = run_shard(job)
        which = f" of shard {job.shard_id} of {job.num_shards}" if job.num_shards > 1 else ""
        if counts.already:
            print(f"already there: {counts.already} of {len(job.share)} videos{which}")
    if not counts.made and is_finished(job, masks_json=settings.masks_json):
        print(f"nothing to do: {settings.output} holds the set of {job.source}")
        return
    declared = declaration_of(settings, job)
    result = finish(
        job,
        declared,
        counts,
        facts,
        masks_json=settings.masks_json,
        backend_counts=backend_counts,
    )
    if isinstance(result, list):
        print(
            unfinished(
                settings.output,
                result,
                counts,
                wanted="all videos of the set",
                merge=settings.merge,
            )
        )
        return
    if "points_from_traces" in result:
        print(trace_summary(result["points_from_traces"]) + "\n")
    print(linking_table(result))
    given = f" of {result['expressions_given']:,}" if "expressions_given" in result else ""
    print(
        f"\n{result['objects']:,} objects in {result['videos']:,} videos, "
        f"{result['narratives']:,} narratives, {result['masks']:,} masks, "
        f"{result['expressions']:,}{given} expressions\n"
        f"written: {settings.output}"
    )


if __name__ == "__main__":
    run_tool(main, VngSetSettings, __doc__ or "")
