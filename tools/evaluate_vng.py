#!/usr/bin/env python3
"""Run a model on a Video Narrative Grounding set, or score a folder of predicted masks.

Every noun of a narrative is an expression, with a mask on each frame of its video; scores follow
the official rules. Give --model (with --baselines and --probe beside it) and --frames, or
--predictions. See docs/vng_evaluation.md.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pointvos.benchmark.stored_scores import PartialResults
from pointvos.core.atomic import write_json, write_text
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts, plain
from vng.evaluation.evaluate import MethodResults, evaluate, finished_videos
from vng.evaluation.expression_scores import VngScores
from vng.evaluation.hardest import Predicted, hardest, of_folder, of_method
from vng.evaluation.open_set import EvaluationSet, open_set
from vng.evaluation.presence import best_presence
from vng.evaluation.probes import PROBES, Probe
from vng.evaluation.report_page import report_page
from vng.evaluation.reports import (
    Table,
    by_kind,
    expressions_table,
    methods_record,
    methods_table,
    nouns_table,
    paper_table,
    scores_page,
    scores_record,
    scores_table,
    videos_table,
)
from vng.evaluation.score_set import score_results
from vng.inference.grounding import GroundingMethod
from vng.inference.methods import open_grounding
from vng.inference.rf_vng import GroundingSettings
from vng.inference.rf_vng_weights import calibrate


@dataclass(frozen=True, kw_only=True)
class EvaluateVngSettings:
    """What to evaluate on which set."""

    set: Path
    """folder of a VNG set (meta_expressions.json and a mask store masks/ or extra_masks.json); or
    png_coco_<split>.json of COCO-PNG; or meta_expressions*.json of referring expressions"""

    output: Path
    """folder for results.json, results.md and report.html"""

    predictions: Path | None = None
    """score these masks, <video>/<expression>/<frame>.png; whatever is not 0 is the object"""

    model: str | None = None
    """run this model: rf-vng-lite; a .safetensors file of weights; a .pth file of the official
    ReferFormer; random:<architecture> (untrained); hybrid, or FINDER+interactive-lite+
    stcn-lite-masks; sam3:FOLDER (weights in the layout of transformers); saliency, which ignores
    the text"""

    baselines: str = ""
    """more models for the same table, separated by commas"""

    frames: Path | None = None
    """folder of one folder of images or one video file a video; of COCO-PNG the COCO folder, which
    holds annotations/ and val2017/; with --predictions for pictures only"""

    original_masks: Path | None = None
    """annotation file of OVIS or UVO, for objects whose masks the set does not hold itself"""

    masks: Path | None = None
    """folder of true masks <video>/<frame>.png, for referring expressions"""

    probe: str = ""
    """score each noun with masks of something else too: swapped (a noun of another video), no_text
    (a word that names nothing), other_noun (another noun of its narrative), separated by commas"""

    calibrate: Path | None = None
    """with --probe swapped, write the weights of the model (a .safetensors file) here again, with
    the score that tells best whether a noun is there: tools/ground.py keeps no masks below it"""

    save_masks: bool = False
    """write the predicted masks of the model to OUTPUT/masks/<video>/<expression>/<frame>.png"""

    grounding: GroundingSettings = field(default_factory=lambda: GroundingSettings(presence=0.0))
    """how RF-VNG is run; by default as its architecture is meant, and with all masks, for frames
    without the object do not count"""

    text_encoder: str | None = None
    """folder or hub name of RF-VNG's text encoder, if it is not where the weights say"""

    download: bool = False
    """ask the model hub for a text encoder or SAM 3 that is not on disk"""

    device: str = "cpu"
    """of torch"""


def main(settings: EvaluateVngSettings) -> None:
    """Evaluate, write the results and print the table."""
    if (settings.model is None) == (settings.predictions is None):
        raise InputError(
            "expected --model or --predictions, found "
            + ("neither" if settings.model is None else "both")
        )
    if settings.output.exists() and not settings.output.is_dir():
        raise InputError(f"{settings.output}: expected a folder to write to, found a file")
    facts = RunFacts(settings)
    evaluated = open_set(
        settings.set,
        frames=settings.frames,
        masks=settings.masks,
        original_masks=settings.original_masks,
    )
    if settings.predictions is not None:
        _score_folder(settings, settings.predictions, evaluated, facts)
    else:
        _run_models(settings, evaluated, facts)


def _score_folder(
    settings: EvaluateVngSettings, predictions: Path, evaluated: EvaluationSet, facts: RunFacts
) -> None:
    scores = score_results(evaluated.narrated, predictions)
    summary = scores_table(scores)
    kinds = {kind: found.j_mean for kind, found in by_kind(scores, evaluated.kinds).items()}
    predicted = of_folder(evaluated, predictions)
    _write(settings, evaluated, scores, None, predicted, facts, {"j_by_kind": kinds})
    print(summary.text())


