"""The end of a pseudo-mask job: parts merged, PNGs and a preview if wanted, results.json last."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.run_facts import RunFacts, plain
from pointvos.formats.mask_store_dataset import FRAMES_FOLDER
from pointvos.formats.stored_masks import write_palette_folders
from pointvos.pseudomask.corpus import (
    CorpusJob,
    JobState,
    RunCounts,
    missing_videos,
    refuse_too_many,
)
from pointvos.pseudomask.journal import Journal, read_part, write_reports
from pointvos.pseudomask.mask_rule import ALL_POINTS
from pointvos.pseudomask.preview import write_preview
from pointvos.pseudomask.quality import SCHEMA, quality_summary, read_quality, write_quality

PNG_FOLDER = "Annotations"


@dataclass(frozen=True, kw_only=True)
class Extras:
    """What is written beside stores and tables.

    Attributes:
        masks: `png` for palette PNGs beside the store.
        preview: masks on the contact sheet; 0 for none.
    """

    masks: Literal["store", "png"] = "store"
    preview: int = 0


def is_finished(job: CorpusJob, extras: Extras) -> bool:
    """Whether results.json tells of everything that is there and asked for."""
    output = job.output
    if not output.results.is_file() or Journal(output.journal).parts():
        return False
    written = read_json(output.results).get("extras", {})
    return bool(
        written.get("masks") in (extras.masks, "png")
        and written.get("preview", 0) >= extras.preview
        and not missing_videos(job, JobState.of(job))
    )


def finish(
    job: CorpusJob, frames: Path, counts: RunCounts, extras: Extras, facts: RunFacts
) -> dict[str, Any] | list[str]:
    """Merge what all shards have made, unless another is at work or yet to come.

    May be killed at any moment and called again.

    Args:
        job: with the whole PV set.
        frames: folder of the videos.
        counts: of this run.
        extras: what is asked for.
        facts: of this run.

    Returns:
        What stands in results.json; or the videos that are still to be made, none if another shard
        is at work and will merge, or has merged.

    Raises:
        InputError: more is left out than may be, a file is damaged, or the masks of a video do not
            go into PNGs.
    """
    with job.output.alone() as alone:
        if not alone or is_finished(job, extras):
            return []
        state = JobState.of(job)
        missing = missing_videos(job, state)
        if missing:
            return missing
        refuse_too_many(job, state.left_out(job.annotated))
        return _merge(job, state, frames, counts, extras, facts)


def _merge(
    job: CorpusJob,
    state: JobState,
    frames: Path,
    counts: RunCounts,
    extras: Extras,
    facts: RunFacts,
) -> dict[str, Any]:
    output = job.output
    output.remove_leftovers()
    journal = Journal(output.journal)
    parts = journal.parts()
    rows = _merged_quality(job, state)
    write_quality(output.quality, rows)
    write_reports(output.videos, [state.reports[name] for name in sorted(state.reports)])
    for setting in job.rule.settings:
        store = finish_store(output.store(setting))
        _link(output.dataset(setting) / FRAMES_FOLDER, frames.resolve())
        if extras.masks == "png":
            _write_pngs(job, store, output.dataset(setting) / PNG_FOLDER)
    if extras.preview:
        write_preview(job, rows, extras.preview)
    record = {
        **_record(job, state, rows),
        "videos_made_now": counts.made,
        "videos_already_there": counts.already,
        "extras": plain(extras),
        **facts.as_dict(),
    }
    write_json(output.results, record)
    journal.remove(parts)
    return record


def _merged_quality(job: CorpusJob, state: JobState) -> pa.Table:
    """The rows of all completed videos, sorted; of a video that was made twice, the later."""
    parts = Journal(job.output.journal).parts()
    latest = {report.video: path for path in parts for report, _ in read_part(path)}
    earlier = read_quality(job.output.quality)
    tables = [
        earlier.filter(pc.invert(pc.is_in(earlier["video"], pa.array(list(latest), pa.string()))))
    ]
    for path in parts:
        # A video stands once in a part: it is made once by a process.
        rows = [
            row
            for report, of_video in read_part(path)
            if latest[report.video] == path and report.video in state.completed
            for row in of_video
        ]
        tables.append(pa.Table.from_pylist(rows, schema=SCHEMA))
    order = [(key, "ascending") for key in ("video", "frame", "object_id", "setting")]
    return pa.concat_tables(tables).sort_by(order).combine_chunks()


def _write_pngs(job: CorpusJob, store: MaskStore, folder: Path) -> None:
    def numbers(video: str) -> Mapping[str, int]:
        return {one.key: one.number for one in job.annotated.videos[video].objects}

    for name in store.videos():
        too_many = [number for number in numbers(name).values() if number > 254]
        if too_many:
            raise InputError(
                f"{name}: expected object numbers 1 to 254 for PNGs, found {too_many[0]}; the "
                "store holds its masks"
            )
    write_palette_folders(store, folder, missing_as_absent=True, numbers=numbers)


def _link(link: Path, target: Path) -> None:
    """Make a link, or see that it leads where it should."""
    if link.is_symlink() and link.resolve() == target:
        return
    if link.exists() and not link.is_symlink():
        raise InputError(f"{link}: expected a link to {target}, found something else")
    temporary = link.with_name(f".{link.name}.{secrets.token_hex(4)}.tmp")
    temporary.symlink_to(target, target_is_directory=True)
    temporary.replace(link)


def _record(job: CorpusJob, state: JobState, rows: pa.Table) -> dict[str, Any]:
    reports = list(state.reports.values())
    frames = sum(report.frames for report in reports)
    seconds = sum(report.seconds for report in reports)
    left_out = state.left_out(job.annotated)
    by_setting = {
        "all" if setting == ALL_POINTS else str(setting): quality_summary(
            rows.filter(pc.equal(rows["setting"], setting))
        )
        for setting in job.rule.settings
    }
    return {
        "videos": len(state.completed),
        "frames": frames,
        "objects": rows.group_by(["video", "object_id"]).aggregate([]).num_rows,
        "masks": sum(summary["masks"] for summary in by_setting.values()),
        "objects_without_foreground_on_a_frame": sum(r.without_foreground for r in reports),
        "left_out": [{"where": key, "why": left_out[key]} for key in sorted(left_out)],
        "quality": by_setting,
        "backend": plain(job.backend),
        "rule": plain(job.rule),
        "weights_sha256": job.identity["weights"],
        "work": {
            "seconds": round(seconds, 3),
            "seconds_per_frame": round(seconds / frames, 4) if frames else None,
            "peak_memory_mb_of_a_worker": max((r.peak_memory_mb for r in reports), default=0.0),
        },
    }


def summary_table(record: Mapping[str, Any]) -> str:
    """The main numbers of results.json for a terminal."""
    counts = {
        "videos": record["videos"],
        "annotated frames": record["frames"],
        "objects": record["objects"],
        "masks": record["masks"],
        "objects without foreground on a frame": record["objects_without_foreground_on_a_frame"],
        "left out": len(record["left_out"]),
    }
    lines = [f"{name:<38}{count:>9,}" for name, count in counts.items()]
    lines.append(f"{'seconds a frame':<38}{record['work']['seconds_per_frame'] or 0:>9.2f}")
    lines.append("")
    columns = {
        "masks": ("masks", "{:,}"),
        "empty": ("empty_masks", "{:,}"),
        "score": ("score", "{:.3f}"),
        "area %": ("area_share", "{:.1%}"),
        "fg inside": ("foreground_inside", "{:.1%}"),
        "bg outside": ("background_outside", "{:.1%}"),
        "unseen fg": ("unseen_foreground_inside", "{:.1%}"),
        "unseen bg": ("unseen_background_outside", "{:.1%}"),
    }
    lines.append("points" + "".join(f"{name:>11}" for name in columns))
    for setting, summary in record["quality"].items():
        cells = [
            "-" if summary[key] is None else form.format(summary[key])
            for key, form in columns.values()
        ]
        lines.append(f"{setting:<6}" + "".join(f"{cell:>11}" for cell in cells))
    return "\n".join(lines)
