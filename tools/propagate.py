"""Segment objects in a video from a few points, or from a mask of one frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.frames import FrameSource, open_frames
from pointvos.core.output_folder import check_output_folder
from pointvos.core.run_facts import RunFacts
from pointvos.formats.initial_points import read_initial_points
from pointvos.inference.given_objects import GivenObjects
from pointvos.inference.models import PropagationSettings
from pointvos.inference.propagate_video import WRITTEN, propagate_video
from pointvos.pseudomask.joined_models import DEFAULT_MODEL, open_model


@dataclass(frozen=True, kw_only=True)
class PropagateSettings:
    """Which objects to follow in which video."""

    video: Path
    """video file, or folder of frames"""

    output: Path
    """folder to write: masks/<frame>.png, overlay.mp4, strip.png, results.json"""

    points: Path | None = None
    """points of the objects: Point-VOS records (.json, .jsonl), {"objects": [...]} (.json), or a
    point image (.png)"""

    points_video: str | None = None
    """name of the video in the file of points, where it holds several and another name than the
    video file"""

    mask: Path | None = None
    """instead of points: a palette PNG with the objects of one frame"""

    mask_frame: str | None = None
    """frame of the mask; default: the one with the name of the mask file, or else the first"""

    model: str = DEFAULT_MODEL
    """stcn-lite, stcn-lite-points, stcn-lite-masks, or a file of weights (.safetensors, or .pth of
    the official STCN); with a mask backend and a plus sign before it, points become masks first"""

    device: str = "cpu"
    """device of torch: cpu, cuda, cuda:1, mps"""

    direction: Literal["both", "forward"] = "both"
    """follow objects from where they are given to both ends of the video, or to its end only"""

    overwrite: bool = False
    """replace an earlier result in the output folder"""

    propagation: PropagationSettings = field(default_factory=PropagationSettings)
    """how the model is run"""


def main(settings: PropagateSettings) -> None:
    """Propagate, then print what came out and where it is."""
    facts = RunFacts(settings)
    check_output_folder(settings.output, replaces=WRITTEN if settings.overwrite else ())
    frames = open_frames(settings.video)
    given = read_given(settings, frames)
    report = propagate_video(
        open_model(settings.model, device=settings.device),
        frames,
        given,
        settings.output,
        facts=facts,
        settings=settings.propagation,
        backward=settings.direction == "both",
        overwrite=settings.overwrite,
    )
    print(report.table())
    print(f"written: {settings.output}/ ({', '.join(WRITTEN)})")


def read_given(settings: PropagateSettings, frames: FrameSource) -> GivenObjects:
    """The objects to follow, from exactly one of the two kinds of file."""
    if settings.points is not None and settings.mask is None:
        if settings.mask_frame is not None:
            raise InputError("--mask_frame: expected together with --mask, found --points")
        points = read_initial_points(settings.points, frames, video=settings.points_video)
        return GivenObjects.from_points(points, frames)
    if settings.mask is not None and settings.points is None:
        return GivenObjects.from_mask(settings.mask, frames, frame=settings.mask_frame)
    found = "neither" if settings.points is None else "both"
    raise InputError(f"expected --points FILE or --mask FILE, found {found}")


if __name__ == "__main__":
    run_tool(main, PropagateSettings, __doc__ or "")
