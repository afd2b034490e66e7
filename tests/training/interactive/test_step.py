"""Rounds before the trained one, and where gradients go."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pointvos.nn.interactive.builders import interactive_lite
from pointvos.nn.interactive.segmenter import InteractiveSegmenter, Segmentation
from pointvos.simulation.interactions import Interaction
from pointvos.training.interactive.samples import PromptedBatch, collate_frames
from pointvos.training.interactive.settings import InteractiveLossSettings, RoundSettings
from pointvos.training.interactive.step import (
    interactive_step,
    play_rounds,
    segmentation_loss,
)
from pointvos.training.interactive.train import make_frames
from tests.training.interactive.tiny_interactive import tiny_interactive

DENSE = InteractiveLossSettings(points=None)


def batch_of(folder: Path, **changes: Any) -> PromptedBatch:
    frames, _ = make_frames(tiny_interactive(folder, **changes), samples=3)
    return collate_frames([frames[number] for number in range(3)])


@pytest.fixture(scope="module")
def network() -> InteractiveSegmenter:
    torch.manual_seed(0)
    return interactive_lite()


def spied(network: InteractiveSegmenter, monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Every call of `segment`, with whether gradients were on."""
    calls: list[dict[str, Any]] = []
    original: Callable[..., Segmentation] = network.segment

    def segment(*args: Any, **options: Any) -> Segmentation:
        result = original(*args, **options)
        calls.append(
            {**options, "clicks": args[1], "grad": torch.is_grad_enabled(), "result": result}
        )
        return result

    monkeypatch.setattr(network, "segment", segment)
    return calls


def test_without_rounds_the_first_prompts_are_trained(
    network: InteractiveSegmenter, tmp_path: Path
) -> None:
    batch = batch_of(tmp_path)
    features = network.encode(batch.frames_BCHW)
    given, previous = play_rounds(network, features, batch, RoundSettings(counts=(0,)))
    assert previous is None
    assert [[id(one) for one in frame] for frame in given] == [
        [id(one) for one in frame] for frame in batch.given
    ]


