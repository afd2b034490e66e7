"""Time of the interactive segmenters on one frame, as Markdown.

Run it on an idle machine, from the repository, as ``python -m benchmarks.benchmark_interactive``.
A frame is encoded once; the masks are computed again after every point. Random weights: they change
nothing about the time. Processor time, over the threads, tells more on a machine that others use.
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch

from pointvos.core.allocator import keep_freed_memory
from pointvos.core.command_line import run_tool
from pointvos.metrics.reports import text_table
from pointvos.nn.interactive.builders import BUILDERS
from pointvos.nn.interactive.prompts import Clicks


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What to measure."""

    models: str = "interactive_lite"
    """names of builders, separated by commas"""

    height: int = 448
    """at which the network works, in pixels; a multiple of 32"""

    width: int = 800
    """at which the network works, in pixels; a multiple of 32"""

    points: int = 10
    """on the frame, spread over its objects"""

    objects: str = "1,3"
    """numbers of objects, separated by commas"""

    threads: int = 2
    """of torch"""

    runs: int = 5
    """timed runs, of which the median counts"""


def spread_points(settings: BenchmarkSettings, objects: int) -> Clicks:
    """Points at random positions, on the objects in turn."""
    count = settings.points
    size = torch.tensor([settings.width, settings.height])
    return Clicks(
        xy_BN2=torch.rand(1, count, 2, generator=torch.Generator().manual_seed(0)) * size,
        object_BN=(torch.arange(count) % objects)[None],
        order_BN=torch.arange(count)[None].float(),
        valid_BN=torch.ones(1, count, dtype=torch.bool),
    )


def median_ms(run: Callable[[], object], runs: int) -> tuple[float, float]:
    """Milliseconds by the clock and of the processor, after one call to warm up."""
    run()
    clock, processor = [], []
    for _ in range(runs):
        start = time.perf_counter(), time.process_time()
        run()
        clock.append(time.perf_counter() - start[0])
        processor.append(time.process_time() - start[1])
    return 1000 * statistics.median(clock), 1000 * statistics.median(processor)


@torch.inference_mode()
def time_model(name: str, settings: BenchmarkSettings) -> list[list[str]]:
    """Rows of one network."""
    network = BUILDERS[name]().eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    frame = torch.rand(1, 3, settings.height, settings.width)
    frame = frame.to(memory_format=torch.channels_last)
    features = network.encode(frame)
    timed = {"encode": median_ms(lambda: network.encode(frame), settings.runs)}
    for objects in map(int, settings.objects.split(",")):
        points = spread_points(settings, objects)
        timed[f"{settings.points} points, {objects} object(s)"] = median_ms(
            lambda points=points, objects=objects: network.segment(  # type: ignore[misc]
                features, points, objects=objects
            ),
            settings.runs,
        )
    return [[name, step, f"{ms:.0f}", f"{cpu:.0f}"] for step, (ms, cpu) in timed.items()]


def main(settings: BenchmarkSettings) -> None:
    """Print one table."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    rows = [row for name in settings.models.split(",") for row in time_model(name, settings)]
    print(
        f"{settings.height}x{settings.width}, torch {torch.__version__}, {settings.threads} "
        f"thread(s), {torch.backends.cpu.get_cpu_capability()}, {platform.machine()}; "
        "made by `python -m benchmarks.benchmark_interactive`\n"
    )
    print(text_table(["model", "step", "ms", "processor ms"], rows, markdown=True))


if __name__ == "__main__":
    run_tool(main, BenchmarkSettings, __doc__ or "")
