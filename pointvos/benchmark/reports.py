"""The result of an evaluation as records for results.json, tables for people, and the CSV pair."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pointvos.benchmark.evaluation import MethodScores
from pointvos.benchmark.probes import summarise_probes
from pointvos.benchmark.protocol import MASK
from pointvos.metrics.frame_statistics import FrameStatistics
from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.reports import scores_record, scores_table, text_table
from pointvos.metrics.rules import AveragingUnit
from pointvos.metrics.summary import BenchmarkScores, summarise

MEAN = "mean"  # over the settings: the headline number of the paper


@dataclass(frozen=True)
class Spread:
    """J&F in percent over the draws of points."""

    draws: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean over the draws."""
        return statistics.fmean(self.draws)

    @property
    def std(self) -> float:
        """Sample standard deviation; 0 with a single draw."""
        return statistics.stdev(self.draws) if len(self.draws) > 1 else 0.0

    def __str__(self) -> str:
        return f"{self.mean:.1f}" + (f" ± {self.std:.1f}" if len(self.draws) > 1 else "")


@dataclass(frozen=True)
class Report:
    """The result of an evaluation.

    Attributes:
        scores: of the first method with the strongest setting, averaged over the draws.
        record: for results.json.
        summary: the tables that are printed.
        page: the tables in Markdown, without a title.
    """

    scores: BenchmarkScores
    record: dict[str, Any]
    summary: str
    page: str


def report(methods: Sequence[MethodScores], averaging: AveragingUnit) -> Report:
    """Bring the scores of methods into the form they are published in; the first one leads."""
    strongest = settings_of(methods[0])[-1]
    draws = benchmark_scores(methods[0], strongest, averaging)
    top = mean_over_draws(draws)
    records = {scores.method: method_record(scores, averaging) for scores in methods}
    record = {
        "model": methods[0].method,
        "setting": strongest,
        "draws": len(draws),
        **scores_record(top),
        "by_points": records[methods[0].method]["by_points"],
        "methods": records,
    }
    title = "J&F in percent"
    if len(draws) > 1:
        title += f"; mean ± standard deviation over {len(draws)} draws of points"
    summary = [points_table(methods, averaging)]
    page = [f"{title}.", points_table(methods, averaging, markdown=True)]
    if methods[0].probed:
        summary.append(probes_table(methods))
        page.append(probes_table(methods, markdown=True))
    page += [sequences_table(methods, markdown=True), scores_table(top, markdown=True)]
    return Report(top, record, "\n\n".join(summary), "\n\n".join(page))


def settings_of(scores: MethodScores) -> list[str]:
    """The settings of an evaluation, in the order they were run."""
    return list(dict.fromkeys(run.setting for run in scores.runs))


def benchmark_scores(
    scores: MethodScores, setting: str, averaging: AveragingUnit
) -> list[BenchmarkScores]:
    """The scores of one setting, one for each draw."""
    return [
        summarise(sequences, averaging)
        for run, sequences in scores.runs.items()
        if run.setting == setting
    ]


def spreads(scores: MethodScores, averaging: AveragingUnit) -> dict[str, Spread]:
    """J&F by setting, and under "mean" of the mean over the settings of each draw."""
    by_setting = {
        setting: Spread(
            tuple(100 * one.j_and_f for one in benchmark_scores(scores, setting, averaging))
        )
        for setting in settings_of(scores)
    }
    per_draw = zip(*(spread.draws for spread in by_setting.values()), strict=True)
    return {**by_setting, MEAN: Spread(tuple(statistics.fmean(draw) for draw in per_draw))}


def mean_over_draws(draws: Sequence[BenchmarkScores]) -> BenchmarkScores:
    """Draws of one setting as one result: every number, and every score of a frame, averaged."""
    if len(draws) == 1:
        return draws[0]
    j, f = (
        FrameStatistics(*np.mean([getattr(one, name) for one in draws], axis=0).tolist())
        for name in ("j", "f")
    )
    sequences = tuple(
        _mean_sequence(same) for same in zip(*(one.sequences for one in draws), strict=True)
    )
    return BenchmarkScores(j=j, f=f, averaging=draws[0].averaging, sequences=sequences)


