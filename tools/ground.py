#!/usr/bin/env python3
"""Ground the nouns of a sentence in a video: a mask for each noun in every frame.

    tools/ground.py --video clip.mp4 --caption "A man rides a bike past a red car." --output OUT

Nouns are found by spaCy, or given with --nouns or --spans. Many narratives come from a file with
--questions. OUT/index.html is the page to look at first. See docs/grounding.md.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts
from pointvos.vidln.nouns import DEFAULT_PIPELINE
from vng.grounding.api import as_frames, make_question
from vng.grounding.ground_all import Videos, ground_all
from vng.grounding.ground_video import WRITTEN, ground_video
from vng.grounding.language import language_note
from vng.grounding.question_files import LeftOutNarratives, read_questions
from vng.inference.grounding import GroundingMethod
from vng.inference.hybrid import HybridSettings
from vng.inference.methods import DEFAULT_METHOD, open_grounding
from vng.inference.rf_vng import GroundingSettings


@dataclass(frozen=True, kw_only=True)
class GroundSettings:
    """What to look for in which video."""

    video: Path
    """video file, or folder of frames; with --questions also a folder of videos"""

    output: Path
    """folder to write: masks/<n>-<noun>/<frame>.png, store/, overlay.mp4, strip.png, index.html,
    results.json"""

    caption: str | None = None
    """sentence whose nouns are looked for"""

    nouns: list[str] | None = None
    """look for these words of the caption only, as in --nouns '[man, red car]'; without a caption
    they are looked for by themselves"""

    spans: list[tuple[int, int]] | None = None
    """look for these characters of the caption, as in --spans '[[2, 5], [13, 17]]': the first
    character of each noun, from 0, and the one behind its last"""

    questions: Path | None = None
    """file of many narratives: a list [{"caption": ..., "video": ..., "nouns": [...]}, ...]; Video
    Localized Narratives (.jsonl); or a VNG set. Each gets a folder in the output"""

    max_left_out: int = 0
    """how many narratives of --questions may be left out, because they have no noun or their video
    is missing; they are named in results.json"""

    method: str = DEFAULT_METHOD
    """hybrid: rf-vng-lite finds a noun where it is surest, the interactive segmenter sharpens its
    mask, a memory network carries it through the video; rf-vng-lite alone; a .safetensors file of
    RF-VNG; a .pth file of the official ReferFormer; FINDER+interactive-lite+stcn-lite-masks for a
    hybrid of other parts; sam3:FOLDER (weights in the layout of transformers); saliency, which
    ignores the text"""

    stride: int = 1
    """look at every n-th frame only; there are no masks of the others"""

    device: str = "cpu"
    """of torch: cpu, cuda, cuda:1, mps"""

    resolution: int | None = None
    """short side of the frame inside RF-VNG, in pixels; 0 for the native size, by default as its
    architecture is meant"""

    window: int | None = None
    """frames that RF-VNG sees at once; longer videos are cut into windows"""

    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """of most sums inside RF-VNG; the shorter ones are for GPUs"""

    threshold: float = 0.5
    """least probability of a pixel of a mask"""

    presence: float | None = None
    """least score of a noun that has a mask on a frame; by default what the weights were calibrated
    for; 0 keeps all masks"""

    hybrid: HybridSettings = field(default_factory=HybridSettings)
    """how the parts of a hybrid play together"""

    pipeline: str = DEFAULT_PIPELINE
    """name or folder of the spaCy pipeline that finds nouns"""

    text_encoder: str | None = None
    """folder or hub name of RF-VNG's text encoder, if it is not where the weights say"""

    download: bool = False
    """ask the model hub for a text encoder or SAM 3 that is not on disk"""

    overwrite: bool = False
    """replace an earlier result in the output folder"""

    @property
    def grounding(self) -> GroundingSettings:
        """How RF-VNG is run."""
        return GroundingSettings(
            short_side=self.resolution,
            window=self.window,
            threshold=self.threshold,
            presence=self.presence,
            dtype=self.dtype,
        )


def main(settings: GroundSettings) -> None:
    """Ground, then print what came out and where it is."""
    facts = RunFacts(settings)
    if settings.stride < 1:
        raise InputError(f"--stride: expected at least 1, found {settings.stride}")
    if settings.questions is not None:
        _ground_all(settings, settings.questions, facts)
        return
    frames = as_frames(settings.video, stride=settings.stride)
    question = make_question(
        settings.caption, nouns=settings.nouns, spans=settings.spans, pipeline=settings.pipeline
    )
    note = language_note(question.text)
    if note is not None:
        sys.stderr.write(f"note: {note}\n")
    report = ground_video(
        _method(settings),
        frames,
        question,
        settings.output,
        facts=facts,
        overwrite=settings.overwrite,
    )
    if report.continued_from:
        print(f"went on behind {report.continued_from} frames of an earlier run")
    print(report.table())
    print(f"written: {settings.output}/ ({', '.join(WRITTEN)})")
    print(f"look at: {settings.output / 'index.html'}")


def _ground_all(settings: GroundSettings, questions: Path, facts: RunFacts) -> None:
    if settings.caption is not None or settings.nouns or settings.spans:
        raise InputError("expected --questions or --caption, --nouns and --spans, found both")
    left_out = LeftOutNarratives(settings.max_left_out)
    done = ground_all(
        _method(settings),
        Videos(settings.video, stride=settings.stride),
        read_questions(questions, pipeline=settings.pipeline, left_out=left_out),
        settings.output,
        facts=facts,
        left_out=left_out,
        overwrite=settings.overwrite,
    )
    print(done.summary())
    print(f"look at: {settings.output / 'index.html'}")


def _method(settings: GroundSettings) -> GroundingMethod:
    return open_grounding(
        settings.method,
        settings.grounding,
        hybrid=settings.hybrid,
        text_encoder=settings.text_encoder,
        device=settings.device,
        download=settings.download,
    )


if __name__ == "__main__":
    run_tool(main, GroundSettings, __doc__ or "")
