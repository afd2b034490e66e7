"""Frames with prompts: what depends on what, and how they become tensors."""

from pathlib import Path

import numpy as np
import torch

from pointvos.datasets.samples import UNKNOWN
from pointvos.nn.interactive.prompts import BACKGROUND
from pointvos.simulation import interactions
from pointvos.simulation.interactions import Interaction
from pointvos.training.interactive.samples import (
    PromptedFrame,
    clicks_and_traces,
    collate_frames,
    without_slivers,
)
from pointvos.training.interactive.train import make_frames
from tests.training.interactive.tiny_interactive import tiny_interactive


def test_background_is_the_same_slot_on_both_sides() -> None:
    assert interactions.BACKGROUND == BACKGROUND


def test_a_sample_depends_on_seed_and_number_alone(tmp_path: Path) -> None:
    run = tiny_interactive(tmp_path)
    frames, left_out = make_frames(run, samples=6)
    assert list(left_out.values()) == [{}]
    assert len(frames) == 6
    again, _ = make_frames(run, samples=6)
    backwards = [again[number] for number in (5, 4, 3, 2, 1, 0)][::-1]
    for number in range(6):
        one, other = frames[number], backwards[number]
        assert np.array_equal(one.rgb, other.rgb)
        assert np.array_equal(one.index, other.index)
        assert len(one.given) == len(other.given) > 0
        for given, expected in zip(one.given, other.given, strict=True):
            assert np.array_equal(given.xy, expected.xy)
            assert given.slot == expected.slot
        assert one.rng.integers(10**9) == other.rng.integers(10**9)


def test_prompts_lie_on_what_they_are_for(tmp_path: Path) -> None:
    frames, _ = make_frames(tiny_interactive(tmp_path), samples=12)
    for number in range(12):
        frame = frames[number]
        for one in frame.given:
            if not one.is_trace:
                x, y = one.xy[0].astype(int)
                assert frame.index[y, x] == one.slot + 1


def test_slivers_are_unknown() -> None:
    index = np.zeros((30, 30), np.uint8)
    index[:20, :20], index[25, :5], index[28, :9] = 1, 2, 3
    found = without_slivers(index, 3)
    assert (found == 1).sum() == 400
    assert (found == UNKNOWN).sum() == 14
    alone = np.where(index == 2, np.uint8(1), np.uint8(0))
    assert np.array_equal(without_slivers(alone, 1), alone)  # the largest stays, however small


def test_batches_are_padded() -> None:
    def frame(given: list[Interaction], slots: int) -> PromptedFrame:
        rgb = np.full((32, 32, 3), 255, np.uint8)
        return PromptedFrame(
            rgb, np.zeros((32, 32), np.uint8), slots, given, np.random.default_rng(0)
        )

    def click(x: float, slot: int) -> Interaction:
        return Interaction(np.array([[x, 7.5]], np.float32), slot)

    trace = Interaction(np.array([[1.5, 2.5], [2.5, 2.5], [3.5, 2.5]], np.float32), 1, True)
    batch = collate_frames([frame([click(3.5, 0), trace, click(4.5, BACKGROUND)], 2),
                            frame([click(9.5, 0)], 1)])  # fmt: skip
    assert batch.slots == 2
    assert batch.frames_BCHW.shape == (2, 3, 32, 32)
    assert batch.frames_BCHW.max() == 1
    clicks, traces = clicks_and_traces(batch.given, torch.device("cpu"))
    assert clicks.valid_BN.tolist() == [[True, True], [True, False]]
    assert clicks.xy_BN2[0].tolist() == [[3.5, 7.5], [4.5, 7.5]]
    assert clicks.object_BN[0].tolist() == [0, BACKGROUND]
    assert clicks.order_BN[0].tolist() == [0, 2]  # the trace came between them
    assert traces.valid_BTP.tolist() == [[[True] * 3], [[False] * 3]]
    assert traces.order_BT[0].tolist() == [1]
    assert traces.object_BT[0].tolist() == [1]
    assert batch.to("cpu").given is batch.given
    nothing = clicks_and_traces([[], []], torch.device("cpu"))
    assert nothing[0].valid_BN.shape == (2, 0)
