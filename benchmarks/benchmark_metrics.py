"""How long J and F of a 480p sequence take on one core.

Run it from the repository as ``python -m benchmarks.benchmark_metrics``.

The masks are those of DAVIS 2016 val where they are found ($POINTVOS_DATA or ../shared/data), with
the published masks of OSVOS as predictions; otherwise moving ellipses with jagged predictions.
Decoding the PNGs is timed apart. Every run repeats all frames; the first one warms up and does
not count.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from pointvos.core.masks import read_index_png
from pointvos.metrics.rules import DAVIS_SEMI_SUPERVISED, DAVIS_UNSUPERVISED, ScoringRules, Skip
from pointvos.metrics.sequence import score_sequence

FRAMES = 70
HEIGHT, WIDTH = 480, 854
RUNS = 5
AIM_SECONDS = 0.4  # J and F of 70 frames at 480x854, one object
SEQUENCES = ("blackswan", "dog", "parkour")
OBJECTS = 5
DATA = Path(os.environ.get("POINTVOS_DATA", Path(__file__).resolve().parents[2] / "shared/data"))

Clip = list[tuple[str, NDArray[np.uint8], NDArray[np.uint8]]]


def spread_of(run: Callable[[], object]) -> tuple[float, float, float]:
    """Median, least and greatest seconds of five runs after one to warm up."""
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    counted = seconds[1:]
    return statistics.median(counted), min(counted), max(counted)


def mask_paths(sequence: str) -> list[tuple[Path, Path]]:
    """(Ground truth, prediction) of the first 70 frames, going round if there are fewer."""
    truth = sorted((DATA / "davis16" / "Annotations" / "480p" / sequence).glob("*.png"))
    predictions = DATA / "davis16_published" / "masks" / "osvos" / sequence
    pairs = [(path, predictions / path.name) for path in truth]
    return [pairs[number % len(pairs)] for number in range(FRAMES)]


def read_clip(paths: Iterable[tuple[Path, Path]]) -> Clip:
    """All masks of a sequence, in memory."""
    return [
        (f"{number:05d}", read_index_png(truth), read_index_png(prediction))
        for number, (truth, prediction) in enumerate(paths)
    ]


def generated_clip(objects: int) -> Clip:
    """Moving ellipses, predicted 5 pixels off and with jagged borders."""
    rng = np.random.default_rng(0)
    jitter = rng.integers(-3, 4, size=(2, HEIGHT, WIDTH)).astype(np.float32)
    y, x = np.mgrid[:HEIGHT, :WIDTH].astype(np.float32)
    clip: Clip = []
    for frame in range(FRAMES):
        truth = np.zeros((HEIGHT, WIDTH), dtype=np.uint8)
        for label in range(1, objects + 1):
            centre = (100 + 650 * label // (objects + 1) + frame, 120 + 40 * label)
            cv2.ellipse(truth, centre, (90, 60), 10.0 * label, 0, 360, label, -1)
        prediction = cv2.remap(truth, x + jitter[0] + 5, y + jitter[1], cv2.INTER_NEAREST)
        clip.append((f"{frame:05d}", truth, np.asarray(prediction, dtype=np.uint8)))
    return clip


def report(what: str, run: Callable[[], object]) -> float:
    """Time a run and print a line about it; the median in seconds."""
    median, least, greatest = spread_of(run)
    print(
        f"{what:<52}{median * 1e3:8.1f} ms  ({least * 1e3:.1f} .. {greatest * 1e3:.1f})"
        f"  {median / FRAMES * 1e3:6.2f} ms a frame"
    )
    return median


def main() -> None:
    """Print the times of scoring and of reading masks."""
    cv2.setNumThreads(1)
    every_frame = ScoringRules(
        skip=Skip.NONE,
        void=DAVIS_SEMI_SUPERVISED.void,
        objects=DAVIS_SEMI_SUPERVISED.objects,
    )
    print(f"J and F of {FRAMES} frames, {HEIGHT}x{WIDTH}, one core: median of {RUNS} runs (range)")
    clips = {"generated, 1 object": generated_clip(1)}
    if DATA.is_dir():
        paths = {sequence: mask_paths(sequence) for sequence in SEQUENCES}
        clips |= {f"{sequence}, OSVOS": read_clip(pairs) for sequence, pairs in paths.items()}
    times = [
        report(name, partial(score_sequence, every_frame, clip)) for name, clip in clips.items()
    ]
    many = generated_clip(OBJECTS)
    report(f"generated, {OBJECTS} objects", partial(score_sequence, every_frame, many))
    report(
        f"generated, {OBJECTS} objects x {OBJECTS} proposals (assignment)",
        partial(score_sequence, DAVIS_UNSUPERVISED, many),
    )
    if DATA.is_dir():
        for sequence, pairs in paths.items():
            report(f"reading the PNGs of {sequence}", partial(read_clip, pairs))
    else:
        print(f"no real masks: {DATA} does not exist")
    verdict = "within" if max(times) < AIM_SECONDS else "MISSES"
    print(f"slowest single-object sequence {max(times):.3f} s: {verdict} the aim {AIM_SECONDS} s")


if __name__ == "__main__":
    main()
