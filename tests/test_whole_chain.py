"""The whole chain through the tools, on toy videos: points, pseudo-masks, VNG set, RF-VNG, masks.

Each step reads what the step before wrote, and is held against the truth that the toy videos were
drawn from. docs/reproduce.md shows the same chain by its commands.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from examples import make_toy_videos
from examples.make_toy_videos import ToySettings, ToyVideo, draw_video
from pointvos.core.command_line import run_tool
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.masks import read_index_png
from pointvos.formats.point_vos_files import read_records
from pointvos.metrics.frame_scores import region_similarity
from tools import (
    build_point_sets,
    build_vng_sets,
    evaluate_vng,
    ground,
    make_pseudo_masks,
    train_vng,
)
from vng.convert.settings import VngSetSettings
from vng.data.vng_set import VngSet
from vng.training.settings import VngSettings

pytestmark = pytest.mark.slow

CONFIG = Path(__file__).resolve().parents[1] / "configs" / "vng" / "toy.yaml"
TOY = {"train": 12, "val": 2, "frames": 6}
ANNOTATED = 2  # frames of each training video
STEPS = 60
SIDE = 144  # of frames inside the network


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("chain") / "toy"
    counts = [word for name, count in TOY.items() for word in (f"--{name}", str(count))]
    run_tool(make_toy_videos.main, ToySettings, "", ["--output", str(folder), *counts])
    return folder


@pytest.fixture(scope="module")
def drawn() -> dict[str, ToyVideo]:
    """The truth of the training videos."""
    names = [f"toy{number:02d}" for number in range(TOY["train"])]
    return {name: draw_video(name, 0, TOY["frames"]) for name in names}


def call(tool: Any, settings: type[Any], *words: str | Path) -> None:
    run_tool(tool.main, settings, "", [str(word) for word in words])


@pytest.fixture(scope="module")
def points(toy: Path) -> Path:
    path = toy / "points.json"
    call(
        build_point_sets,
        build_point_sets.BuildSettings,
        *("--dataset", "youtube_vos", "--root", toy, "--output", path),
        *("--frames", str(ANNOTATED), "--min_distance", "8"),
    )
    return path


@pytest.fixture(scope="module")
def pseudo_masks(toy: Path, points: Path) -> Path:
    call(
        make_pseudo_masks,
        make_pseudo_masks.PseudoMaskSettings,
        *("--points", points, "--frames", toy / "train" / "JPEGImages"),
        *("--backend", "interactive-lite", "--output", toy / "pseudo_masks"),
    )
    return toy / "pseudo_masks"


@pytest.fixture(scope="module")
def vng_train(toy: Path, points: Path, pseudo_masks: Path) -> Path:
    call(
        build_vng_sets,
        VngSetSettings,
        *("--points", points, "--narratives", toy / "vidln.jsonl"),
        *("--frames", toy / "train" / "JPEGImages", "--masks", pseudo_masks / "masks"),
        *("--points_verified", "no", "--output", toy / "vng_train"),
    )
    return toy / "vng_train"


@pytest.fixture(scope="module")
def weights(toy: Path, vng_train: Path) -> Path:
    config = toy / "toy.yaml"
    config.write_text(CONFIG.read_text().replace("runs/toy/", f"{toy}/"))
    call(train_vng, VngSettings, "--config", config, "--iterations", str(STEPS))
    return toy / "run" / "weights.safetensors"


def test_points_lie_on_their_objects(points: Path, drawn: dict[str, ToyVideo]) -> None:
    records = list(read_records(points).values())
    assert len(records) == sum(len(video.things) for video in drawn.values())
    for record in records:
        video = drawn[str(record.video_name)]
        assert record.object_id is not None
        assert record.object_name == video.things[record.object_id - 1].kind
        assert len(record.frame_ids) == ANNOTATED
        for frame in record.frame_ids:
            of_frame = record.points(frame)
            assert len(of_frame.foreground) >= 5
            for positions, wanted in (
                (of_frame.foreground, {record.object_id}),
                (of_frame.background, {0}),
            ):
                x, y = np.floor(positions.xy).astype(int).T
                assert set(video.masks[int(frame)][y, x].tolist()) == wanted


def test_pseudo_masks_agree_with_the_true_ones(
    pseudo_masks: Path, drawn: dict[str, ToyVideo]
) -> None:
    scores = [
        region_similarity(mask.decode(), _truth(drawn[video.name], mask))
        for video in MaskStore.open(pseudo_masks / "masks").iterate()
        for mask in video.masks
    ]
    assert len(scores) == ANNOTATED * sum(len(video.things) for video in drawn.values())
    assert np.mean(scores) > 0.85
    assert min(scores) > 0.5


def test_every_noun_got_its_object(vng_train: Path, drawn: dict[str, ToyVideo]) -> None:
    """Also where two things of one kind are in a video, which the mouse traces tell apart."""
    made = VngSet.open(vng_train)
    assert set(made.videos) == set(drawn)
    rules = []
    for name, video in drawn.items():
        narrated = made.videos[name]
        assert [one.description for one in narrated.narratives] == [video.caption]
        by_start = sorted(narrated.expressions, key=lambda one: one.start)
        assert [(one.start, one.end) for one in by_start] == video.spans
        rules += [one.other["link_rule"] for one in by_start]
        for number, expression in enumerate(by_start, 1):
            masks = made.masks(narrated, expression.obj_id)
            for frame, mask in enumerate(masks):
                if mask is not None:
                    assert region_similarity(mask.decode(), video.masks[frame] == number) > 0.5
            assert sum(mask is not None for mask in masks) == ANNOTATED
    assert set(rules) == {"TEXT", "TEXT_BY_TRACE"}


def test_the_loss_falls(toy: Path, weights: Path) -> None:
    assert weights.is_file()
    log = [json.loads(line) for line in (toy / "run" / "log.jsonl").read_text().splitlines()]
    assert log[-1]["iteration"] == STEPS
    assert log[-1]["dice"] < 0.5 * log[0]["dice"]
    assert log[-1]["ce"] < log[0]["ce"]


def test_the_trained_network_beats_the_untrained_one(toy: Path, weights: Path) -> None:
    """It has seen none of these videos; their nouns it must tell apart."""
    call(
        evaluate_vng,
        evaluate_vng.EvaluateVngSettings,
        *("--set", toy / "val", "--frames", toy / "val" / "JPEGImages", "--model", weights),
        *("--baselines", "random:rf_vng_lite", "--probe", "other_noun"),
        *("--grounding.short_side", str(SIDE), "--output", toy / "scores"),
    )
    results = json.loads((toy / "scores" / "results.json").read_text())
    assert len(results["per_expression"]) == 3 * TOY["val"]
    trained, untrained = (results["methods"][name] for name in (str(weights), "random:rf_vng_lite"))
    assert trained["j_and_f"] == results["j_and_f"]
    assert trained["j_and_f"] > 0.5 > 0.25 > untrained["j_and_f"]
    assert trained["j_of_probes"]["other_noun"] < 0.25


@pytest.fixture
def new(toy: Path) -> ToyVideo:
    video = draw_video("new", 0, 2 * TOY["frames"])
    assert (toy / "caption.txt").read_text().strip() == video.caption
    return video


# Least mean J of the nouns: the hybrid sharpens what a minute of training finds.
@pytest.mark.parametrize(
    ("beside", "floor"), [("", 0.35), ("+interactive-lite+stcn-lite-masks", 0.6)]
)
def test_nouns_are_grounded_in_a_new_video(
    toy: Path, weights: Path, new: ToyVideo, beside: str, floor: float
) -> None:
    output = toy / f"grounded{beside}"
    call(
        ground,
        ground.GroundSettings,
        *("--video", toy / "new.mp4", "--caption", new.caption),
        *("--method", f"{weights}{beside}", "--resolution", str(SIDE), "--output", output),
    )
    results = json.loads((output / "results.json").read_text())
    assert [one["noun"] for one in results["nouns"]] == [thing.kind for thing in new.things]
    assert len(results["frames"]) == len(new.frames)
    found = []
    for number, one in enumerate(results["nouns"], 1):
        pictures = sorted((output / one["masks"]).iterdir())
        masks = [read_index_png(path) == one["number"] for path in pictures]
        truth = [mask == number for mask in new.masks]
        found.append(np.mean([region_similarity(*pair) for pair in zip(masks, truth, strict=True)]))
    assert np.mean(found) > floor
    page = (output / "index.html").read_text()
    assert all(thing.kind in page for thing in new.things)
    assert (output / "overlay.mp4").stat().st_size > 1000


def _truth(video: ToyVideo, mask: StoredMask) -> NDArray[np.bool_]:
    """The true mask of an object that is called ``<video>/<object id>``."""
    number = int(mask.object_id.rpartition("/")[2])
    return np.asarray(video.masks[int(mask.frame)] == number, bool)
