"""The log of a run: mean loss terms every few steps, one JSON line each."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pointvos.core.atomic import write_text
from pointvos.training.tracking import Tracker


class StepLog:
    """Gathers loss terms, and appends their means to a file.

    Attributes:
        last: the newest line of loss terms.
        last_validation: the newest scores of a validation, with their iteration.
    """

    def __init__(
        self, path: Path, *, start: int, active: bool, tracker: Tracker | None = None
    ) -> None:
        """Begin at step `start`: lines of later steps are of a run that was killed after it.

        Args:
            path: of the file.
            start: steps done before.
            active: whether this process writes.
            tracker: is told every line too.
        """
        self._path = path if active else None
        self._tracker = tracker
        self._terms: list[dict[str, float]] = []
        self._since = time.perf_counter()
        self.last: dict[str, float] = {}
        self.last_validation: dict[str, float] = {}
        if active:
            write_text(path, "".join(_lines_up_to(path, start)))

    def add(self, terms: dict[str, float]) -> None:
        """Take the loss terms of one step."""
        self._terms.append(terms)

    def write(self, iteration: int, learning_rate: float) -> None:
        """Append the means since the last line."""
        now = time.perf_counter()
        means = {
            name: sum(terms[name] for terms in self._terms) / len(self._terms)
            for name in self._terms[0]
        }
        self.last = {
            "iteration": iteration,
            "learning_rate": learning_rate,
            "seconds_per_step": round((now - self._since) / len(self._terms), 4),
            **{name: round(value, 6) for name, value in means.items()},
        }
        self._terms, self._since = [], now
        self._append(self.last)
        if self._tracker is not None:
            self._tracker.write(iteration, self.last, group="training")

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Time that counts for no step."""
        began = time.perf_counter()
        yield
        self._since += time.perf_counter() - began

    def write_validation(self, iteration: int, scores: Mapping[str, float]) -> None:
        """Append the scores of a validation."""
        rounded = {name: round(value, 6) for name, value in scores.items()}
        self.last_validation = {"iteration": iteration, **rounded}
        self._append({"iteration": iteration, "validation": rounded})
        if self._tracker is not None:
            self._tracker.write(iteration, rounded, group="validation")

    def _append(self, line: Mapping[str, object]) -> None:
        if self._path is not None:
            with self._path.open("a") as log:
                log.write(json.dumps(line) + "\n")


def _lines_up_to(path: Path, iteration: int) -> list[str]:
    """Whole lines of steps up to `iteration`; the last may be torn."""
    if not path.is_file():
        return []
    lines = path.read_text().splitlines(keepends=True)
    whole = [line for line in lines if line.startswith("{") and line.endswith("}\n")]
    return [line for line in whole if json.loads(line)["iteration"] <= iteration]
