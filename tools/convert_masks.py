#!/usr/bin/env python3
"""Convert masks between mask stores, palette PNGs, COCO / YouTube-VIS JSON and VNG JSON.

See docs/mask_store.md.
"""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pointvos.core.atomic import write_json
from pointvos.core.command_line import run_tool
from pointvos.core.run_facts import RunFacts
from pointvos.formats.convert_masks import ConvertOptions, convert_masks
from pointvos.formats.mask_sources import open_masks


@dataclass(frozen=True, kw_only=True)
class ConvertSettings:
    """Which masks to convert to what."""

    input: Path
    """a mask store (or a folder with one in masks/), a folder of <video>/<frame>.png, or a JSON
    file"""

    source: Literal["auto", "store", "png", "ytvis", "vng"] = "auto"
    """what the input is (also spelled --from); auto: as its content tells"""

    output: Path
    """the mask store, the folder of <video>/<frame>.png or the .json file to write; a store or
    folder that was stopped goes on there"""

    to: Literal["store", "png", "ytvis", "vng"]
    """what to write"""

    renumber: bool = False
    """give objects the numbers from 1 on where a target takes numbers only (png: in each video;
    JSON: in the file, object_id keeps the name)"""

    missing_as_absent: bool = False
    """png: take an object that was not annotated on a frame as absent there"""

    smaller_in_front: bool = False
    """png: where objects overlap, show the one with the smaller mask"""

    drop_unseen: bool = False
    """png: leave out objects that are absent on all frames"""

    void_as_background: bool = False
    """from png: take undecided pixels (255) as background"""

    frames: Path | None = None
    """to JSON: folder with one folder of frames a video, to list all of them and not only those
    with masks"""


def main(settings: ConvertSettings) -> None:
    """Convert, write what came out beside it, and print it."""
    facts = RunFacts(settings)
    kind = None if settings.source == "auto" else settings.source
    source = open_masks(settings.input, kind, void_as_background=settings.void_as_background)
    options = ConvertOptions(
        renumber=settings.renumber,
        missing_as_absent=settings.missing_as_absent,
        smaller_in_front=settings.smaller_in_front,
        drop_unseen=settings.drop_unseen,
        frames=settings.frames,
    )
    counts = convert_masks(source, settings.output, settings.to, options)
    if counts.already:
        print(f"already there: {counts.already} of {counts.already + counts.videos} videos")
    results = results_path(settings)
    if not counts.videos and counts.already and results.is_file():
        print(f"nothing to do: {settings.output} holds all masks of {settings.input}")
        return
    record = {"from": source.kind, **dataclasses.asdict(counts), **facts.as_dict()}
    write_json(results, record)
    if counts.duplicates:
        sys.stderr.write(
            f"warning: {len(counts.duplicates)} annotations left out whose id came before (first: "
            f"{counts.duplicates[0]})\n"
        )
    print(
        f"{source.kind} -> {settings.to}: {counts.videos} videos, {counts.objects} objects "
        f"({counts.objects_without_masks} without masks), {counts.masks} masks "
        f"({counts.empty_masks} empty)"
    )
    print(f"written: {settings.output}")


def results_path(settings: ConvertSettings) -> Path:
    """Where the results stand: readers of Parquet pass over names that begin with "_"."""
    if settings.to == "png":
        return settings.output / "results.json"
    if settings.to == "store":
        return settings.output / "_results.json"
    return settings.output.with_suffix(".results.json")


def with_source(arguments: list[str]) -> list[str]:
    """--from is no name in Python: it is the setting `source`."""
    return [
        f"--source{word[len('--from') :]}" if word.partition("=")[0] == "--from" else word
        for word in arguments
    ]


if __name__ == "__main__":
    run_tool(main, ConvertSettings, __doc__ or "", with_source(sys.argv[1:]))
