#!/usr/bin/env python3
"""Score predicted masks on a Video Narrative Grounding set, by the official rules.

Every noun of a narrative is an expression, with a mask on each frame of its video. See
docs/vng_evaluation.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pointvos.core.atomic import write_json, write_text
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.run_facts import RunFacts
from vng.data.vng_set import VngSet
from vng.evaluation.reports import scores_page, scores_record, scores_table
from vng.evaluation.score_set import score_results


@dataclass(frozen=True, kw_only=True)
class EvaluateVngSettings:
    """What to score on which set."""

    set: Path
    """folder of the set: meta_expressions.json and a mask store masks/ or extra_masks.json"""

    predictions: Path
    """masks to score, <video>/<expression>/<frame>.png; whatever is not 0 is the object"""

    output: Path
    """folder for results.json and results.md"""

    original_masks: Path | None = None
    """annotation file of OVIS or UVO, for objects whose masks the set does not hold itself"""


def main(settings: EvaluateVngSettings) -> None:
    """Score, write the results and print the table."""
    if settings.output.exists() and not settings.output.is_dir():
        raise InputError(f"{settings.output}: expected a folder to write to, found a file")
    facts = RunFacts(settings)
    vng_set = VngSet.open(settings.set, original_masks=settings.original_masks)
    scores = score_results(vng_set, settings.predictions)
    title = f"# {settings.predictions} on {settings.set.resolve().name}"
    write_text(settings.output / "results.md", f"{title}\n\n{scores_page(scores)}\n")
    record = {
        "frames": "sparse" if vng_set.sparse else "dense",
        "duplicate_annotations": {
            str(file.path): [str(one) for one in file.duplicates] for file in vng_set.files
        },
        **scores_record(scores),
        **facts.as_dict(),
    }
    write_json(settings.output / "results.json", record)
    print(scores_table(scores))


if __name__ == "__main__":
    run_tool(main, EvaluateVngSettings, __doc__)
