"""The count of FLOPs behind the table of docs/reproduce.md."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import paper_scale
from benchmarks.paper_scale import (
    DEFAULT,
    GPUS,
    ScaleSettings,
    count,
    mean_size,
    row_of,
    settings_of,
    what_costs,
)
from pointvos.training.interactive.settings import InteractiveSettings
from pointvos.training.settings import TrainSettings
from vng.data.augment import NarratedAugment
from vng.data.dataset import NarratedSettings
from vng.training.settings import VngSettings

CONFIGS = Path(__file__).resolve().parents[2] / "configs"


def tiny_stcn(crop: int) -> TrainSettings:
    settings = settings_of(CONFIGS / "stcn_lite" / "3_video_hybrid.yaml")
    assert isinstance(settings, TrainSettings)
    clips = settings.clips
    small = replace(clips.video, crop=crop)
    return replace(settings, clips=replace(clips, video=small, static=small))


def tiny_vng(frames: int) -> VngSettings:
    settings = settings_of(CONFIGS / "vng" / "toy.yaml")
    assert isinstance(settings, VngSettings)
    size = NarratedAugment(short_sides=(64,), longest=96)
    clips = NarratedSettings(frames=frames, max_nouns=2, video=size, still=size)
    return replace(settings, clips=clips)


def test_a_linear_layer_is_counted_by_hand() -> None:
    layer, rows = nn.Linear(30, 20, bias=False), torch.ones(7, 30, requires_grad=True)
    counted = paper_scale._counted(lambda: layer(rows).sum())
    assert counted.flops == 3 * 2 * 7 * 30 * 20  # forward, gradient of input and of weights


def test_attention_is_counted_by_hand() -> None:
    query = torch.randn(1, 2, 5, 8, requires_grad=True)
    source = torch.randn(1, 2, 7, 8, requires_grad=True)

    def attend() -> torch.Tensor:
        return F.scaled_dot_product_attention(query, source, source).sum()

    assert paper_scale._counted(attend).flops == 3 * 2 * (2 * 2 * 5 * 7 * 8)


def test_it_counts_as_torch_does() -> None:
    layers = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 3, stride=2))
    x = torch.randn(2, 3, 16, 16)
    with FlopCounterMode(display=False) as torchs:
        layers(x).sum().backward()
    assert paper_scale._counted(lambda: layers(x).sum()).flops == torchs.get_total_flops() > 0


def test_a_clip_of_twice_the_side_costs_four_times() -> None:
    small, large = (count(tiny_stcn(side), words=1).flops for side in (64, 128))
    # The memory is read from every pixel by every pixel: a little more than four times.
    assert 4 <= large / small < 5
    assert small > 1e8


def test_frames_and_a_trained_text_encoder_cost() -> None:
    one, three = (count(tiny_vng(frames), words=8).flops for frames in (1, 3))
    assert 2.5 < three / one < 3.5
    trained = replace(tiny_vng(1), freeze_text=False)
    assert count(trained, words=8).flops - one == pytest.approx(
        paper_scale.text_flops(8, trained=True)
    )
    assert paper_scale.text_flops(8, trained=False) == 0


def test_sizes_are_those_that_training_draws() -> None:
    published = NarratedAugment()
    height, width = mean_size(published, 16 / 9)
    assert 288 <= height <= 384
    assert width <= published.longest + 32
    assert mean_size(published, 4 / 3)[0] > height  # the long side limits these less


def test_a_row_has_steps_times_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    path = CONFIGS / "paper" / "point_stcn_pv_oops.yaml"
    monkeypatch.setattr(paper_scale, "count", lambda *_, **__: paper_scale.Counted(1e12, 2.0))
    known: dict[str, paper_scale.Counted] = {}
    row = row_of(path, ScaleSettings(peak_tflops=100, shares="0.5"), known)
    in_all = 1e12 * 60_000 * 4 * 8
    hours = in_all / 8 / (100e12 * 0.5) / 3600
    assert row[:6] == [
        "paper/point_stcn_pv_oops",
        "1.00",
        "8 x 4",
        "60,000",
        f"{in_all / 1e18:.2g}",
        f"{hours:.2g}",
    ]


def test_every_configuration_of_the_paper_is_counted() -> None:
    files = {f"configs/{path.relative_to(CONFIGS)}" for path in (CONFIGS / "paper").glob("*.yaml")}
    listed = set(DEFAULT.split(","))
    assert files <= listed
    assert all((CONFIGS.parent / name).is_file() for name in listed)
    assert set(GPUS) <= {Path(name).stem for name in listed}


def test_another_training_is_refused() -> None:
    settings = InteractiveSettings(
        output=Path("out"), iterations=1, batch_size=1, data=list(tiny_stcn(64).data)
    )
    with pytest.raises(ValueError, match="expected a training of STCN or RF-VNG, found Interact"):
        count(settings, words=1)


def test_runs_that_cost_the_same_are_counted_once() -> None:
    of = {path.stem: what_costs(settings_of(path)) for path in (CONFIGS / "paper").glob("*.yaml")}
    assert of["point_stcn_pv_oops"] == of["point_stcn_pv_kinetics"]
    assert of["point_stcn_pv_oops"] != of["hybrid_stcn_davis_yt"] != of["static_pretraining"]
