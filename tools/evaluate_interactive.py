#!/usr/bin/env python3
"""Measure the masks that backends make of points, mouse traces and clicks.

See docs/interactive.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from pointvos.benchmark.click_rounds import CLICK_LIMIT, ClickRules
from pointvos.benchmark.mask_from_points import (
    PromptProtocol,
    evaluate_backends,
    finished_images,
)
from pointvos.benchmark.mask_reports import summary_record, tables
from pointvos.benchmark.named_backends import NamedBackend, open_backends
from pointvos.benchmark.prompt_images import PromptImage, first_and_middle, spread_over
from pointvos.benchmark.prompt_sheet import prompt_sheet
from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.atomic import atomic_path, write_json, write_text
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts, plain
from pointvos.formats.coco_panoptic import read_coco_panoptic
from pointvos.formats.open_dataset import open_dataset
from pointvos.formats.video_list import read_name_list


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """What to measure on which images."""

    dataset: str
    """layout of the folder: davis, youtube_vos, coco_panoptic or static. Of a video the first and
    the middle annotated frame are taken"""

    root: Path
    """folder of the dataset"""

    output: Path
    """folder for results.json, results.md and objects.jpg, a picture of some objects"""

    split: str = "val"
    """which videos or images; for DAVIS, "2016/val" says the year too (otherwise 2017 comes
    first)"""

    videos: Path | None = None
    """a text file, one name a line: these videos or images only"""

    stuff: bool = False
    """coco_panoptic: measure stuff (sky, grass, walls) instead of things"""

    backends: str = "interactive-lite"
    """what makes the masks, separated by commas: interactive-lite, stcn-lite, grabcut, a YAML file
    with a mask backend (docs/mask_backends.md), or a .safetensors file with an interactive
    segmenter. The picture is of the first"""

    point_counts: str = "1,2,5,10"
    """numbers of points of an object, ascending, separated by commas"""

    draws: int = 3
    """how many times points and traces are drawn; more than one give a spread"""

    seed: int = 0
    """of the first draw; the next takes seed + 1"""

    clicks: int = CLICK_LIMIT
    """most clicks to 85 and 90 percent IoU; 0 to leave clicks out"""

    previous: bool = True
    """give a backend its last mask with the next click"""

    together: bool = False
    """also segment all objects of an image in one call"""

    max_images: int = 0
    """measure on so many, evenly spaced; 0 for all"""

    max_skipped: int = 0
    """images that cannot be read and are left out, before the run is given up"""

    device: str | None = None
    """where networks run; by default where their settings say, which is the cpu"""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        for name in ("clicks", "max_images", "max_skipped"):
            if getattr(self, name) < 0:
                raise InputError(f"{name}: expected at least 0, found {getattr(self, name)}")
        if self.stuff and self.dataset != "coco_panoptic":
            raise InputError(
                f"stuff: expected it with --dataset coco_panoptic, found {self.dataset!r}"
            )


def main(settings: EvaluateSettings) -> None:
    """Measure, write the results and print the tables."""
    if settings.output.exists() and not settings.output.is_dir():
        raise InputError(f"{settings.output}: expected a folder to write to, found a file")
    facts = RunFacts(settings)
    protocol = PromptProtocol(
        point_counts=_counts(settings.point_counts),
        draws=settings.draws,
        seed=settings.seed,
        together=settings.together,
        clicks=_click_rules(settings),
    )
    images = _images(settings)
    backends = open_backends(_listed(settings.backends), device=settings.device)
    partial = PartialResults(
        settings.output / "partial", _identity(settings, images, protocol, backends)
    )
    finished = finished_images(images, backends, partial)
    if finished:
        print(f"already there: {finished} of {len(images) * len(backends)} results of an image")
    records, skipped = evaluate_backends(
        images, protocol, backends, partial, max_skipped=settings.max_skipped
    )
    summary = summary_record(backends, records, skipped, protocol)
    picture = prompt_sheet(images, records[0], backends[0], protocol)
    with atomic_path(settings.output / "objects.jpg") as temporary:
        Image.fromarray(picture).save(temporary, format="JPEG", quality=90)
    title = f"# Masks from points on {settings.root.name} {settings.split}"
    parts = tables(summary, protocol, markdown=True)
    note = f"Mean ± standard deviation over {settings.draws} draws; 1+1 has a background point too."
    write_text(settings.output / "results.md", "\n\n".join([title, note, *parts]) + "\n")
    about = {
        "dataset": settings.dataset,
        "split": settings.split,
        "protocol": plain(protocol),
        "results_taken_from_an_earlier_run": finished,
    }
    write_json(settings.output / "results.json", {**about, **summary, **facts.as_dict()})
    print("\n\n".join(tables(summary, protocol, markdown=False)))
    if skipped:
        print(f"\nleft out: {len(skipped)} images that could not be read, see results.json")
    partial.remove()


def _images(settings: EvaluateSettings) -> list[PromptImage]:
    names = None if settings.videos is None else read_name_list(settings.videos)
    if settings.stuff:
        videos = read_coco_panoptic(settings.root, settings.split, videos=names, stuff=True)
    else:
        videos = open_dataset(settings.dataset, settings.root, settings.split, videos=names)
    return spread_over(first_and_middle(videos), settings.max_images)


def _click_rules(settings: EvaluateSettings) -> ClickRules | None:
    if not settings.clicks:
        return None
    return ClickRules(limit=settings.clicks, previous=settings.previous)


def _identity(
    settings: EvaluateSettings,
    images: Sequence[PromptImage],
    protocol: PromptProtocol,
    backends: Sequence[NamedBackend],
) -> dict[str, Any]:
    """What must be equal for unfinished results to be taken up."""
    return {
        "dataset": settings.dataset,
        "root": str(settings.root.resolve()),
        "stuff": settings.stuff,
        "images": [image.name for image in images],
        "protocol": plain(protocol),
        "backends": [[one.name, plain(one.settings), one.weights_sha256] for one in backends],
    }


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _counts(text: str) -> tuple[int, ...]:
    parts = _listed(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"point_counts: expected numbers such as 1,2,5,10, found {text!r}")
    return tuple(int(part) for part in parts)


if __name__ == "__main__":
    run_tool(main, EvaluateSettings, __doc__)
