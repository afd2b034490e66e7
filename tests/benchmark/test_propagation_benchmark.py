"""What the speed benchmark compares with, and how it gets to late frames of a video."""

import itertools

import numpy as np
import pytest
import torch

from benchmarks.benchmark_propagation import (
    STAGES,
    BenchmarkSettings,
    Variant,
    fill_memory,
    generated_video,
    masks_of,
    stage_seconds,
    time_stages,
)
from benchmarks.reference_reading import DenseReader
from pointvos.inference.propagator import Propagator
from pointvos.nn.memory_read import SpaceTimeReader
from pointvos.nn.stcn import QueryFeatures
from tests.tiny_network import tiny_stcn

SMALL = BenchmarkSettings(height=48, width=64, periods=1, compared=7)


def test_dense_reading_is_the_same_reading():
    torch.manual_seed(0)
    key = torch.randn(1, 8, 3, 4)
    features = QueryFeatures(key, key, key, key, key)
    memory = torch.randn(1, 8, 40), torch.randn(1, 2, 5, 40)
    dense, gathered = DenseReader(), SpaceTimeReader()
    torch.testing.assert_close(dense(features, *memory, 6), gathered(features, *memory, 6))
    assert not torch.allclose(dense(features, *memory, 6), gathered(features, *memory, 40))


def test_dense_reading_gives_the_same_masks():
    dense, ours = tiny_stcn(), tiny_stcn()
    dense.reader = DenseReader()
    masks = masks_of(Variant("dense", dense), SMALL), masks_of(Variant("ours", ours), SMALL)
    assert len(masks[0]) == 7
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize(("frames", "entries"), [(20, 4), (21, 5), (70, 14), (300, 60)])
def test_memory_is_filled_as_propagation_would(frames, entries):
    video = generated_video(48, 64)
    propagator = Propagator(tiny_stcn())
    for index, (frame, mask) in enumerate(itertools.islice(video, 12)):
        propagator.step(frame, {1: mask} if index == 0 else None)
    assert propagator.memory.frames_of(1) == 3
    fill_memory(propagator, frames)
    assert propagator.memory.frames_of(1) == entries


def test_stages_are_timed_and_left_as_they_were():
    network = tiny_stcn()
    found = time_stages(Variant("tiny", network), 20, SMALL)
    assert set(found) == {*STAGES, "other", "all"}
    assert all(found[stage] > 0 for stage in (*STAGES, "all"))
    assert found["all"] == pytest.approx(sum(found[name] for name in (*STAGES, "other")))
    with stage_seconds(network) as seconds:
        assert set(seconds) == set(STAGES)
    assert not set(STAGES) & set(vars(network))


def test_generated_video_moves():
    (first, mask), (second, _) = itertools.islice(generated_video(50, 70), 2)
    assert first.shape == (50, 70, 3)
    assert first.dtype == np.uint8
    assert 0.1 < mask.mean() < 0.5
    assert np.abs(first.astype(int) - second).mean() > 5
