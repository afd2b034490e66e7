"""Speed, size and memory of the mask store, as Markdown for docs/performance.md.

Times are processor time of one thread, which a busy machine changes little. Run it from the
repository as ``python -m benchmarks.benchmark_mask_store``;
``--videos 10000 --objects_per_video 5 --frames 20`` is a million masks. Objects are blobs with a
jagged outline that drift and change from frame to frame; a number of them are drawn and then
given to videos in turn, moved, so that writing and not drawing is timed.
"""

from __future__ import annotations

import platform
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pointvos.core.command_line import run_tool
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.run_facts import peak_memory_mb, resident_memory_mb
from pointvos.metrics.reports import text_table

AIMS = "open 1,000 ms, read 2 ms, 300 MB a million masks"


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What to measure."""

    videos: int = 2000
    """in the corpus"""

    objects_per_video: int = 5
    """in each video"""

    frames: int = 20
    """with masks in each video"""

    height: int = 480
    """of the masks, in pixels"""

    width: int = 854
    """of the masks, in pixels"""

    jaggedness: float = 1.0
    """standard deviation of the outline, in pixels; 0 is smooth"""

    drawn: int = 200
    """different tracks of blobs"""

    reads: int = 300
    """videos read at random, after as many to warm up"""

    folder: Path | None = None
    """where the store is written; by default a temporary folder that is removed"""


def draw_track(rng: np.random.Generator, settings: BenchmarkSettings) -> list[StoredMask]:
    """One object on all frames: a blob of some per cent of the image, absent on the last frame."""
    height, width = settings.height, settings.width
    angles = np.linspace(0, 2 * np.pi, 720, endpoint=False)
    radius = rng.uniform(0.05, 0.25) * height
    centre = rng.uniform(0.2, 0.8, 2) * (width, height)
    step = rng.normal(0, 0.01, 2) * (width, height)
    waves = rng.normal(0, 0.12, (6, 2))
    track = []
    for frame in range(settings.frames):
        waves += rng.normal(0, 0.01, waves.shape)
        shape = sum(
            a * np.cos(k * angles) + b * np.sin(k * angles)
            for k, (a, b) in enumerate(waves, start=1)
        )
        outline = radius * (1 + shape) + rng.normal(0, settings.jaggedness, angles.size)
        x, y = centre + frame * step
        points = np.stack([x + outline * np.cos(angles), y + outline * np.sin(angles)], axis=1)
        mask = np.zeros((height, width), np.uint8)
        if frame < settings.frames - 1:
            cv2.fillPoly(mask, [np.round(points).astype(np.int32)], 1)
        track.append(_stored("", frame, mask.astype(bool), float(rng.uniform())))
    return track


def _stored(object_id: str, frame: int, mask: NDArray[np.bool_], score: float) -> StoredMask:
    return StoredMask.from_mask(object_id, f"{frame:05d}", mask, score=score)


def video_masks(
    number: int, tracks: Sequence[Sequence[StoredMask]], settings: BenchmarkSettings
) -> list[StoredMask]:
    """The masks of one video. Consecutive videos share no track."""
    first = number * settings.objects_per_video
    return [
        StoredMask(str(place + 1), mask.frame, mask.height, mask.width, mask.counts, mask.score)
        for place in range(settings.objects_per_video)
        for mask in tracks[(first + place) % len(tracks)]
    ]


def milliseconds(run: Callable[[], object]) -> float:
    """The processor time that a call takes."""
    start = time.process_time()
    run()
    return 1000 * (time.process_time() - start)


def spread(values: Sequence[float]) -> str:
    """Median and the range in which nine of ten lie."""
    low, high = np.percentile(values, [5, 95])
    return f"{statistics.median(values):.2f} ({low:.2f}-{high:.2f})"


def milestones(count: int) -> set[int]:
    """A tenth, half and all of so many."""
    return {max(1, count // 10), max(1, count // 2), count}


def size_mb(folder: Path) -> float:
    """Of all files, in MB."""
    return sum(file.stat().st_size for file in folder.iterdir()) / 1e6


def write(folder: Path, settings: BenchmarkSettings) -> tuple[list[list[str]], float]:
    """Draw and write the corpus; rows of the table, and mean characters of the run lengths."""
    rng = np.random.default_rng(0)
    start = time.process_time()
    tracks = [draw_track(rng, settings) for _ in range(settings.drawn)]
    drawn = time.process_time() - start
    masks = settings.videos * settings.objects_per_video * settings.frames
    order = rng.permutation(settings.videos)
    start = time.process_time()
    marks = [resident_memory_mb()]
    with MaskStoreWriter(folder) as writer:
        for done, number in enumerate(order, start=1):
            writer.add(f"video_{number:06d}", video_masks(number, tracks, settings))
            if done in milestones(settings.videos):
                marks.append(resident_memory_mb())
    seconds = time.process_time() - start
    parts = sorted(folder.glob("*.parquet"))
    unfinished = min(milliseconds(lambda: MaskStore.open(folder)) for _ in range(3))
    finishing = milliseconds(lambda: finish_store(folder)) / 1000
    lengths = [len(mask.counts) for track in tracks for mask in track]
    encoding = 1000 * drawn / max(1, settings.drawn * settings.frames)
    return [
        ["drawing and encoding a mask, ms", f"{encoding:.2f}"],
        ["writing encoded masks, masks/s", f"{masks / seconds:,.0f}"],
        [f"opening before it is finished ({len(parts)} parts), ms", f"{unfinished:.0f}"],
        ["memory before writing, after a tenth, half and all, MB", _megabytes(*marks)],
        ["finishing, s", f"{finishing:.1f}"],
        ["memory after finishing, MB", f"{resident_memory_mb():.0f}"],
    ], float(np.mean(lengths))


def read(folder: Path, settings: BenchmarkSettings) -> list[list[str]]:
    """Open, read at random, stream and verify; rows of the table."""
    opening = [milliseconds(lambda: MaskStore.open(folder)) for _ in range(5)]
    store = MaskStore.open(folder)
    names = store.videos()
    chosen = np.random.default_rng(1).choice(names, 2 * settings.reads)
    reading = [milliseconds(lambda name=name: store.read(str(name))) for name in chosen]
    one = store.read(names[0])
    decoding = [milliseconds(mask.decode) for mask in one.masks]
    before, marks = resident_memory_mb(), []
    start = time.process_time()
    for number, _ in enumerate(store.iterate(), start=1):
        if number in milestones(len(names)):
            marks.append(resident_memory_mb())
    streaming = time.process_time() - start
    verifying = milliseconds(lambda: store.verify()) / 1000
    total = size_mb(folder)
    return [
        [f"size ({len(store.parts)} parts), MB", f"{total:.1f}"],
        ["size of a million masks, MB", f"{total / store.rows * 1e6:.0f}"],
        ["opening, ms", spread(opening)],
        [f"reading a video ({len(one.masks)} masks) warm, ms", spread(reading[settings.reads :])],
        ["decoding a mask, ms", spread(decoding)],
        ["streaming, masks/s", f"{store.rows / streaming:,.0f}"],
        ["memory before streaming, after a tenth, half and all, MB", _megabytes(before, *marks)],
        ["verifying, s", f"{verifying:.1f}"],
    ]


def _megabytes(*values: float) -> str:
    return " / ".join(f"{value:.0f}" for value in values)


def main(settings: BenchmarkSettings) -> None:
    """Write a corpus, read it back, print the table."""
    cv2.setNumThreads(1)
    folder = settings.folder or Path(tempfile.mkdtemp(prefix="mask_store_")) / "store"
    try:
        written, characters = write(folder, settings)
        rows = [*written, *read(folder, settings)]
    finally:
        if settings.folder is None:
            shutil.rmtree(folder.parent, ignore_errors=True)
    masks = settings.videos * settings.objects_per_video * settings.frames
    print(
        f"## Mask store, {masks:,} masks of {settings.height}x{settings.width} "
        f"({settings.videos:,} videos, {settings.objects_per_video} objects, {settings.frames} "
        f"frames)\n\n{text_table(['', 'value'], rows, markdown=True)}\n\n"
        f"Run lengths of {characters:.0f} characters on average. Medians, with the range of nine "
        f"in ten, of processor time. Peak memory {peak_memory_mb():.0f} MB. Aims: {AIMS}. pyarrow "
        f"{pa.__version__}, one thread, {platform.machine()}; made by "
        "`python -m benchmarks.benchmark_mask_store`."
    )


if __name__ == "__main__":
    run_tool(main, BenchmarkSettings, __doc__ or "")
