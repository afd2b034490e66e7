"""Speed, size and memory of building VNG sets, as Markdown for docs/performance.md.

Makes corpora of several sizes (records, narratives, frames and a mask store) and lets
``tools/build_vng_sets.py`` turn each into a set, in a process of its own. Run it from the
repository as ``python -m benchmarks.benchmark_vng_sets``. Objects are the blobs of
`benchmarks.benchmark_mask_store`, points and traces lie on them, and all frames are one gray
picture. In some captions two objects have one name, which their traces tell apart.
"""

from __future__ import annotations

import hashlib
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
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.benchmark_mask_store import BenchmarkSettings as MaskSettings
from benchmarks.benchmark_mask_store import draw_track
from pointvos.core.command_line import run_tool
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.metrics.reports import text_table

CHECKOUT = Path(__file__).resolve().parents[1]
TOOL = CHECKOUT / "tools" / "build_vng_sets.py"
CAPTIONS = (
    (
        "A man in blue throws a red ball to another man while a dog runs past a tree.",
        ("man", "ball", "man", "dog", "tree"),
    ),
    (
        "A girl on a brown horse waves at a boy who holds a kite in front of a house.",
        ("girl", "horse", "boy", "kite", "house"),
    ),
    (
        "The cat jumps from the table, hits a bottle and lands on a chair beside another cat.",
        ("cat", "table", "bottle", "chair", "cat"),
    ),
    (
        "Two bikes pass a car, then the woman on the bridge drops her umbrella into the river.",
        ("bikes", "car", "woman", "umbrella", "river"),
    ),
)
OBJECTS_PER_VIDEO = 5  # as many as each caption names
WORD_MS = 400
EPOCH_MS = 1_646_807_046_000
_SAMPLE_SECONDS = 0.05


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What to measure."""

    videos: str = "500,2000"
    """sizes of the corpora, separated by commas"""

    frames: int = 10
    """of each video, all with points and masks; an object is absent on the last"""

    points: int = 10
    """foreground points of an object on a frame, and as many background points"""

    positions: int = 40
    """of the mouse for each noun"""

    height: int = 480
    """of the frames, in pixels"""

    width: int = 854
    """of the frames, in pixels"""

    drawn: int = 100
    """different tracks of blobs, given to the objects in turn"""

    workers: int = 1
    """processes that link"""

    masks_json: bool = False
    """write extra_masks.json too"""

    folder: Path | None = None
    """where corpora and sets are written; by default a temporary folder that is removed"""


class Track(NamedTuple):
    """An object on all frames.

    Attributes:
        masks: one a frame.
        points: annotated_points of its record, as JSON.
        stroke: mouse positions on the middle frame, float [P, 2], as shares of width and height.
    """

    masks: list[StoredMask]
    points: str
    stroke: NDArray[np.float64]


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


def make_track(rng: np.random.Generator, settings: BenchmarkSettings) -> Track:
    """Draw an object, its points and its stroke."""
    masks = draw_track(
        rng, MaskSettings(frames=settings.frames, height=settings.height, width=settings.width)
    )
    points: list[dict[str, Any]] = []
    for mask in masks:
        pixels = mask.decode()
        for status, where in (("ACCEPTED", pixels), ("REJECTED", ~pixels)):
            points += [
                {
                    "x": int(x),
                    "y": int(y),
                    "frame_id": mask.frame,
                    "status": status,
                    "is_fg_candidate": status == "ACCEPTED",
                }
                for x, y in _some_pixels(rng, where, settings.points)
            ]
    middle = masks[settings.frames // 2].decode()
    stroke = _some_pixels(rng, middle, settings.positions) / (settings.width, settings.height)
    return Track(masks, json.dumps(points), stroke[np.argsort(stroke[:, 0], kind="stable")])


def _some_pixels(
    rng: np.random.Generator, where: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """(x, y) of so many different pixels, [P, 2]; none if there are none."""
    found = np.flatnonzero(where)
    chosen = rng.choice(found, min(count, found.size), replace=False)
    return np.stack([chosen % where.shape[1], chosen // where.shape[1]], axis=1)


def narrative(number: int, tracks: Sequence[Track], settings: BenchmarkSettings) -> dict[str, Any]:
    """The narrative of a video: a word lasts `WORD_MS`, a noun is traced while it is said."""
    caption, nouns = CAPTIONS[number % len(CAPTIONS)]
    words, behind = [], 0
    for place, word in enumerate(caption.replace(",", "").replace(".", "").split()):
        start = caption.index(word, behind)
        behind = start + len(word)
        words.append(
            {
                "start_ms": place * WORD_MS,
                "end_ms": (place + 1) * WORD_MS - 100,
                "referenced_word": word,
                "referenced_word_start_idx": start,
                "referenced_word_end_idx": behind,
            }
        )
    spoken = [word["referenced_word"] for word in words]
    traces, place = [], -1
    for noun, track in zip(nouns, tracks, strict=True):
        place = spoken.index(noun, place + 1)
        times = place * WORD_MS + np.linspace(0, WORD_MS - 150, len(track.stroke)).astype(int)
        traces.append(
            [
                {"x": round(x, 5), "y": round(y, 5), "time_ms_since_epoch": EPOCH_MS + ms}
                | {"kf_idx": 0}
                for (x, y), ms in zip(track.stroke.tolist(), times.tolist(), strict=True)
            ]
        )
    actor = {
        "actor_name": nouns[0],
        "keyframe_selection_indices": [0],
        "recording_start_time_ms_since_epoch": EPOCH_MS,
        "traces_start_time_ms_since_epoch": EPOCH_MS,
        "caption": caption,
        "traces": traces,
        "time_alignment": words,
    }
    return {
        "vidln_id": number,
        "dataset_id": "generated",
        "video_id": video_name(number),
        "keyframe_names": [f"{settings.frames // 2:05d}"],
        "actor_narratives": [actor],
        "annotator_id": 1,
    }


def video_name(number: int) -> str:
    """Of a video."""
    return f"video_{number:06d}"


def write_corpus(
    root: Path, videos: int, tracks: Sequence[Track], settings: BenchmarkSettings
) -> None:
    """Write points.jsonl, vidln.jsonl, frames/ and masks/ below `root`."""
    picture = root / "gray.jpg"
    root.mkdir(parents=True)
    cv2.imwrite(str(picture), np.full((settings.height, settings.width, 3), 128, np.uint8))
    with (
        (root / "points.jsonl").open("w", encoding="ascii") as points,
        (root / "vidln.jsonl").open("w", encoding="ascii") as narratives,
        MaskStoreWriter(root / "masks", rows_per_part=20_000) as writer,
    ):
        for number in range(videos):
            name = video_name(number)
            folder = root / "frames" / name
            folder.mkdir(parents=True)
            for frame in range(settings.frames):
                os.link(picture, folder / f"{frame:05d}.jpg")
            chosen = [tracks[(5 * number + i) % len(tracks)] for i in range(OBJECTS_PER_VIDEO)]
            masks: list[StoredMask] = []
            for i, (noun, track) in enumerate(zip(CAPTIONS[number % 4][1], chosen, strict=True)):
                key = hashlib.md5(f"{name}/{i}".encode(), usedforsecurity=False).hexdigest()
                points.write(
                    f'{{"{key}": {{"question_hash": "{key}", "question": "What is it?", '
                    f'"object_name": "{noun}", "video_name": "{name}", "annotated_points": '
                    f"{track.points}}}}}\n"
                )
                masks += [
                    StoredMask(key, one.frame, one.height, one.width, one.counts, one.score)
                    for one in track.masks
                ]
            writer.add(name, masks)
            narratives.write(json.dumps(narrative(number, chosen, settings)) + "\n")
    finish_store(root / "masks")


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
