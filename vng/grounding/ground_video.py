"""A video and a narrative with marked nouns become a folder: masks, video, strip, page, facts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.frames import FrameSource, natural_order
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.masks import write_index_png
from pointvos.core.output_folder import check_output_folder, output_folder
from pointvos.core.progress import progress
from pointvos.core.run_facts import RunFacts
from vng.grounding.grounded import GroundedFrame, NounLabel, NounQuestion
from vng.grounding.page import write_page
from vng.grounding.partial import PartialGrounding
from vng.grounding.pictures import write_pictures
from vng.grounding.report import GroundingReport, NounTrack
from vng.inference.grounding import GroundingMethod

PARTIAL = "partial.jsonl"
RESULTS = "results.json"
WRITTEN = ("masks", "store", "overlay.mp4", "strip.png", "index.html", RESULTS)


def ground_video(
    method: GroundingMethod,
    frames: FrameSource,
    question: NounQuestion,
    output: str | Path,
    *,
    facts: RunFacts,
    overwrite: bool = False,
) -> GroundingReport:
    """Ground nouns in a video and write the results; memory does not grow with its length.

    What was found goes to ``partial.jsonl`` in the folder as it comes; a run that was killed goes
    on from there. Then the folder gets ``masks/<n>-<noun>/<frame>.png`` (DAVIS palette, pixels of
    the n-th noun are n), ``store/`` (the same masks as a mask store), ``overlay.mp4``,
    ``strip.png``, ``index.html`` and, last, ``results.json``, all at once.

    Args:
        method: that grounds.
        frames: the video.
        question: what is asked of it.
        output: a folder that is new, empty, or has a part of this run.
        facts: of the run, for results.json.
        overwrite: replace an earlier result.

    Returns:
        What stands in results.json, without `facts`.

    Raises:
        InputError: the folder holds something else, a frame cannot be read, or the method cannot
            be asked this.
    """
    method.check(question.text, question.spans)
    replaces = (*WRITTEN, PARTIAL) if overwrite else (PARTIAL,)
    check_output_folder(output, replaces=replaces)
    labels = question.labels
    identity = run_identity(method, frames, question)
    with PartialGrounding(Path(output) / PARTIAL, identity) as partial:
        continued_from, started = partial.frames, time.perf_counter()
        _find(method, frames, question, partial)
        found = time.perf_counter()
        with output_folder(output, replaces=replaces) as folder:
            tracks = _write_masks(partial, frames, labels, folder)

            def drawn() -> Iterator[GroundedFrame]:
                return _with_pixels(frames, partial.read(labels))

            write_pictures(drawn, question, folder, rate=frames.rate, count=len(frames))
            write_page(
                folder / "index.html",
                drawn(),
                question,
                title=frames.name,
                rate=frames.rate,
                count=len(frames),
                note=f"{len(frames)} frames, grounded by {method.name}",
            )
            report = GroundingReport(
                video=frames.name,
                height=frames.height,
                width=frames.width,
                rate=frames.rate,
                frames=list(frames.names),
                question=question,
                tracks=tracks,
                method=method.name,
                identity=identity,
                continued_from=continued_from,
                grounding_seconds=found - started,
                drawing_seconds=time.perf_counter() - found,
            )
            write_json(folder / RESULTS, {**report.as_dict(), **facts.as_dict()})
    return report


def run_identity(
    method: GroundingMethod, frames: FrameSource, question: NounQuestion
) -> dict[str, Any]:
    """What a result is of, and how it is made: equal identities, equal results."""
    return {
        "method": method.name,
        "run": method.identity,
        "video": frames.name,
        "frames": [len(frames), frames.names[0], frames.names[-1]],
        "size": [frames.height, frames.width],
        "narrative": question.text,
        "spans": [list(span) for span in question.spans],
    }


def is_finished(output: str | Path, identity: dict[str, Any]) -> bool:
    """Whether a folder holds the whole result of a run already.

    Raises:
        InputError: its results.json is damaged.
    """
    path = Path(output) / RESULTS
    if not path.is_file():
        return False
    results = read_json(path)
    return isinstance(results, dict) and results.get("identity") == identity


def _find(
    method: GroundingMethod, frames: FrameSource, question: NounQuestion, partial: PartialGrounding
) -> None:
    """Ground the frames that an earlier run has not."""
    labels, first = question.labels, partial.frames
    if partial.ended:
        return
    pixels = (frame.rgb for frame in frames.read(first))
    grounded = method.ground(pixels, question.text, question.spans, memory=partial.memory)
    bar = progress(grounded, description="grounding", unit="frame", total=len(frames) - first)
    for name, found in zip(frames.names[first:], bar, strict=True):
        partial.add(name, found, labels)
    partial.end()


def _write_masks(
    partial: PartialGrounding, frames: FrameSource, labels: Sequence[NounLabel], folder: Path
) -> list[NounTrack]:
    """Write palette PNGs and the mask store; returns what is in them."""
    tracks = [NounTrack(label) for label in labels]

    def written() -> Iterator[StoredMask]:
        for track in sorted(tracks, key=lambda track: natural_order(track.label.folder)):
            # Read once for each noun: the store wants one object after the other.
            for mask in partial.read_noun(track.label):
                pixels = mask.decode()
                track.scores.append(float(mask.score or 0))
                track.area.append(int(np.count_nonzero(pixels)))
                path = folder / "masks" / track.label.folder / f"{mask.frame}.png"
                write_index_png(path, pixels * np.uint8(track.label.palette_index))
                yield mask

    total = len(frames) * len(tracks)
    with MaskStoreWriter(folder / "store") as store:
        bar = progress(written(), description="mask files", unit="mask", total=total)
        store.add_sorted(frames.name, bar)
    finish_store(folder / "store")
    return tracks


def _with_pixels(frames: FrameSource, masks: Iterator[list[StoredMask]]) -> Iterator[GroundedFrame]:
    for frame, of_frame in zip(frames.read(), masks, strict=True):
        if of_frame[0].frame != frame.name:
            raise InputError(
                f"{frames.name}: expected frame {frame.name}, found {of_frame[0].frame} in a part "
                "of the run; remove it to begin anew"
            )
        yield GroundedFrame(
            frame.index,
            frame.name,
            frame.rgb,
            np.stack([mask.decode() for mask in of_frame]),
            np.array([mask.score for mask in of_frame], np.float32),
        )
