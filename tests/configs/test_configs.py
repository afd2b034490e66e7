"""Every file under configs/ is a run that its training tool accepts."""

from pathlib import Path

import pytest

from pointvos.core.command_line import parse_settings
from pointvos.training.interactive.settings import InteractiveSettings
from pointvos.training.settings import RunSettings, TrainSettings
from vng.training.settings import VngSettings

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))
# Folder -> the settings of the tool that reads its files.
SETTINGS: dict[str, type[RunSettings]] = {
    "interactive": InteractiveSettings,
    "paper": TrainSettings,
    "stcn_lite": TrainSettings,
    "vng": VngSettings,
}

# Iterations, milestone, and how often each data set stands in the mixture (REFERENCE B.2 and C).
PAPER = {
    "static_pretraining": (300_000, 150_000, [1, 1, 1, 1, 5, 5]),
    "point_stcn_pv_davis_yt": (38_000, 30_000, [5, 1]),
    "point_stcn_pv_oops": (60_000, 50_000, [1]),
    "point_stcn_pv_kinetics": (190_000, 150_000, [1]),
    "point_stcn_pv_oops_kinetics": (190_000, 150_000, [5, 1]),
    "stcn_pseudo_masks_pv_davis_yt": (38_000, 30_000, [5, 1]),
    "hybrid_stcn_davis_yt": (38_000, 30_000, [5, 1]),
    "stcn_masks_davis_yt": (150_000, 125_000, [5, 1]),
}


WEIGHTS = "weights.safetensors"


def load(path: Path) -> RunSettings:
    settings_type = SETTINGS[path.relative_to(CONFIGS).parts[0]]
    return parse_settings(settings_type, ["--config", str(path)])


def test_there_are_files_to_check() -> None:
    assert len(FILES) >= len(PAPER) + 2
    assert not list(CONFIGS.rglob("*.yml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CONFIGS)))
def test_a_file_is_a_whole_run(path: Path) -> None:
    settings = load(path)
    assert settings.optimizer.schedule == "cosine" or (
        max(settings.optimizer.milestones) < settings.iterations
    )
    assert settings.output.parts[0] == "runs"
    assert path.read_text().startswith("# ")


@pytest.mark.parametrize("name", PAPER)
def test_the_schedules_of_the_paper(name: str) -> None:
    settings = load(CONFIGS / "paper" / f"{name}.yaml")
    assert isinstance(settings, TrainSettings)
    iterations, milestone, repeats = PAPER[name]
    assert settings.iterations == iterations
    assert settings.optimizer.milestones == (milestone,)
    assert [source.repeats for source in settings.data] == repeats
    assert settings.optimizer.name == "adam"
    assert settings.optimizer.learning_rate == 1e-5
    assert settings.optimizer.weight_decay == 1e-7
    assert settings.batch_size == (8 if name == "static_pretraining" else 4)
    assert settings.clips.video.crop == 384
    assert settings.clips.reference_counts == (10,)
    assert settings.clips.max_objects == (1 if name == "static_pretraining" else 2)
    assert settings.clips.paste == 0
    assert settings.model == "stcn_resnet50"


def test_no_file_of_the_paper_goes_untested() -> None:
    assert {path.stem for path in (CONFIGS / "paper").iterdir()} == set(PAPER)


def test_the_published_schedule_of_the_interactive_segmenter() -> None:
    """REFERENCE D."""
    settings = load(CONFIGS / "interactive" / "interactive_full.yaml")
    assert isinstance(settings, InteractiveSettings)
    assert settings.iterations == 184_375
    optimizer = settings.optimizer
    assert (optimizer.name, optimizer.learning_rate, optimizer.trunk_factor) == ("adamw", 1e-4, 0.1)
    assert (optimizer.weight_decay, optimizer.clip_norm) == (0.05, 0.01)
    assert (optimizer.schedule, optimizer.milestones) == ("steps", (163_889, 177_546))
    losses = settings.losses
    assert (losses.cross_entropy, losses.dice, losses.points) == (5, 5, 12_544)
    assert (losses.oversample, losses.importance) == (3, 0.75)
    assert settings.rounds.counts == (0, 1, 2, 3)
    assert settings.clips.static.crop == 1024
    assert settings.clips.max_objects == 15


# Stage -> where it starts, steps, milestones, frames, whether the text encoder trains. Passes and
# drops are ReferFormer's (REFERENCE E), the order of the stages is the paper's (section 4.3).
VNG_STAGES = {
    "coco_png": (None, 100_000, (66_667, 83_333), 1, True),
    "coco_png_swin": (None, 100_000, (66_667, 83_333), 1, True),
    "oops_vng": ("coco_png", 9000, (4500, 7500), 5, False),
    "kinetics_vng": ("coco_png", 36_000, (18_000, 30_000), 5, False),
    "uvo_vng": ("kinetics_vng", 9000, (4500, 7500), 5, False),
    "ovis_vng": ("uvo_vng", 1200, (600, 1000), 5, False),
}


@pytest.mark.parametrize("name", VNG_STAGES)
def test_the_stages_of_rf_vng(name: str) -> None:
    settings = load(CONFIGS / "vng" / f"{name}.yaml")
    assert isinstance(settings, VngSettings)
    start, iterations, milestones, frames, trains_text = VNG_STAGES[name]
    if start is None:
        assert settings.backbone_folder is not None
        assert settings.weights is None
    else:
        assert settings.weights == load(CONFIGS / "vng" / f"{start}.yaml").output / WEIGHTS
        assert settings.fresh == ("class_heads",)
    assert settings.freeze_text != trains_text
    assert settings.iterations == iterations
    optimizer = settings.optimizer
    assert (optimizer.name, optimizer.learning_rate) == ("adamw", 1e-4)
    assert optimizer.learning_rate * optimizer.trunk_factor == pytest.approx(5e-5)
    assert optimizer.text_factor is not None
    assert optimizer.learning_rate * optimizer.text_factor == pytest.approx(1e-5)
    assert (optimizer.weight_decay, optimizer.clip_norm, optimizer.ema) == (5e-4, 0.1, None)
    assert (optimizer.schedule, optimizer.milestones) == ("steps", milestones)
    assert (settings.clips.frames, settings.batch_size) == (frames, 2 if frames == 1 else 1)
    assert (settings.query, settings.text_encoder) == ("noun", "FacebookAI/roberta-base")
    assert settings.losses.weights == {"ce": 2, "bbox": 5, "giou": 2, "mask": 2, "dice": 5}
    assert settings.losses.auxiliary == 1


def test_the_stages_of_the_small_rf_vng() -> None:
    first, second = (load(CONFIGS / "vng" / f"rf_vng_lite_{stage}.yaml") for stage in (1, 2))
    assert isinstance(first, VngSettings)
    assert isinstance(second, VngSettings)
    assert second.weights == first.output / WEIGHTS
    assert (first.clips.frames, second.clips.frames) == (1, 1)
    assert second.fresh == ("noun_classes",)
    kept = ("trunk", "noun_classes.top", "noun_classes.weights")  # of ImageNet
    assert first.freeze == second.freeze == kept
    assert first.freeze_text
    assert second.freeze_text
    kinds = {source.kind for source in first.data}
    assert kinds == {"coco_png", "coco_panoptic", "named_images"}
    assert {source.kind for source in second.data} == {*kinds, "vng"}


def test_no_file_of_rf_vng_goes_untested() -> None:
    names = {path.stem for path in (CONFIGS / "vng").iterdir()}
    assert names == {*VNG_STAGES, "rf_vng_lite_1", "rf_vng_lite_2", "toy"}  # tests/test_whole_chain
