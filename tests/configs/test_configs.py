"""Every file under configs/ is a run that the training tool accepts."""

from pathlib import Path

import pytest

from pointvos.core.command_line import parse_settings
from pointvos.training.settings import TrainSettings

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
FILES = sorted(CONFIGS.rglob("*.yaml"))

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


def load(path: Path) -> TrainSettings:
    return parse_settings(TrainSettings, ["--config", str(path)])


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