def method_record(scores: MethodScores, averaging: AveragingUnit) -> dict[str, Any]:
    """One method in results.json; J&F in percent."""
    spread_of = spreads(scores, averaging)
    record: dict[str, Any] = {
        "by_points": {setting: spread.mean for setting, spread in spread_of.items()},
        "spread": {
            setting: {
                "std": spread.std,
                "min": min(spread.draws),
                "max": max(spread.draws),
                "draws": list(spread.draws),
            }
            for setting, spread in spread_of.items()
        },
        "by_sequence": by_sequence(scores),
        "weights_sha256": scores.weights_sha256 or None,
    }
    if scores.probed:
        record["probes"] = {
            probe: {
                "objects": summary.objects,
                "own": 100 * summary.own,
                "probed": 100 * summary.probed,
            }
            for probe, summary in summarise_probes(scores.probed).items()
        }
        record["probed_objects"] = [
            {
                "sequence": one.sequence,
                "object_id": one.object_id,
                **{kind: score._asdict() for kind, score in one.scores.items()},
            }
            for one in scores.probed
        ]
    return record


def by_sequence(scores: MethodScores) -> dict[str, dict[str, float]]:
    """Sequence -> setting -> J&F in percent, the mean over its objects and the draws."""
    table: dict[str, dict[str, list[float]]] = {}
    for run, sequences in scores.runs.items():
        for sequence in sequences:
            if sequence.objects:
                value = 100 * statistics.fmean(one.j_and_f for one in sequence.objects)
                table.setdefault(sequence.name, {}).setdefault(run.setting, []).append(value)
    return {
        name: {setting: statistics.fmean(values) for setting, values in row.items()}
        for name, row in table.items()
    }


def points_table(
    methods: Sequence[MethodScores], averaging: AveragingUnit, *, markdown: bool = False
) -> str:
    """A row a method, a column a setting and their mean; J&F in percent, ± over the draws."""
    settings = settings_of(methods[0])
    header = ["method", *(_column(setting) for setting in settings), MEAN]
    rows = []
    for scores in methods:
        spread_of = spreads(scores, averaging)
        rows.append([scores.method, *(str(spread_of[name]) for name in (*settings, MEAN))])
    return text_table(header, rows, markdown=markdown)


def sequences_table(methods: Sequence[MethodScores], *, markdown: bool = False) -> str:
    """A row a sequence, a column a method: J&F in percent of the last setting."""
    setting = settings_of(methods[0])[-1]
    tables = [by_sequence(scores) for scores in methods]
    header = [f"sequence, {_column(setting)}", *(scores.method for scores in methods)]
    rows = [[name, *(f"{table[name][setting]:.1f}" for table in tables)] for name in tables[0]]
    return text_table(header, rows, markdown=markdown)


def probes_table(methods: Sequence[MethodScores], *, markdown: bool = False) -> str:
    """A row a method and probe: J&F in percent with own and with wrong points."""
    header = ["method, started by", "objects", "own points", "wrong points"]
    names = {
        "swapped": "points of another object",
        "background": "random background points",
        "missing": "one far background point",
    }
    rows = [
        [
            f"{scores.method}, {names[probe]}",
            str(summary.objects),
            f"{100 * summary.own:.1f}",
            f"{100 * summary.probed:.1f}",
        ]
        for scores in methods
        for probe, summary in summarise_probes(scores.probed).items()
    ]
    return text_table(header, rows, markdown=markdown)


def _column(setting: str) -> str:
    if setting == MASK:
        return MASK
    return f"{setting} point" + ("" if setting == "1" else "s")


def _mean_sequence(draws: Sequence[SequenceScores]) -> SequenceScores:
    objects = zip(*(sequence.objects for sequence in draws), strict=True)
    return replace(draws[0], objects=tuple(_mean_object(same) for same in objects))


def _mean_object(draws: Sequence[ObjectScores]) -> ObjectScores:
    j, f = (np.mean([getattr(one, name) for one in draws], axis=0) for name in ("j", "f"))
    return replace(draws[0], j=j, f=f)
