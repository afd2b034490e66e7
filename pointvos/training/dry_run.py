"""A look at what a run would need, before it is started."""

from __future__ import annotations

import dataclasses
import logging
import statistics
import time
from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from pointvos.core.run_facts import peak_memory_mb

logger = logging.getLogger(__name__)

STEPS = 3  # the first of which warms up, and is not timed


def dry_run(
    next_batch: Callable[[], Any],
    train_step: Callable[[Any], Mapping[str, float]],
    *,
    iterations: int,
    show: bool,
) -> None:
    """Train on one batch a few times, and log shapes, loss, memory and times.

    Args:
        next_batch: reads a batch.
        train_step: one optimiser step on it; the loss terms.
        iterations: steps of the whole run.
        show: whether this process says what it finds.
    """
    began = time.perf_counter()
    batch = next_batch()
    reading = time.perf_counter() - began
    seconds, losses = [], []
    for _ in range(STEPS):
        began = time.perf_counter()
        losses.append(train_step(batch))
        seconds.append(time.perf_counter() - began)
    if not show:
        return
    for line in describe(batch):
        logger.info("  %s", line)
    terms = losses[0]
    named = ", ".join(f"{name} {value:.4g}" for name, value in terms.items())
    logger.info("loss: %.4g (%s)", sum(terms.values()), named)
    per_step = statistics.mean(seconds[1:])
    logger.info(
        "%.2f s a step (the first %.2f s), %.2f s to read a batch, peak memory %.0f MB",
        per_step, seconds[0], reading, peak_memory_mb(),
    )  # fmt: skip
    logger.info(
        "%d steps: about %s, if reading keeps up; nothing was written",
        iterations, _duration(per_step * iterations),
    )  # fmt: skip


def describe(batch: Any) -> list[str]:
    """One line for each field of a batch."""
    if not dataclasses.is_dataclass(batch):
        return [type(batch).__name__]
    values = {f.name: getattr(batch, f.name) for f in dataclasses.fields(batch)}
    return [f"{name}: {_describe(value)}" for name, value in values.items()]


def _describe(value: Any) -> str:
    if isinstance(value, Tensor):
        return f"{str(value.dtype).removeprefix('torch.')} {list(value.shape)}"
    text = repr(value)
    return text if len(text) <= 160 else f"{text[:157]}..."


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
