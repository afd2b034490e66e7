"""What a method did on a video as JSON, for runs that are taken up again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.masks import Rle
from vng.evaluation.expression_scores import ExpressionScores
from vng.evaluation.grounded_video import GroundedExpression, GroundedVideo, ToldApart


def video_to_json(found: GroundedVideo) -> dict[str, Any]:
    """As JSON values; floats keep every digit."""
    return {
        "expressions": [_expression_to_json(one) for one in found.expressions],
        "absent": list(found.absent),
        "pairs": [[pair.same_word, pair.right] for pair in found.pairs],
    }


def video_from_json(value: Mapping[str, Any]) -> GroundedVideo:
    """What `video_to_json` gave."""
    return GroundedVideo(
        expressions=tuple(_expression_from_json(one) for one in value["expressions"]),
        absent=tuple(value["absent"]),
        pairs=tuple(ToldApart(*pair) for pair in value["pairs"]),
    )


def _expression_to_json(found: GroundedExpression) -> dict[str, Any]:
    scores = found.scores
    return {
        "video": scores.video,
        "expression": scores.expression,
        "noun": scores.noun,
        "object_id": scores.object_id,
        "frames": list(scores.frames),
        "j": list(scores.j),
        "f": list(scores.f),
        "presence": found.presence,
        "probes": dict(found.probes),
        "pictures": {
            str(index): {"frame": mask.frame, **mask.rle} for index, mask in found.pictures.items()
        },
    }


def _expression_from_json(value: Mapping[str, Any]) -> GroundedExpression:
    object_id = value["object_id"]
    scores = ExpressionScores(
        video=value["video"],
        expression=value["expression"],
        noun=value["noun"],
        object_id=object_id,
        frames=tuple(value["frames"]),
        j=tuple(value["j"]),
        f=tuple(value["f"]),
    )
    pictures = {
        int(index): StoredMask.from_rle(
            object_id, mask["frame"], Rle(size=mask["size"], counts=mask["counts"])
        )
        for index, mask in value["pictures"].items()
    }
    return GroundedExpression(scores, value["presence"], value["probes"], pictures)
