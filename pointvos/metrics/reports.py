"""Scores as text: the CSV pair of DAVIS, a table for people, records for results.json."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from pointvos.core.aligned_rows import padded_cells
from pointvos.metrics.object_scores import ObjectScores
from pointvos.metrics.summary import BenchmarkScores

GLOBAL_COLUMNS = (
    "J&F-Mean",
    "J-Mean",
    "J-Recall",
    "J-Decay",
    "F-Mean",
    "F-Recall",
    "F-Decay",
)
SEQUENCE_COLUMNS = ("Sequence", "J-Mean", "F-Mean")


class DavisCsv(NamedTuple):
    """The text of the two files that davis2017-evaluation writes."""

    global_results: str
    per_sequence_results: str


class DavisCsvNames(NamedTuple):
    """The names of those files."""

    global_results: str
    per_sequence_results: str


def davis_csv_names(subset: str) -> DavisCsvNames:
    """The official names of the CSV pair for a subset such as ``val``."""
    return DavisCsvNames(f"global_results-{subset}.csv", f"per-sequence_results-{subset}.csv")


def davis_csv(scores: BenchmarkScores) -> DavisCsv:
    """The CSV pair of davis2017-evaluation: its columns, fractions with three decimals.

    The per-sequence file has a row an object, named ``<sequence>_<object id>``.
    """
    return DavisCsv(
        _csv(GLOBAL_COLUMNS, [[f"{value:.3f}" for value in _global_values(scores)]]),
        _csv(
            SEQUENCE_COLUMNS,
            [[_row_name(row), f"{row.j_mean:.3f}", f"{row.f_mean:.3f}"] for row in scores.objects],
        ),
    )


def scores_table(scores: BenchmarkScores, *, markdown: bool = False) -> str:
    """A row an object and a row for all of them, in percent with one decimal.

    Args:
        scores: of a benchmark.
        markdown: a Markdown table; otherwise columns aligned by spaces.
    """
    header = ["object", "J&F", "J", "F", "J recall", "J decay", "F recall", "F decay", "frames"]
    rows = []
    for row in scores.objects:
        j, f = row.j_statistics, row.f_statistics
        values = [(j.mean + f.mean) / 2, j.mean, f.mean, j.recall, j.decay, f.recall, f.decay]
        rows.append([_row_name(row), *map(_percent, values), str(len(row.j))])
    j, f = scores.j, scores.f
    values = [scores.j_and_f, j.mean, f.mean, j.recall, j.decay, f.recall, f.decay]
    frames = sum(len(row.j) for row in scores.objects)
    label = f"mean over {scores.averaging.value}s"
    rows.append([label, *map(_percent, values), str(frames)])
    return text_table(header, rows, markdown=markdown)


def text_table(
    header: Sequence[str], rows: Iterable[Sequence[str]], *, markdown: bool = False
) -> str:
    """A table with the first column to the left and the others to the right.

    >>> print(text_table(["set", "J"], [["val", "70.1"]], markdown=True))
    | set |    J |
    |:----|-----:|
    | val | 70.1 |
    """
    padded = padded_cells([header, *rows], left=(0,))
    widths = list(map(len, padded[0]))
    if not markdown:
        return "\n".join("  ".join(line).rstrip() for line in padded)
    rule = [
        ":" + "-" * (width + 1) if column == 0 else "-" * (width + 1) + ":"
        for column, width in enumerate(widths)
    ]
    body = ["| " + " | ".join(line) + " |" for line in padded]
    return "\n".join([body[0], "|" + "|".join(rule) + "|", *body[1:]])


def scores_record(scores: BenchmarkScores) -> dict[str, Any]:
    """The scores as results.json of an evaluation holds them: fractions, lists over frames."""
    return {
        "j_mean": scores.j.mean,
        "f_mean": scores.f.mean,
        "j_and_f": scores.j_and_f,
        "j_recall": scores.j.recall,
        "j_decay": scores.j.decay,
        "f_recall": scores.f.recall,
        "f_decay": scores.f.decay,
        "averaging": scores.averaging.value,
        "per_object": [object_record(row) for row in scores.objects],
        "unscored_objects": [
            {"sequence": sequence.name, "object_id": object_id}
            for sequence in scores.sequences
            for object_id in sequence.unscored_ids
        ],
    }


def object_record(scores: ObjectScores) -> dict[str, Any]:
    """The scores of one object as an entry of ``per_object``."""
    return {
        "sequence": scores.sequence,
        "object_id": scores.object_id,
        "proposal": scores.proposal,
        "j_mean": scores.j_mean,
        "f_mean": scores.f_mean,
        "frames": list(scores.frame_names),
        "j": scores.j.tolist(),
        "f": scores.f.tolist(),
    }


def _global_values(scores: BenchmarkScores) -> tuple[float, ...]:
    """In the order of `GLOBAL_COLUMNS`."""
    return (scores.j_and_f, *scores.j, *scores.f)


def _row_name(scores: ObjectScores) -> str:
    return f"{scores.sequence}_{scores.object_id}"


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _csv(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()
