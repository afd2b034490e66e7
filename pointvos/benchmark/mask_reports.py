"""Masks from points in numbers: for results.json, and as tables."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from scipy.stats import spearmanr

from pointvos.benchmark.click_rounds import TARGETS, clicks_until
from pointvos.benchmark.mask_from_points import (
    ALONE,
    TOGETHER,
    PromptProtocol,
    Skipped,
)
from pointvos.benchmark.named_backends import NamedBackend
from pointvos.benchmark.reports import Spread
from pointvos.metrics.reports import text_table

SMALL = 0.01  # share of the image below which an object counts as small

Record = Mapping[str, Any]
"""Of one image, from `evaluate_image`."""

GROUPS: dict[str, Callable[[Record], bool]] = {
    "all objects": lambda _: True,
    "under 1 % of the image": lambda row: row["share"] < SMALL,
    "from 1 % of the image": lambda row: row["share"] >= SMALL,
}


def summary_record(
    backends: Sequence[NamedBackend],
    records: Sequence[Sequence[Record]],
    skipped: Sequence[Skipped],
    protocol: PromptProtocol,
) -> dict[str, Any]:
    """What results.json says; IoU in percent but for the lists of single objects."""
    return {
        "images": len(records[0]),
        "objects": sum(len(record["objects"]) for record in records[0]),
        "skipped": [{"image": one.image, "reason": one.reason} for one in skipped],
        "methods": {
            one.name: {
                "groups": {
                    name: _group(_rows(found, keep), protocol)
                    for name, keep in GROUPS.items()
                    if _rows(found, keep)
                },
                **_together_clicks(found, protocol),
                "seconds_per_call": _seconds_per_call(found),
                "weights_sha256": one.weights_sha256 or None,
                "per_image": list(found),
            }
            for one, found in zip(backends, records, strict=True)
        },
    }


def tables(summary: Mapping[str, Any], protocol: PromptProtocol, *, markdown: bool) -> list[str]:
    """The tables of a summary: a title, then the table, in turn."""
    methods = summary["methods"]
    parts = []
    groups = [name for name in GROUPS if any(name in one["groups"] for one in methods.values())]
    if len(groups) == 2:  # all objects are of one kind
        groups = groups[:1]
    for group in groups:
        found = {name: one["groups"][group] for name, one in methods.items()}
        count = next(iter(found.values()))["objects"]
        for mode in (ALONE, TOGETHER):
            if mode in next(iter(found.values())):
                how = "each by itself" if mode == ALONE else "all of an image in one call"
                parts += [
                    f"IoU in percent, {group} ({count}), {how}",
                    _iou_table(found, mode, protocol, markdown),
                ]
        if protocol.clicks is not None:
            parts += [
                f"Clicks to an IoU, at most {protocol.clicks.limit}, {group} ({count})",
                _click_table(found, markdown),
            ]
    if all("clicks_together" in one for one in methods.values()):
        found = {name: {"clicks": one["clicks_together"]} for name, one in methods.items()}
        parts += [
            "Clicks an object until all of an image have an IoU, clicked on together",
            _click_table(found, markdown, failed="images failed"),
        ]
    return parts


def iou_of(row: Record, setting: str, mode: str = ALONE) -> float:
    """IoU of one object in a setting, in [0, 1], the mean over the draws."""
    return statistics.fmean(iou for iou, _ in row[mode][setting])


def setting_title(setting: str) -> str:
    """How a setting of `PromptProtocol` is called in tables and pictures."""
    if not setting.isdecimal():  # with background points, or a trace
        return setting
    return f"{setting} point" + ("" if setting == "1" else "s")


def _rows(records: Sequence[Record], keep: Callable[[Record], bool]) -> list[Record]:
    return [row for record in records for row in record["objects"] if keep(row)]


def _group(rows: Sequence[Record], protocol: PromptProtocol) -> dict[str, Any]:
    """Means over objects."""
    found: dict[str, Any] = {"objects": len(rows)}
    for mode in (ALONE, TOGETHER) if protocol.together else (ALONE,):
        found[mode] = {
            setting: _spread_record(_over_draws(rows, mode, setting, protocol.draws))
            for setting in protocol.settings
        }
    found["score_rank_correlation"] = {
        setting: _rank_correlation(rows, setting) for setting in protocol.settings
    }
    if protocol.clicks is not None:
        limit = protocol.clicks.limit
        ious = [row["clicks"] for row in rows]
        found["clicks"] = {
            f"{target:.2f}": _click_counts(ious, target, limit) for target in TARGETS
        }
    return found


def _over_draws(rows: Sequence[Record], mode: str, setting: str, draws: int) -> Spread:
    return Spread(
        tuple(
            100 * statistics.fmean(row[mode][setting][draw][0] for row in rows)
            for draw in range(draws)
        )
    )


def _spread_record(spread: Spread) -> dict[str, Any]:
    return {"mean": spread.mean, "std": spread.std, "draws": list(spread.draws)}


def _rank_correlation(rows: Sequence[Record], setting: str) -> float | None:
    """Of the score with the IoU, over objects and draws; None where one of them never differs."""
    pairs = [pair for row in rows for pair in row[ALONE][setting]]
    ious, scores = zip(*pairs, strict=True)
    if len(set(ious)) < 2 or len(set(scores)) < 2:
        return None
    return float(spearmanr(ious, scores).statistic)


def _click_counts(ious: Sequence[Sequence[float]], target: float, limit: int) -> dict[str, float]:
    """The mean number of clicks, `limit` where they did not do, and the share of those."""
    reached = [clicks_until(one, target, limit) for one in ious]
    return {
        "mean": statistics.fmean(limit if one is None else one for one in reached),
        "failed": sum(one is None for one in reached) / len(reached),
    }


def _together_clicks(records: Sequence[Record], protocol: PromptProtocol) -> dict[str, Any]:
    """Clicks an object until all objects of an image are good, over the images."""
    with_objects = [record for record in records if "clicks_together" in record]
    if protocol.clicks is None or not with_objects:
        return {}
    limit = protocol.clicks.limit
    counts: dict[str, dict[str, float]] = {}
    for target in TARGETS:
        clicks, failed = [], 0
        for record in with_objects:
            objects = len(record["objects"])
            worst = [min(ious) for ious in record["clicks_together"]]
            needed = clicks_until(worst, target, len(worst))
            failed += needed is None
            clicks.append(limit if needed is None else (objects + needed - 1) / objects)
        counts[f"{target:.2f}"] = {
            "mean": statistics.fmean(clicks),
            "failed": failed / len(with_objects),
        }
    return {"clicks_together": counts}


def _seconds_per_call(records: Sequence[Record]) -> float:
    calls = sum(record["calls"] for record in records)
    return float(sum(record["seconds"] for record in records) / max(1, calls))


def _iou_table(
    found: Mapping[str, Record], mode: str, protocol: PromptProtocol, markdown: bool
) -> str:
    header = ["method", *(setting_title(setting) for setting in protocol.settings)]
    rows = [
        [name, *(str(Spread(tuple(cell["draws"]))) for cell in group[mode].values())]
        for name, group in found.items()
    ]
    return text_table(header, rows, markdown=markdown)


def _click_table(found: Mapping[str, Record], markdown: bool, failed: str = "failed") -> str:
    rows = [
        [name, *(cell for target in TARGETS for cell in _clicks(group["clicks"][f"{target:.2f}"]))]
        for name, group in found.items()
    ]
    columns = [
        title
        for target in TARGETS
        for title in (f"clicks to {100 * target:.0f} %", f"{failed} at {100 * target:.0f} %")
    ]
    return text_table(["method", *columns], rows, markdown=markdown)


def _clicks(counts: Mapping[str, float]) -> list[str]:
    return [f"{counts['mean']:.2f}", f"{100 * counts['failed']:.0f} %"]
