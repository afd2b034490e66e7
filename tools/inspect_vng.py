#!/usr/bin/env python3
"""Check a Video Narrative Grounding set, count what it holds, and make a page to look at it.

Reads every mask. Give --set for a VNG set, or --coco_png and --coco for COCO-PNG. See
docs/vng_sets.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.atomic import write_json, write_text
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.images import read_image
from pointvos.core.run_facts import RunFacts
from pointvos.visualize.charts import histograms
from vng.data.coco_png_set import CocoPngSet
from vng.data.expressions import NarratedVideo
from vng.data.frames import VideoFolder
from vng.data.preview_page import ReadFrame, write_preview
from vng.data.set_tables import statistics_page, statistics_table
from vng.data.statistics import NarratedSet, set_statistics
from vng.data.vng_set import VngSet


@dataclass(frozen=True, kw_only=True)
class InspectSettings:
    """Which set to look at."""

    output: Path
    """folder for results.json, results.md, distributions.png and preview.html"""

    set: Path | None = None
    """folder of a VNG set: meta_expressions.json and a mask store masks/ or extra_masks.json"""

    original_masks: Path | None = None
    """annotation file of OVIS or UVO, for objects whose masks the set does not hold itself"""

    coco_png: Path | None = None
    """narratives of COCO-PNG, png_coco_<split>2017.json"""

    coco: Path | None = None
    """folder of COCO: annotations/panoptic_<split>2017.json with its PNGs, and the images"""

    split: str = "val2017"
    """of COCO"""

    frames: Path | None = None
    """folder with one folder of frames or one video file for each video; for the preview"""

    preview: int = 0
    """write a page with so many videos: narratives whose nouns carry the colours of their masks"""

    plots: bool = True
    """draw the distributions (needs matplotlib)"""


def main(settings: InspectSettings) -> None:
    """Check, count, draw."""
    if settings.output.exists() and not settings.output.is_dir():
        raise InputError(f"{settings.output}: expected a folder to write to, found a file")
    facts = RunFacts(settings)
    narrated, read, title = _open(settings)
    if settings.preview and read is None:
        raise InputError("frames: expected a folder with the frames for a preview, found none")
    found = set_statistics(narrated)
    if settings.plots:
        histograms(settings.output / "distributions.png", found.distributions())
    if settings.preview and read is not None:
        write_preview(settings.output / "preview.html", narrated, settings.preview, read)
    write_text(settings.output / "results.md", f"# {title}\n\n{statistics_page(found)}\n")
    declared = "sparse" if narrated.sparse else "dense"
    record = {"frames": declared, **found.as_dict(), **facts.as_dict()}
    write_json(settings.output / "results.json", record)
    print(statistics_table(found))
    print(f"written: {settings.output}")


def _open(settings: InspectSettings) -> tuple[NarratedSet, ReadFrame | None, str]:
    if (settings.set is None) == (settings.coco_png is None):
        raise InputError(
            "expected --set or --coco_png, found " + ("neither" if settings.set is None else "both")
        )
    if settings.set is not None:
        frames = None if settings.frames is None else VideoFolder(settings.frames)
        opened = VngSet.open(settings.set, original_masks=settings.original_masks)
        read_frame = None if frames is None else frames.read
        return opened, read_frame, settings.set.resolve().name
    assert settings.coco_png is not None  # one of the two is given
    if settings.coco is None:
        raise InputError("coco: expected the folder of COCO beside --coco_png, found none")
    images = CocoPngSet.open(settings.coco_png, settings.coco, settings.split)

    def read(video: NarratedVideo, index: int) -> NDArray[np.uint8]:
        del index  # of one frame
        return read_image(images.images[video.name])

    return images, read, settings.coco_png.stem


if __name__ == "__main__":
    run_tool(main, InspectSettings, __doc__)