def test_every_round_sees_the_one_before(
    network: InteractiveSegmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = batch_of(tmp_path)
    before = [len(frame) for frame in batch.given]
    calls = spied(network, monkeypatch)
    step = interactive_step(DENSE, RoundSettings(counts=(2,)))
    terms = step(network, batch, 0)
    assert [call["grad"] for call in calls] == [False, False, True]
    assert calls[0]["previous_BKHW"] is None
    for call, last in zip(calls[1:], calls, strict=False):
        assert call["previous_BKHW"] is last["result"].logits_BKHW
    counts = [int(call["clicks"].valid_BN.sum()) for call in calls]
    assert counts[0] < counts[1] < counts[2]
    assert [len(frame) for frame in batch.given] == before  # the batch itself stays as it was
    assert set(terms) == {"cross_entropy", "dice", "auxiliary"}
    assert all(term.requires_grad and term.isfinite() for term in terms.values())


def test_corrections_land_on_errors(network: InteractiveSegmenter, tmp_path: Path) -> None:
    batch = batch_of(tmp_path)
    features = network.encode(batch.frames_BCHW)
    first = [len(frame) for frame in batch.given]
    given, previous = play_rounds(network, features, batch, RoundSettings(counts=(1,)))
    assert previous is not None
    found = torch.nn.functional.interpolate(previous, size=(64, 64), mode="bilinear").argmax(dim=1)
    added = 0
    for b, frame in enumerate(given):
        for one in frame[first[b] :]:
            x, y = one.xy[0].astype(int)
            truth = int(batch.index_BHW[b, y, x])
            assert one.slot == truth - 1  # of what lies there
            assert int(found[b, y, x]) != truth  # and it was wrong there
            added += 1
    assert added


def test_the_coarse_copy_comes_first(
    network: InteractiveSegmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = batch_of(tmp_path)
    sizes: list[tuple[int, ...]] = []
    encode = network.encode

    def spy(frames: Tensor) -> Any:
        sizes.append(tuple(frames.shape[-2:]))
        return encode(frames)

    monkeypatch.setattr(network, "encode", spy)
    calls = spied(network, monkeypatch)
    rounds = RoundSettings(counts=(0,), coarse=1.0, coarse_scale=(0.5, 0.5))
    interactive_step(DENSE, rounds)(network, batch, 0)
    assert sizes == [(64, 64), (32, 32)]
    assert calls[1]["previous_BKHW"] is calls[0]["result"].logits_BKHW
    valid = calls[1]["clicks"].valid_BN
    torch.testing.assert_close(
        calls[0]["clicks"].xy_BN2[valid], calls[1]["clicks"].xy_BN2[valid] / 2
    )


def test_a_step_is_the_same_every_time(network: InteractiveSegmenter, tmp_path: Path) -> None:
    step = interactive_step(
        InteractiveLossSettings(points=100), RoundSettings(counts=(0, 1), coarse=0.5)
    )
    terms = [step(network, batch_of(tmp_path), iteration) for iteration in range(2)]
    for name, term in terms[0].items():
        assert torch.equal(term, terms[1][name]), name


def test_the_weights_of_the_terms(tmp_path: Path) -> None:
    batch = batch_of(tmp_path)
    rng = torch.Generator().manual_seed(0)
    logits = [torch.randn(3, 1 + batch.slots, 16, 16, generator=rng) for _ in range(3)]
    result = Segmentation(logits[2], tuple(logits[:2]))
    one = {
        "cross_entropy": InteractiveLossSettings(points=None, dice=0, cross_entropy=1),
        "dice": InteractiveLossSettings(points=None, dice=1, cross_entropy=0),
    }
    each = {
        name: [segmentation_loss(Segmentation(x, ()), batch, settings)[name].item() for x in logits]
        for name, settings in one.items()
    }
    settings = InteractiveLossSettings(points=None, cross_entropy=2, dice=3, auxiliary=0.5)
    found = segmentation_loss(result, batch, settings)
    assert found["cross_entropy"].item() == pytest.approx(2 * each["cross_entropy"][2])
    assert found["dice"].item() == pytest.approx(3 * each["dice"][2])
    before = sum(2 * each["cross_entropy"][i] + 3 * each["dice"][i] for i in range(2))
    assert found["auxiliary"].item() == pytest.approx(0.5 * before, rel=1e-5)
    alone = InteractiveLossSettings(points=None, auxiliary=0)
    assert "auxiliary" not in segmentation_loss(result, batch, alone)


def test_unknown_pixels_make_no_difference(tmp_path: Path) -> None:
    batch = batch_of(tmp_path)
    batch.index_BHW[:, :20] = 255
    logits = torch.randn(3, 1 + batch.slots, 16, 16, generator=torch.Generator().manual_seed(0))
    changed = logits.clone()
    changed[:, :, :4] = 50 * torch.randn(3, 1 + batch.slots, 4, 16)  # rows 0 .. 15 of the frame
    for settings in (DENSE, InteractiveLossSettings(points=500)):
        losses = [
            segmentation_loss(Segmentation(x, ()), batch_with_rng(batch), settings)
            for x in (logits, changed)
        ]
        for name, term in losses[0].items():
            # At points, interpolation ends at row 18, above which all is unknown.
            assert term.item() == pytest.approx(losses[1][name].item(), rel=1e-5), name


def batch_with_rng(batch: PromptedBatch) -> PromptedBatch:
    """The batch with generators that have not drawn yet."""
    given: list[list[Interaction]] = batch.given
    rngs = [np.random.default_rng(number) for number in range(len(given))]
    return PromptedBatch(batch.frames_BCHW, batch.index_BHW, batch.slots, given, rngs)
