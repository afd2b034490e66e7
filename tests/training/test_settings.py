"""Runs that cannot go well are refused before anything heavy starts."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pointvos.core.command_line import parse_settings
from pointvos.core.errors import InputError
from pointvos.datasets.clips import ClipSettings
from pointvos.training.settings import DataSource, OptimizerSettings, TrainSettings
from pointvos.training.steps import LossSettings, Regime

STATIC = DataSource(kind="static", root=Path("ecssd"))
POINTS = DataSource(kind="davis", root=Path("davis"), points=Path("points.json"))
RELEASE = DataSource(kind="pv_oops", root=Path("pv"))


def run(regime: Regime, reference: Any, *data: DataSource, **changes: Any) -> TrainSettings:
    return TrainSettings(
        output=Path("out"),
        data=list(data),
        regime=regime,
        clips=ClipSettings(reference=reference),
        **changes,
    )


@pytest.mark.parametrize(
    ("regime", "reference", "source"),
    [
        ("points", "points", POINTS),
        ("points", "points", RELEASE),
        ("masks", "mask", STATIC),
        ("pseudo_masks", "mask", STATIC),
        ("hybrid", "drawn_points", STATIC),
        ("hybrid", "points", POINTS),
    ],
)
def test_what_goes_together(regime: Regime, reference: str, source: DataSource) -> None:
    assert run(regime, reference, source).regime == regime


@pytest.mark.parametrize(
    ("regime", "reference", "source", "message"),
    [
        ("points", "mask", POINTS, "clips.reference: expected points in the points regime, found"),
        ("masks", "points", STATIC, "clips.reference: expected mask in the masks regime"),
        ("hybrid", "mask", STATIC, "clips.reference: expected drawn_points or points"),
        ("points", "points", STATIC, "expected a points file for ecssd in the points regime"),
        ("hybrid", "points", STATIC, "expected a points file for ecssd in the hybrid regime"),
        ("hybrid", "drawn_points", POINTS, "expected no points file for davis .*found points.json"),
        ("masks", "mask", POINTS, "expected no points file for davis"),
        ("masks", "mask", RELEASE, "expected masks in the masks regime, found pv_oops"),
        ("hybrid", "points", RELEASE, "expected masks in the hybrid regime, found pv_oops"),
    ],
)
def test_what_does_not(regime: Regime, reference: str, source: DataSource, message: str) -> None:
    with pytest.raises(InputError, match=message):
        run(regime, reference, source)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"iterations": 0}, "iterations: expected at least 1, found 0"),
        ({"batch_size": 0}, "batch_size"),
        ({"accumulation": -1}, "accumulation"),
        ({"data": []}, "data: expected at least one data set, found none"),
        ({"seed": -1}, "expected seed and workers >= 0, found -1 and 2"),
    ],
)
def test_numbers_out_of_range(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(run("masks", "mask", STATIC), **change)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "yt"}, "expected a kind davis, youtube_vos, static, coco_panoptic, mask_store, "),
        ({"kind": "davis", "repeats": 0}, "expected repeats >= 1"),
        ({"kind": "pv_oops", "points": Path("p")}, "expected no points file for pv_oops"),
        ({"kind": "davis", "subset": Path("s")}, "expected a subset with pv_oops or pv_kinetics"),
    ],
)
def test_data_sets_that_cannot_be_opened(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        DataSource(root=Path("r"), **arguments)


def test_crops_must_fit_the_network_and_each_other() -> None:
    whole, clips = run("masks", "mask", STATIC), ClipSettings(reference="mask")
    odd = replace(clips, video=replace(clips.video, crop=100))
    with pytest.raises(InputError, match="crop: expected a multiple of 32, found 100"):
        replace(whole, clips=odd)
    two = replace(clips, static=replace(clips.static, crop=64))
    with pytest.raises(InputError, match=r"expected one crop size .* found 384 and 64"):
        replace(whole, clips=two)


def test_clips_of_the_reference_alone() -> None:
    clips = ClipSettings(reference="drawn_points", length=1)
    lite = run("hybrid", "drawn_points", STATIC, model="stcn_lite")
    assert replace(lite, clips=clips).clips.length == 1
    with pytest.raises(InputError, match=r"clips.length: expected targets, found 1 frame a clip"):
        replace(lite, clips=clips, model="stcn_resnet50")
    with pytest.raises(InputError, match=r"clips.length: expected targets"):
        replace(lite, regime="masks", clips=replace(clips, reference="mask"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate > 0"),
        ({"warmup": -1}, "warmup >= 0"),
        ({"ema": 1.0}, "optimizer.ema: expected between 0 and 1, found 1.0"),
        ({"clip_norm": 0.0}, "optimizer.clip_norm: expected above 0"),
    ],
)
def test_optimizers_that_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        OptimizerSettings(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bootstrap_start": 5, "bootstrap_end": 5}, "bootstrap_start < bootstrap_end, found 5"),
        ({"bootstrap_fraction": 0.0}, "bootstrap_fraction: expected above 0"),
        ({"huber_tau": 1.0}, "huber_tau: expected above 1, found 1.0"),
        ({"dice": -1.0}, "expected weights >= 0"),
        ({"color_affinity": -0.5}, "expected weights >= 0, found dice 0.0, color_affinity -0.5"),
    ],
)
def test_losses_that_cannot_be_meant(change: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        LossSettings(**change)


def test_a_few_values_of_the_static_augmentation_leave_its_other_defaults() -> None:
    flags = ["--output", "o", "--clips.static.crop", "64", "--clips.video.crop", "64"]
    data = ["--data", "[{kind: static, root: r, points: p}]"]
    settings = parse_settings(TrainSettings, [*flags, *data])
    assert settings.clips.static == replace(ClipSettings().static, crop=64)
    assert settings.clips.static.rotation == 20.0
    assert settings.clips.video.rotation == 15.0
