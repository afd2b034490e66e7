#!/usr/bin/env python3
"""Run a model over the 1/2/5/10-point protocol, or score a folder of predicted masks.

Give --model (with --baselines and --probe beside it) or --predictions. See docs/evaluation.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from pointvos.benchmark.any_method import open_any_method
from pointvos.benchmark.contact_sheet import worst_sequences
from pointvos.benchmark.evaluation import (
    Evaluation,
    MethodScores,
    evaluate,
    finished_sequences,
)
from pointvos.benchmark.methods import Method
from pointvos.benchmark.predictions import score_predictions
from pointvos.benchmark.probes import PROBES, Probe
from pointvos.benchmark.protocol import BenchmarkProtocol, points_from_file, scoring_rules
from pointvos.benchmark.reports import by_sequence, report
from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.atomic import atomic_path, write_json, write_text
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts, plain
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.open_dataset import open_dataset
from pointvos.formats.video_list import read_name_list
from pointvos.inference.models import PropagationSettings
from pointvos.metrics.reports import davis_csv, davis_csv_names, scores_record, scores_table
from pointvos.metrics.rules import ScoringRules
from pointvos.metrics.summary import BenchmarkScores, summarise


@dataclass(frozen=True, kw_only=True)
class EvaluateSettings:
    """What to evaluate on which data."""

    dataset: str
    """layout of the folder: davis or youtube_vos"""

    root: Path
    """folder of the dataset"""

    output: Path
    """folder for results.json, results.md and, for DAVIS, the official CSV pair"""

    split: str = "val"
    """which videos; for DAVIS, "2016/val" says the year too (otherwise 2017 comes first)"""

    videos: Path | None = None
    """a text file, one name a line: these videos only"""

    predictions: Path | None = None
    """score these masks, <sequence>/<frame>.png"""

    model: str | None = None
    """run this model: stcn-lite, stcn-lite-points, a file of weights, random:stcn_lite (untrained),
    or a baseline: hull, nearest_colour, nearest_feature; interactive-lite+stcn-lite-masks makes
    masks from the points first, with any backend of make_pseudo_masks.py, and starts there"""

    baselines: str = ""
    """more models or baselines for the same table and points, separated by commas"""

    rules: str = "auto"
    """how to score: auto (the rules of the dataset; ids may have gaps), davis, davis_2016 (one
    foreground, also from 0/255 images), davis_with_id_gaps, davis_unsupervised, youtube_vos,
    pv_oops, vng"""

    init: Literal["points", "mask"] = "points"
    """start objects from points, or from their true masks as a reference"""

    points: Path | None = None
    """a file of initial points; by default they are drawn from the masks"""

    point_counts: str = "1,2,5,10"
    """numbers of points an object is started with, ascending, separated by commas"""

    draws: int = 1
    """how many times points are drawn; more give a mean and a spread"""

    seed: int = 0
    """of the first draw; the next takes seed + 1"""

    probe: str = ""
    """follow each object from wrong points too: swapped (another object's), background (random),
    missing (one far background point), separated by commas"""

    save_masks: bool = False
    """write the predicted masks of the first draw to OUTPUT/masks/<points>/<sequence>/, and a
    picture of the worst sequences to OUTPUT/worst_<points>.jpg"""

    propagation: PropagationSettings = field(default_factory=PropagationSettings)
    """how models are run; by default as each was tuned"""

    device: str = "cpu"
    """of torch"""


def main(settings: EvaluateSettings) -> None:
    """Evaluate, write the results and print the table."""
    if (settings.model is None) == (settings.predictions is None):
        raise InputError(
            "expected --model or --predictions, found "
            + ("neither" if settings.model is None else "both")
        )
    if settings.output.exists() and not settings.output.is_dir():
        raise InputError(f"{settings.output}: expected a folder to write to, found a file")
    facts = RunFacts(settings)
    if settings.predictions is not None:
        _score_folder(settings, settings.predictions, facts)
    else:
        _run_models(settings, facts)


def _score_folder(settings: EvaluateSettings, predictions: Path, facts: RunFacts) -> None:
    videos = _open(settings, masks_only=True)
    rules = scoring_rules(settings.rules, settings.dataset)
    found = score_predictions(videos, predictions, rules)
    scores = summarise(found.sequences, rules.averaging)
    record = {
        **scores_record(scores),
        "ignored_predictions": {
            "frames_without_ground_truth": found.extra_frames,
            "sequences_outside_the_split": found.extra_sequences,
        },
    }
    _write(settings, rules, scores, scores_table(scores, markdown=True), record, facts)
    print(scores_table(scores))
    if found.extra_frames or found.extra_sequences:
        print(
            f"ignored: {found.extra_frames} frames without ground truth, "
            f"{found.extra_sequences} sequences outside the split"
        )


def _run_models(settings: EvaluateSettings, facts: RunFacts) -> None:
    videos = _open(settings)
    names = list(dict.fromkeys([str(settings.model), *_listed(settings.baselines)]))
    protocol = BenchmarkProtocol(
        init=settings.init,
        point_counts=_counts(settings.point_counts),
        draws=settings.draws,
        seed=settings.seed,
    )
    if settings.points is not None and (settings.draws > 1 or settings.init == "mask"):
        raise InputError(
            f"{settings.points}: expected --draws 1 and --init points with a file of points"
        )
    evaluation = Evaluation(
        videos=videos,
        protocol=protocol,
        rules=scoring_rules(settings.rules, settings.dataset),
        points={} if settings.points is None else points_from_file(settings.points, videos),
        probes=_probes(settings.probe),
    )
    methods = [
        open_any_method(name, settings.propagation, device=settings.device) for name in names
    ]
    partial = PartialResults(settings.output / "partial", _identity(settings, evaluation, methods))
    finished = finished_sequences(evaluation, methods, partial)
    if finished:
        print(f"already there: {finished} of {len(methods) * len(videos)} results of a sequence")
    found = evaluate(
        evaluation,
        methods,
        partial,
        masks_folder=settings.output / "masks" if settings.save_masks else None,
    )
    result = report(found, evaluation.rules.averaging)
    record = {**result.record, "results_taken_from_an_earlier_run": finished}
    if settings.save_masks:
        _write_pictures(settings.output, videos, found[0])
    _write(settings, evaluation.rules, result.scores, result.page, record, facts)
    print(result.summary)
    partial.remove()


def _write_pictures(output: Path, videos: Sequence[MaskedVideo], scores: MethodScores) -> None:
    first_draw = replace(
        scores, runs={run: found for run, found in scores.runs.items() if run.draw == 0}
    )
    by_setting: dict[str, dict[str, float]] = {}
    for sequence, row in by_sequence(first_draw).items():
        for setting, value in row.items():
            by_setting.setdefault(setting, {})[sequence] = value
    for setting, values in by_setting.items():
        picture = worst_sequences(videos, output / "masks" / setting, values)
        with atomic_path(output / f"worst_{setting}.jpg") as temporary:
            Image.fromarray(picture).save(temporary, format="JPEG", quality=90)


def _write(
    settings: EvaluateSettings,
    rules: ScoringRules,
    scores: BenchmarkScores,
    page: str,
    record: dict[str, Any],
    facts: RunFacts,
) -> None:
    """All result files, results.json last."""
    if settings.dataset == "davis":
        names, texts = davis_csv_names(Path(settings.split).name), davis_csv(scores)
        for name, csv_text in zip(names, texts, strict=True):
            write_text(settings.output / name, csv_text)
    subject = settings.model or f"{settings.predictions}"
    title = f"# {subject} on {settings.root.name} {settings.split}"
    write_text(settings.output / "results.md", f"{title}\n\n{page}\n")
    about = {"dataset": settings.dataset, "split": settings.split, "rules": plain(rules)}
    write_json(settings.output / "results.json", {**about, **record, **facts.as_dict()})


def _open(settings: EvaluateSettings, *, masks_only: bool = False) -> list[MaskedVideo]:
    names = None if settings.videos is None else read_name_list(settings.videos)
    return open_dataset(
        settings.dataset, settings.root, settings.split, videos=names, masks_only=masks_only
    )


def _identity(
    settings: EvaluateSettings, evaluation: Evaluation, methods: Sequence[Method]
) -> dict[str, Any]:
    """What must be equal for unfinished results to be taken up."""
    points = settings.points
    return {
        "dataset": settings.dataset,
        "root": str(settings.root.resolve()),
        "videos": [video.name for video in evaluation.videos],
        "protocol": plain(evaluation.protocol),
        "rules": plain(evaluation.rules),
        "probe": list(evaluation.probes),
        "points": None if points is None else hashlib.sha256(points.read_bytes()).hexdigest(),
        "methods": [[method.name, method.weights_sha256] for method in methods],
        "propagation": plain(settings.propagation),
        "save_masks": settings.save_masks,
    }


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _counts(text: str) -> tuple[int, ...]:
    parts = _listed(text)
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"point_counts: expected numbers such as 1,2,5,10, found {text!r}")
    return tuple(int(part) for part in parts)


def _probes(text: str) -> tuple[Probe, ...]:
    wanted = _listed(text)
    for name in wanted:
        if name not in PROBES:
            raise InputError(f"probe: expected {', '.join(PROBES)}, found {name!r}")
    return tuple(probe for probe in PROBES if probe in wanted)


if __name__ == "__main__":
    run_tool(main, EvaluateSettings, __doc__)
