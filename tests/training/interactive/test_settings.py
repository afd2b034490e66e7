"""Interactive runs that cannot go well are refused before anything heavy starts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pointvos.core.command_line import parse_settings
from pointvos.core.errors import InputError
from pointvos.datasets.augment import AugmentSettings
from pointvos.datasets.clips import ClipSettings
from pointvos.simulation.interactions import PromptSettings
from pointvos.training.interactive.settings import (
    InteractiveLossSettings,
    InteractiveSettings,
    RoundSettings,
)
from pointvos.training.settings import DataSource

STATIC = DataSource(kind="static", root=Path("ecssd"))


def run(**changes: Any) -> InteractiveSettings:
    return replace(
        InteractiveSettings(output=Path("out"), data=[STATIC], iterations=5, batch_size=2),
        **changes,
    )


def test_defaults_are_dynamites() -> None:
    losses = run().losses
    assert (losses.cross_entropy, losses.dice, losses.points) == (5, 5, 12_544)
    assert (losses.oversample, losses.importance, losses.auxiliary) == (3, 0.75, 1)
    assert run().rounds.counts == (0, 1, 2, 3)
    assert run().clips.reference == "mask"
    assert run().clips.length == 1


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"iterations": 0}, "iterations: expected at least 1, found 0"),
        ({"data": []}, "data: expected at least one data set, found none"),
        ({"seed": -1}, "expected seed and workers >= 0, found -1"),
        ({"clips": ClipSettings()}, "clips: expected reference mask and length 1, found points"),
        ({"clips": ClipSettings(reference="mask")}, "found mask and 3"),
        (
            {"data": [DataSource(kind="pv_oops", root=Path("pv"))]},
            "data: expected masks, found points for pv",
        ),
        (
            {"model": "interactive_full", "trunk_weights": Path("w")},
            "trunk_weights: expected interactive_lite, found interactive_full",
        ),
        (
            {"clips": ClipSettings(reference="mask", length=1, static=AugmentSettings(crop=100))},
            "crop: expected a multiple of 32, found 100",
        ),
        (
            {"clips": ClipSettings(reference="mask", length=1, static=AugmentSettings(crop=64))},
            "clips: expected one crop size for videos and static images, found 384 and 64",
        ),
    ],
)
def test_refused_runs(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(**changes)


@pytest.mark.parametrize(
    ("kind", "changes", "message"),
    [
        (RoundSettings, {"counts": ()}, r"rounds.counts: expected numbers >= 0, found \(\)"),
        (RoundSettings, {"counts": (0, -1)}, "rounds.counts: expected numbers >= 0"),
        (RoundSettings, {"coarse": 1.5}, "rounds.coarse: expected a probability, found 1.5"),
        (RoundSettings, {"coarse_scale": (0.9, 0.5)}, "coarse_scale: .* found 0.9, 0.5"),
        (InteractiveLossSettings, {"dice": -1.0}, "losses: expected weights >= 0, .* dice -1.0"),
        (InteractiveLossSettings, {"points": 0}, "losses: expected points and oversample >= 1"),
        (PromptSettings, {"point_counts": (0,)}, r"prompts.point_counts: .* found \(0,\)"),
        (PromptSettings, {"trace": -0.1}, "prompts.trace: expected a probability, found -0.1"),
        (PromptSettings, {"point_distance": -1.0}, "prompts.point_distance: .* found -1.0"),
        (InteractiveLossSettings, {"importance": 2.0}, "losses.importance: expected between 0"),
    ],
)
def test_refused_parts(kind: type, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        kind(**changes)


def test_values_of_the_command_line_leave_the_other_defaults() -> None:
    found = parse_settings(
        InteractiveSettings,
        [
            "--output=out",
            "--data=[{kind: static, root: ecssd}]",
            "--iterations=3",
            "--batch_size=1",
            "--clips.paste=0.5",
            "--losses.points=null",
        ],
    )
    assert found.clips.paste == 0.5
    assert found.clips.reference == "mask"
    assert found.losses.points is None
    assert found.losses.dice == 5
