"""Time of deformable attention beside its straightforward form, as Markdown.

Run it on an idle machine, from the repository, as
``python -m benchmarks.benchmark_deformable_attention``. The sizes are those of a grounding model on
one frame: a pyramid of strides 8, 16, 32 and 64, read by a few object queries (decoder) and by
every position of the pyramid (encoder). That both forms are equal is a test
(tests/nn/test_deformable_attention.py).
"""

from __future__ import annotations

import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from pointvos.core.allocator import keep_freed_memory
from pointvos.core.command_line import run_tool
from pointvos.metrics.reports import text_table
from pointvos.nn.deformable_attention import LevelShapes, bag_form, grid_form

STRIDES = (8, 16, 32, 64)
FORMS = {"straightforward": grid_form, "bags of rows": bag_form}


@dataclass(frozen=True, kw_only=True)
class BenchmarkSettings:
    """What to measure."""

    height: int = 480
    """of the frame, in pixels"""

    width: int = 854
    """of the frame, in pixels"""

    queries: int = 300
    """of the decoder; the encoder has one for each position"""

    heads: int = 8
    """of 256 channels in all"""

    points: int = 4
    """that each head reads of each level"""

    threads: int = 1
    """of torch"""

    runs: int = 5
    """timed runs, of which the median counts"""


def random_inputs(
    settings: BenchmarkSettings, shapes: LevelShapes, queries: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Values, locations some pixels around a reference point per query, weights."""
    rng = torch.Generator().manual_seed(0)
    positions = sum(height * width for height, width in shapes)
    split = (settings.heads, len(shapes), settings.points)
    value = torch.randn(1, positions, settings.heads, 256 // settings.heads, generator=rng)
    reference = torch.rand(1, queries, 1, 1, 1, 2, generator=rng)
    locations = reference + 0.05 * torch.randn(1, queries, *split, 2, generator=rng)
    weights = torch.rand(1, queries, *split, generator=rng)
    return value, locations, weights


def median_ms(run: Callable[[], object], runs: int) -> float:
    """Milliseconds of a call, after one to warm up."""
    run()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return 1000 * statistics.median(seconds)


def time_forms(settings: BenchmarkSettings, shapes: LevelShapes, queries: int) -> list[list[str]]:
    """Rows of forward, and forward and backward, for one number of queries."""
    leaves = random_inputs(settings, shapes, queries)
    rows = []
    for trained in (False, True):
        for leaf in leaves:
            leaf.requires_grad_(trained)

        def run(form: Callable[..., Tensor], trained: bool = trained) -> None:
            out = form(leaves[0], shapes, *leaves[1:])
            if trained:
                torch.autograd.grad(out.sum(), leaves)

        times = [
            median_ms(lambda form=form: run(form), settings.runs)  # type: ignore[misc]
            for form in FORMS.values()
        ]
        name = "forward and backward" if trained else "forward"
        ratio = f"{times[0] / times[1]:.1f}"
        rows.append([f"{queries} queries, {name}", *(f"{t:.0f}" for t in times), ratio])
    return rows


def main(settings: BenchmarkSettings) -> None:
    """Print one table."""
    keep_freed_memory()
    torch.set_num_threads(settings.threads)
    shapes = [(-(-settings.height // s), -(-settings.width // s)) for s in STRIDES]
    positions = sum(height * width for height, width in shapes)
    rows = [
        row
        for queries in (settings.queries, positions)
        for row in time_forms(settings, shapes, queries)
    ]
    print(
        f"torch {torch.__version__}, {settings.threads} thread(s), "
        f"{torch.backends.cpu.get_cpu_capability()}, {platform.machine()}; "
        "made by `python -m benchmarks.benchmark_deformable_attention`\n"
    )
    print(text_table(["ms", *FORMS, "times as fast"], rows, markdown=True))


if __name__ == "__main__":
    run_tool(main, BenchmarkSettings, __doc__ or "")
