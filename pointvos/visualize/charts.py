"""Charts of evaluation results. Needs the extra ``plots`` (matplotlib)."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from pointvos.core.atomic import atomic_path

_DOTS_PER_INCH = 150
_SUFFIXES = (".png", ".svg", ".pdf")


def chart_by_points(
    path: str | Path,
    scores: Mapping[str, Mapping[int, float]],
    *,
    spread: Mapping[str, Mapping[int, float]] | None = None,
) -> None:
    """Draw J&F over the number of initial points, a line per model.

    Args:
        path: a .png, .svg or .pdf file, written atomically.
        scores: model -> number of points -> J&F in percent.
        spread: model -> number of points -> standard deviation, in percent, drawn as bars.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: there are no scores, or the suffix is another.
    """
    if Path(path).suffix not in _SUFFIXES:
        raise ValueError(f"{path}: expected one of {', '.join(_SUFFIXES)}")
    if not any(scores.values()):
        raise ValueError(f"{path}: expected scores to draw, found none")
    from matplotlib.figure import Figure  # without pyplot: no window system, no global state

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.add_subplot()
    counts = sorted({count for by_points in scores.values() for count in by_points})
    for model, by_points in scores.items():
        of_model = (spread or {}).get(model, {})
        axes.errorbar(
            [counts.index(count) for count in sorted(by_points)],
            [by_points[count] for count in sorted(by_points)],
            yerr=[of_model.get(count, 0.0) for count in sorted(by_points)],
            marker="o",
            capsize=3,
            label=model,
        )
    axes.set_xticks(range(len(counts)), [str(count) for count in counts])
    axes.set(xlabel="initial points per object", ylabel="J&F (%)", ylim=(0, 100))
    axes.grid(alpha=0.3)
    axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_DOTS_PER_INCH)


def histograms(path: str | Path, distributions: Mapping[str, Sequence[float]]) -> None:
    """Draw distributions side by side, each with its median as a line.

    Args:
        path: a .png, .svg or .pdf file, written atomically.
        distributions: label of the axis -> values.

    Raises:
        ModuleNotFoundError: matplotlib is not installed.
        ValueError: there are no values, or the suffix is another.
    """
    if Path(path).suffix not in _SUFFIXES:
        raise ValueError(f"{path}: expected one of {', '.join(_SUFFIXES)}")
    drawn = {label: values for label, values in distributions.items() if len(values)}
    if not drawn:
        raise ValueError(f"{path}: expected values to draw, found none")
    from matplotlib.figure import Figure

    columns = min(3, len(drawn))
    rows = math.ceil(len(drawn) / columns)
    figure = Figure(figsize=(4 * columns, 3 * rows), layout="constrained")
    for number, (label, values) in enumerate(drawn.items(), start=1):
        axes = figure.add_subplot(rows, columns, number)
        axes.hist(values, bins=min(40, max(5, len(set(values)))), color="#4477aa")
        median = statistics.median(values)
        axes.axvline(median, color="#cc3311", label=f"median {median:.3g}")
        axes.set(xlabel=label, ylabel="count")
        axes.legend()
    with atomic_path(path) as temporary:
        figure.savefig(temporary, dpi=_DOTS_PER_INCH)
