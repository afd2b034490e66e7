"""Scores of a VNG set as tables and as results.json."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pointvos.metrics.reports import text_table
from vng.evaluation.evaluate import MethodResults
from vng.evaluation.expression_scores import ExpressionScores, VngScores
from vng.evaluation.presence import best_presence
from vng.evaluation.probes import PROBES
from vng.evaluation.spread import SHARE, Interval, interval_of, interval_of_difference

# J&F of RF-VNG in percent (paper, Tab. 10): pre-training, fine-tuned on UVO-VNG, then OVIS-VNG
# without and with fine-tuning, and UVO-VNG.
PAPER_RESULTS = (
    ("static", "no", 28.5, 32.4, 39.6),
    ("static + PV-Oops", "no", 24.5, 31.4, 32.9),
    ("static + PV-Kinetics", "no", 33.9, 35.1, 51.8),
    ("static", "yes", 32.0, 32.7, 46.4),
    ("static + PV-Oops", "yes", 31.8, 32.6, 48.0),
    ("static + PV-Kinetics", "yes", 32.0, 35.0, 52.8),
    ("static + PV-Kinetics (SAM masks)", "yes", 32.9, 34.4, 52.5),
)
_PROBE_TITLES = {
    "swapped": "J swapped",
    "no_text": "J no text",
    "other_noun": "J other noun",
}
_SHARE = f"{SHARE:.0%}"
Kinds = Mapping[str, Mapping[int, str]]


@dataclass(frozen=True)
class Table:
    """Cells as text; the first column names the rows."""

    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def text(self, *, markdown: bool = False) -> str:
        """Aligned columns, or Markdown."""
        rows = [[_cell(cell) for cell in row] for row in self.rows] if markdown else self.rows
        return text_table(self.header, rows, markdown=markdown)


def scores_table(scores: VngScores) -> Table:
    """The scores of the set in percent, and how much was scored."""
    count = len(scores.expressions)
    videos = len({one.video for one in scores.expressions})
    frames = sum(len(one.frames) for one in scores.expressions)
    means = map(_percent, (scores.j_mean, scores.f_mean))
    return Table(
        ["J&F", _SHARE, "J", "F", "expressions", "videos", "frames"],
        [
            [
                _percent(scores.j_and_f),
                _range(interval_of(scores)),
                *means,
                *map(str, (count, videos, frames)),
            ]
        ],
    )


def methods_table(results: Sequence[MethodResults], kinds: Kinds) -> Table:
    """A row a method: scores, those of things and stuff, and those of what was asked wrongly.

    Of J&F also the interval that other videos leave, and that of what the first method has more
    (`vng.evaluation.spread`).
    """
    names = sorted({kind for of_one in kinds.values() for kind in of_one.values()})
    probes = [probe for probe in PROBES if any(one.probe(probe) is not None for one in results)]
    asked_absent = any(one.presence_auc is not None for one in results)
    paired = [same for same in (True, False) if any(r.told_apart(same_word=same) for r in results)]
    several = [f"first has more, {_SHARE}"] * (len(results) > 1)
    header = ["method", "J&F", _SHARE, *several, "J", "F", *(f"J {kind}" for kind in names)]
    header += [_PROBE_TITLES[probe] for probe in probes]
    header += ["presence AUC"] * asked_absent
    header += [f"told apart, {'same word' if same else 'other word'}" for same in paired]
    rows = []
    for one in results:
        scores = one.scores
        row = [one.method, _percent(scores.j_and_f), _range(interval_of(scores))]
        row += [_range(_first_has_more(results[0], one))] * len(several)
        row += map(_percent, (scores.j_mean, scores.f_mean))
        of_kind = by_kind(scores, kinds)
        row += [_percent(of_kind[kind].j_mean) if kind in of_kind else "-" for kind in names]
        row += [_maybe(one.probe(probe)) for probe in probes]
        row += [_maybe(one.presence_auc)] * asked_absent
        for same in paired:
            apart = one.told_apart(same_word=same)
            row.append("-" if apart is None else f"{_percent(apart[0])} of {apart[1]}")
        rows.append(row)
    return Table(header, rows)


def paper_table() -> Table:
    """J&F of RF-VNG in the paper, in percent."""
    header = ["RF-VNG (paper, Tab. 10)", "UVO-FT", "OVIS-VNG", "OVIS-VNG fine-tuned", "UVO-VNG"]
    return Table(
        header, [[name, tuned, *map(str, values)] for name, tuned, *values in PAPER_RESULTS]
    )


def by_kind(scores: VngScores, kinds: Kinds) -> dict[str, VngScores]:
    """The scores of each kind of object, such as things."""
    groups: dict[str, list[ExpressionScores]] = {}
    for one in scores.expressions:
        kind = kinds.get(one.video, {}).get(one.object_id)
        if kind is not None:
            groups.setdefault(kind, []).append(one)
    return {kind: VngScores(tuple(group)) for kind, group in sorted(groups.items())}


def videos_table(scores: VngScores) -> Table:
    """A row a video, the worst first."""
    return _grouped("video", scores, lambda one: one.video)


def nouns_table(scores: VngScores) -> Table:
    """A row a noun, the worst first."""
    return _grouped("noun", scores, lambda one: one.noun.lower())


def expressions_table(scores: VngScores) -> Table:
    """A row an expression, the worst first."""
    rows = []
    for one in worst_first(scores):
        means = map(_percent, (one.j_and_f, one.j_mean, one.f_mean))
        rows.append([f"{one.video} {one.expression}: {one.noun}", *means, str(len(one.frames))])
    return Table(["expression", "J&F", "J", "F", "frames"], rows)


def worst_first(scores: VngScores) -> list[ExpressionScores]:
    """The expressions from the lowest J&F on."""
    return sorted(scores.expressions, key=lambda one: (one.j_and_f, one.video, one.expression))


def scores_page(scores: VngScores, summary: Table | None = None) -> str:
    """All tables in Markdown: the set, its videos, its nouns, its expressions, the worst first.

    Args:
        scores: of the first method.
        summary: of all methods; None where masks were scored.
    """
    parts = [] if summary is None else [summary.text(markdown=True)]
    parts += [
        scores_table(scores).text(markdown=True),
        "## Videos\n\n" + videos_table(scores).text(markdown=True),
        "## Nouns\n\n" + nouns_table(scores).text(markdown=True),
        "## Expressions\n\n" + expressions_table(scores).text(markdown=True),
    ]
    return "\n\n".join(parts)


def scores_record(scores: VngScores) -> dict[str, Any]:
    """The scores as results.json holds them: fractions; ``j`` and ``f`` are means over frames."""
    return {
        "j_mean": scores.j_mean,
        "f_mean": scores.f_mean,
        "j_and_f": scores.j_and_f,
        "j_and_f_interval": _ends(interval_of(scores)),
        "per_expression": [
            {
                "video": one.video,
                "expression": one.expression,
                "noun": one.noun,
                "object_id": one.object_id,
                "j": one.j_mean,
                "f": one.f_mean,
                "frames": list(one.frames),
                "j_by_frame": list(one.j),
                "f_by_frame": list(one.f),
            }
            for one in scores.expressions
        ],
    }


def methods_record(results: Sequence[MethodResults], kinds: Kinds) -> dict[str, Any]:
    """What results.json says of each method; fractions, null where nothing was asked."""
    return {one.method: _method_record(one, results[0], kinds) for one in results}


def _first_has_more(first: MethodResults, one: MethodResults) -> Interval | None:
    return None if one is first else interval_of_difference(first.scores, one.scores)


def _method_record(one: MethodResults, first: MethodResults, kinds: Kinds) -> dict[str, Any]:
    scores = one.scores
    found = [expression for video in one.videos for expression in video.expressions]
    best = best_presence(one.present, one.absent)
    return {
        "identity": one.identity,
        "j_mean": scores.j_mean,
        "f_mean": scores.f_mean,
        "j_and_f": scores.j_and_f,
        "j_and_f_interval": _ends(interval_of(scores)),
        "first_has_more_interval": _ends(_first_has_more(first, one)),
        "j_by_kind": {kind: of_one.j_mean for kind, of_one in by_kind(scores, kinds).items()},
        "j_of_probes": {probe: one.probe(probe) for probe in PROBES},
        "presence_auc": one.presence_auc,
        "presence_best": None if best is None else best.as_dict(),
        "told_apart": {
            name: None if apart is None else {"share": apart[0], "pairs": apart[1]}
            for name, apart in (
                ("same_word", one.told_apart(same_word=True)),
                ("other_word", one.told_apart(same_word=False)),
            )
        },
        "per_expression": [
            {
                "video": expression.scores.video,
                "expression": expression.scores.expression,
                "j": expression.scores.j_mean,
                "f": expression.scores.f_mean,
                "presence": expression.presence,
                "j_of_probes": dict(expression.probes),
            }
            for expression in found
        ],
    }


def _grouped(title: str, scores: VngScores, key: Callable[[ExpressionScores], str]) -> Table:
    groups: dict[str, list[ExpressionScores]] = {}
    for one in scores.expressions:
        groups.setdefault(key(one), []).append(one)
    means = {name: VngScores(tuple(group)) for name, group in groups.items()}
    rows = [
        [
            name,
            *map(_percent, (found.j_and_f, found.j_mean, found.f_mean)),
            str(len(found.expressions)),
        ]
        for name, found in sorted(means.items(), key=lambda item: (item[1].j_and_f, item[0]))
    ]
    return Table([title, "J&F", "J", "F", "expressions"], rows)


def _cell(text: str) -> str:
    """Text from data that breaks no table."""
    return " ".join(text.replace("|", "\\|").split())


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _maybe(value: float | None) -> str:
    return "-" if value is None else _percent(value)


def _range(interval: Interval | None) -> str:
    return "-" if interval is None else f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _ends(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]
