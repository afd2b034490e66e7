"""Scores of a VNG set as tables and as results.json."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from pointvos.metrics.reports import text_table
from vng.evaluation.expression_scores import ExpressionScores, VngScores


def scores_table(scores: VngScores, *, markdown: bool = False) -> str:
    """The scores of the set in percent, and how much was scored."""
    count = len(scores.expressions)
    videos = len({one.video for one in scores.expressions})
    frames = sum(len(one.frames) for one in scores.expressions)
    return text_table(
        ["J&F", "J", "F", "expressions", "videos", "frames"],
        [
            [
                *map(_percent, (scores.j_and_f, scores.j_mean, scores.f_mean)),
                *map(str, (count, videos, frames)),
            ]
        ],
        markdown=markdown,
    )


def scores_page(scores: VngScores) -> str:
    """All tables in Markdown: the set, its videos, its nouns, its expressions, the worst first."""
    parts = [
        scores_table(scores, markdown=True),
        "## Videos\n\n" + _grouped("video", scores, lambda one: one.video),
        "## Nouns\n\n" + _grouped("noun", scores, lambda one: one.noun.lower()),
        "## Expressions\n\n" + _expressions(scores),
    ]
    return "\n\n".join(parts)


def scores_record(scores: VngScores) -> dict[str, Any]:
    """The scores as results.json holds them: fractions; ``j`` and ``f`` are means over frames."""
    return {
        "j_mean": scores.j_mean,
        "f_mean": scores.f_mean,
        "j_and_f": scores.j_and_f,
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


def _grouped(title: str, scores: VngScores, key: Callable[[ExpressionScores], str]) -> str:
    groups: dict[str, list[ExpressionScores]] = {}
    for one in scores.expressions:
        groups.setdefault(key(one), []).append(one)
    means = {name: VngScores(tuple(group)) for name, group in groups.items()}
    rows = [
        [
            _cell(name),
            *map(_percent, (found.j_and_f, found.j_mean, found.f_mean)),
            str(len(found.expressions)),
        ]
        for name, found in sorted(means.items(), key=lambda item: (item[1].j_and_f, item[0]))
    ]
    return text_table([title, "J&F", "J", "F", "expressions"], rows, markdown=True)


def _expressions(scores: VngScores) -> str:
    def rows() -> Iterable[list[str]]:
        for one in sorted(scores.expressions, key=lambda one: (one.j_and_f, one.video)):
            means = map(_percent, (one.j_and_f, one.j_mean, one.f_mean))
            yield [_cell(f"{one.video} {one.expression}: {one.noun}"), *means, str(len(one.frames))]

    return text_table(["expression", "J&F", "J", "F", "frames"], rows(), markdown=True)


def _cell(text: str) -> str:
    """Text from data that breaks no table."""
    return " ".join(text.replace("|", "\\|").split())


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"