def _run_models(settings: EvaluateVngSettings, evaluated: EvaluationSet, facts: RunFacts) -> None:
    if evaluated.frames is None:
        raise InputError("expected --frames, the folder of the videos, with --model, found none")
    names = list(dict.fromkeys([str(settings.model), *_listed(settings.baselines)]))
    probes = _probes(settings.probe)
    if settings.calibrate is not None and "swapped" not in probes:
        raise InputError("--calibrate: expected --probe swapped with it, found none")
    methods = [
        open_grounding(
            name,
            settings.grounding,
            text_encoder=settings.text_encoder,
            device=settings.device,
            download=settings.download,
        )
        for name in names
    ]
    identity = _identity(settings, evaluated, methods, probes)
    partial = PartialResults(settings.output / "partial", identity)
    finished = finished_videos(evaluated, methods, partial)
    if finished:
        print(f"already there: {finished} results of a video")
    masks_folder = settings.output / "masks" if settings.save_masks else None
    results = evaluate(evaluated, methods, partial, probes=probes, masks_folder=masks_folder)
    table = methods_table(results, evaluated.kinds)
    more = {
        "methods": methods_record(results, evaluated.kinds),
        "results_taken_from_an_earlier_run": finished,
    }
    _write(settings, evaluated, results[0].scores, table, of_method(results[0]), facts, more)
    print(table.text())
    if settings.calibrate is not None:
        _calibrate(str(settings.model), results[0], settings.calibrate)
    partial.remove()


def _calibrate(model: str, results: MethodResults, target: Path) -> None:
    """Write weights again that say from which score on a noun is there."""
    best = best_presence(results.present, results.absent)
    assert best is not None, "nouns of other videos were asked for"
    calibrate(model, target, presence=best.threshold)
    print(
        f"{target}: nouns with a score below {best.threshold:.4f} are taken to be absent; here "
        f"these are {100 * best.recall:.1f} % of those that are, and "
        f"{100 * (1 - best.kept):.1f} % of the others"
    )


def _write(
    settings: EvaluateVngSettings,
    evaluated: EvaluationSet,
    scores: VngScores,
    methods: Table | None,
    predicted: Predicted,
    facts: RunFacts,
    more: dict[str, Any],
) -> None:
    """All result files, results.json last."""
    subject = settings.model or str(settings.predictions)
    title = f"{subject} on {settings.set.resolve().name}"
    write_text(settings.output / "results.md", f"# {title}\n\n{scores_page(scores, methods)}\n")
    tables = {"Scores": methods or scores_table(scores), "In the paper": paper_table()}
    tables |= {"Nouns": nouns_table(scores), "Videos": videos_table(scores)}
    tables |= {"Expressions": expressions_table(scores)}
    page = report_page(title, _note(scores), tables, hardest(evaluated, scores, predicted))
    write_text(settings.output / "report.html", page)
    record = {
        "frames": "sparse" if evaluated.narrated.sparse else "dense",
        "duplicate_annotations": evaluated.duplicates,
        **scores_record(scores),
        **more,
        **facts.as_dict(),
    }
    write_json(settings.output / "results.json", record)


def _note(scores: VngScores) -> str:
    videos = len({one.video for one in scores.expressions})
    frames = sum(len(one.frames) for one in scores.expressions)
    return (
        f"{len(scores.expressions)} expressions in {videos} videos, scored on {frames} annotated "
        "frames; all numbers in percent, J and F by the official VNG rules."
    )


def _identity(
    settings: EvaluateVngSettings,
    evaluated: EvaluationSet,
    methods: Sequence[GroundingMethod],
    probes: Sequence[Probe],
) -> dict[str, Any]:
    """What must be equal for unfinished results to be taken up."""
    asked = repr(
        [
            (v.name, v.frames, v.narratives, v.expressions)
            for v in evaluated.narrated.videos.values()
        ]
    )
    return {
        "set": str(settings.set.resolve()),
        "expressions": hashlib.sha256(asked.encode("utf-8", "surrogatepass")).hexdigest(),
        "frames": str(settings.frames and settings.frames.resolve()),
        "masks": str(settings.masks and settings.masks.resolve()),
        "original_masks": str(settings.original_masks and settings.original_masks.resolve()),
        "methods": [[method.name, method.identity] for method in methods],
        "probe": list(probes),
        "save_masks": settings.save_masks,
        "device": plain(settings.device),
    }


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _probes(text: str) -> tuple[Probe, ...]:
    wanted = _listed(text)
    for name in wanted:
        if name not in PROBES:
            raise InputError(f"probe: expected {', '.join(PROBES)}, found {name!r}")
    return tuple(probe for probe in PROBES if probe in wanted)


if __name__ == "__main__":
    run_tool(main, EvaluateVngSettings, __doc__)
