"""Time of mask backends on an image, and again with another point on it, as Markdown.

"later" gives all points anew, "corrected" the last masks as well.

Run it on an idle machine, from the repository, as ``python -m benchmarks.benchmark_mask_backends``.
``interactive-random`` is the untrained small segmenter: weights change nothing about its time.
Processor time, over the threads, tells more on a machine that others use.
"""

from __future__ import annotations

import platform
import statistics
import time
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from pointvos.core.allocator import keep_freed_memory
from pointvos.core.command_line import run_tool
from pointvos.core.points import Points
from pointvos.metrics.reports import text_table
from pointvos.pseudomask.backend import MaskBackend, MaskResult, Prompt
from pointvos.pseudomask.builders import MaskBackendSettings, backend_by_name, build_backend

RANDOM = "interactive-random"
CALLS = ("first", "later", "corrected")


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What to measure."""

    backends: str = RANDOM
    """interactive-random, or names as of --backend, separated by commas"""

    height: int = 480
    """of the image, in pixels"""

    width: int = 854
    """of the image, in pixels"""

    points: int = 10
    """on the image, spread over its objects"""

    objects: str = "1,3"
    """numbers of objects, separated by commas"""

    threads: int = 2
    """of torch"""

    runs: int = 5
    """images, of whose times the median counts"""


def prompts(settings: BenchmarkSettings, objects: int, *, more: int) -> list[Prompt]:
    """Points at random positions on the objects in turn, and `more` on the first."""
    rng = np.random.default_rng(0)
    size = (settings.width, settings.height)
    pixels = rng.integers(0, size, (settings.points + more, 2))
    slots = [*(n % objects for n in range(settings.points)), *[0] * more]
    return [
        Prompt(points=Points.from_pixels(own, [1] * len(own)))
        for own in (pixels[np.array(slots) == slot] for slot in range(objects))
    ]


def picture(settings: BenchmarkSettings, seed: int) -> NDArray[np.uint8]:
    """A gradient with noise, another for every seed."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(40, 200, settings.width)[None, :, None]
    noise = rng.normal(0, 20, (settings.height, settings.width, 3))
    return np.asarray((ramp + noise).clip(0, 255), dtype=np.uint8)


def milliseconds(
    backend: MaskBackend, image: NDArray[np.uint8], given: list[Prompt]
) -> tuple[tuple[float, float], list[MaskResult]]:
    """Of one call, by the clock and of the processor; and what came out."""
    start = time.perf_counter(), time.process_time()
    results = backend.masks(image, given)
    passed = time.perf_counter() - start[0], time.process_time() - start[1]
    return (1000 * passed[0], 1000 * passed[1]), results


def time_backend(name: str, settings: BenchmarkSettings) -> list[list[str]]:
    """Rows of one backend."""
    random = MaskBackendSettings(path="random:interactive_lite")
    backend = build_backend(random if name == RANDOM else backend_by_name(name))
    rows = []
    for objects in map(int, settings.objects.split(",")):
        calls: dict[str, list[tuple[float, float]]] = {kind: [] for kind in CALLS}
        for run in range(settings.runs + 1):  # the first warms up
            image, given = picture(settings, run), prompts(settings, objects, more=1)
            spent, _ = milliseconds(backend, image, prompts(settings, objects, more=0))
            calls["first"].append(spent)
            spent, found = milliseconds(backend, image, given)
            calls["later"].append(spent)
            corrected = [
                replace(one, previous=result.mask) for one, result in zip(given, found, strict=True)
            ]
            calls["corrected"].append(milliseconds(backend, image, corrected)[0])
        times = [
            f"{statistics.median(spent[kind] for spent in made[1:]):.0f}"
            for made in calls.values()
            for kind in (0, 1)
        ]
        rows.append([name, str(objects), *times])
    return rows


def main(settings: BenchmarkSettings) -> None:
    """Print one table."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    rows = [row for name in settings.backends.split(",") for row in time_backend(name, settings)]
    print(
        f"{settings.height}x{settings.width}, {settings.points} points, torch {torch.__version__}, "
        f"{settings.threads} thread(s), {torch.backends.cpu.get_cpu_capability()}, "
        f"{platform.machine()}; made by `python -m benchmarks.benchmark_mask_backends`\n"
    )
    columns = [title for call in CALLS for title in (f"{call}, ms", "processor")]
    header = ["backend", "objects", *columns]
    print(text_table(header, rows, markdown=True))


if __name__ == "__main__":
    run_tool(main, BenchmarkSettings, __doc__ or "")
