"""Speed, size and memory of building VNG sets, as Markdown for docs/performance.md.

Makes corpora of several sizes (records, narratives, frames and a mask store) and lets
``tools/build_vng_sets.py`` turn each into a set, in a process of its own. Run it from the
repository as ``python -m benchmarks.benchmark_vng_sets``. Objects are the blobs of
`benchmarks.benchmark_mask_store`, points and traces lie on them, and all frames are one gray
picture. In some captions two objects have one name, which their traces tell apart.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from benchmarks.vng_corpus import OBJECTS_PER_VIDEO, CorpusSettings, make_track, write_corpus
from pointvos.core.command_line import run_tool
from pointvos.metrics.reports import text_table

CHECKOUT = Path(__file__).resolve().parents[1]
TOOL = CHECKOUT / "tools" / "build_vng_sets.py"
_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings(CorpusSettings):
    """What to measure."""

    videos: str = "500,2000"
    """sizes of the corpora, separated by commas"""

    drawn: int = 100
    """different tracks of blobs, given to the objects in turn"""

    workers: int = 1
    """processes that link"""

    masks_json: bool = False
    """write extra_masks.json too"""

    folder: Path | None = None
    """where corpora and sets are written; by default a temporary folder that is removed"""


class Run(NamedTuple):
    """What a run of the tool took.

    Attributes:
        seconds: of wall-clock time.
        processor: seconds of processor time, with all workers.
        before: resident memory in MB before the first video was linked.
        peak: largest resident memory in MB of the process, without workers.
    """

    seconds: float
    processor: float
    before: float
    peak: float


def build(root: Path, settings: BenchmarkSettings) -> Run:
    """Run the tool on a corpus in a process of its own."""
    command = [sys.executable, str(TOOL), "--output", str(root / "set")]
    for name, path in (("points", "points.jsonl"), ("narratives", "vidln.jsonl")):
        command += [f"--{name}", str(root / path)]
    command += ["--frames", str(root / "frames"), "--masks", str(root / "masks")]
    command += ["--workers", str(settings.workers)]
    command += ["--masks_json", str(settings.masks_json).lower()]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1"}
    earlier = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    with subprocess.Popen(  # noqa: S603 -- our own command
        command, env=environment, stdout=subprocess.DEVNULL
    ) as process:
        try:
            watch = _Watch(process.pid, root / "set" / "journal")
            code = process.wait()
        finally:
            process.kill()
    seconds = time.perf_counter() - start
    watch.join()
    if code:
        raise RuntimeError(f"{' '.join(command)}: ended with exit code {code}")
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = now.ru_utime + now.ru_stime - earlier.ru_utime - earlier.ru_stime
    return Run(seconds, processor, watch.before, watch.peak)


class _Watch(threading.Thread):
    """Looks at the memory of a process until it ends (Linux)."""

    def __init__(self, pid: int, started: Path) -> None:
        super().__init__(daemon=True)
        self.before = self.peak = 0.0
        self._status_file, self._begun = Path(f"/proc/{pid}/status"), started
        self.start()

    def run(self) -> None:
        while True:
            try:
                text = self._status_file.read_text()
                sizes = {name: _megabytes(text, name) for name in ("VmRSS", "VmHWM")}
            except (OSError, ValueError, IndexError):  # it has ended
                return
            self.peak = max(self.peak, sizes["VmHWM"])
            if not self._begun.exists() and not self._begun.with_name("results.json").exists():
                self.before = sizes["VmRSS"]
            time.sleep(_SAMPLE_SECONDS)


def _megabytes(status: str, name: str) -> float:
    return int(status.split(f"{name}:")[1].split()[0]) * 1024 / 1e6


def row_of(root: Path, videos: int, settings: BenchmarkSettings) -> list[str]:
    """Build a set and start the tool again, when there is nothing to do; a row of the table."""
    first = build(root, settings)
    results = json.loads((root / "set" / "results.json").read_text())
    again = build(root, settings)
    masks = sum(file.stat().st_size for file in (root / "set" / "masks").iterdir()) / 1e6
    texts = sum(
        (root / "set" / name).stat().st_size for name in ("meta_expressions.json", "linking.jsonl")
    )
    objects = videos * OBJECTS_PER_VIDEO
    return [
        f"{videos:,}",
        f"{objects:,}",
        f"{results['objects']:,}",
        f"{results['masks']:,}",
        f"{first.seconds:.1f}",
        f"{first.processor:.1f}",
        f"{videos / first.processor:.1f}",
        f"{objects / first.processor:.1f}",
        f"{masks:.1f}",
        f"{texts / 1e6:.1f}",
        f"{first.before:.0f}",
        f"{first.peak:.0f}",
        f"{again.processor:.1f}",
        f"{again.peak:.0f}",
    ]


COLUMNS = (
    *("videos", "objects", "linked", "masks", "seconds", "processor s"),
    *("videos/s", "objects/s", "masks MB", "texts MB"),
    *("MB before linking", "peak MB", "again: processor s", "again: peak MB"),
)


def measured(root: Path, settings: BenchmarkSettings) -> Iterator[list[str]]:
    """Rows of the table, one a size."""
    rng = np.random.default_rng(0)
    tracks = [make_track(rng, settings) for _ in range(settings.drawn)]
    for videos in map(int, settings.videos.split(",")):
        corpus = root / str(videos)
        write_corpus(corpus, videos, tracks, settings)
        yield row_of(corpus, videos, settings)


def main(settings: BenchmarkSettings) -> None:
    """Build sets of all sizes and print the table."""
    cv2.setNumThreads(1)
    root = settings.folder or Path(tempfile.mkdtemp(prefix="vng_sets_"))
    try:
        rows = list(measured(root, settings))
    finally:
        if settings.folder is None:
            shutil.rmtree(root, ignore_errors=True)
    table = text_table([""] + [row[0] + " videos" for row in rows], _turned(rows), markdown=True)
    print(
        f"## VNG sets of {OBJECTS_PER_VIDEO} objects a video, {settings.frames} frames of "
        f"{settings.height}x{settings.width} with {2 * settings.points} points an object\n\n"
        f"{table}\n\nRates are of processor time. {settings.workers} process(es) of one thread, "
        f"{platform.machine()}; made by `python -m benchmarks.benchmark_vng_sets`."
    )


def _turned(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    """The table with a column for each size."""
    return [[name, *(row[i] for row in rows)] for i, name in enumerate(COLUMNS) if i]


if __name__ == "__main__":
    run_tool(main, BenchmarkSettings, __doc__ or "")
