"""Methods by name, and key features shared between trackers."""

import numpy as np
import pytest
import torch

from pointvos.benchmark.methods import (
    BASELINES,
    LastFrameFeatures,
    open_method,
    share_key_features,
    weights_digest,
)
from pointvos.core.errors import InputError
from pointvos.inference.models import PropagationSettings
from pointvos.inference.propagator import Propagator
from tests.benchmark.coloured_squares import RED_AND_BLUE
from tests.tiny_network import tiny_stcn

NATIVE = PropagationSettings(resolution=0)


def noise(count):
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(count)]


@pytest.mark.parametrize("name", [*BASELINES, "random:stcn_lite"])
def test_every_method_keeps_the_interface(name):
    method = open_method(name, NATIVE)
    assert method.name == name
    assert (method.weights_sha256 == "") == (name in BASELINES)
    tracker = method.start()
    for index, frame in enumerate(noise(3)):
        given = {i: RED_AND_BLUE[0] == i for i in (1, 2)} if index == 1 else None
        found = tracker.step(frame, given)
        assert (found.shape, found.dtype) == ((48, 64), np.uint8)
        assert set(np.unique(found)) <= {0, 1, 2}
        if index == 0:
            assert not found.any()


def test_unknown_names_list_models_and_baselines():
    with pytest.raises(InputError, match=r"stcn-lite-points.*found 'hul'; baselines are hull, "):
        open_method("hul")


def test_a_missing_file_is_not_taken_for_a_baseline(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.safetensors: expected weights"):
        open_method(str(tmp_path / "none.safetensors"))


def test_the_digest_tells_weights_apart():
    assert weights_digest(tiny_stcn(seed=0)) == weights_digest(tiny_stcn(seed=0))
    assert weights_digest(tiny_stcn(seed=0)) != weights_digest(tiny_stcn(seed=1))


def test_shared_features_change_nothing_and_encode_each_frame_once():
    frames = noise(7)
    starts = [{1: RED_AND_BLUE[0] == 1}, {1: RED_AND_BLUE[0] == 2}]

    alone = []
    for start in starts:
        propagator = Propagator(tiny_stcn())
        alone.append([propagator.step(f, None if t else start) for t, f in enumerate(frames)])

    network = tiny_stcn()
    calls = []
    network.key_encoder.register_forward_hook(lambda *_: calls.append(1))
    share_key_features(network)
    together = [Propagator(network) for _ in starts]
    for t, frame in enumerate(frames):
        for n, propagator in enumerate(together):
            found = propagator.step(frame, None if t else starts[n])
            np.testing.assert_array_equal(found.prob, alone[n][t].prob)
    assert len(calls) == len(frames)


def test_another_frame_is_encoded_anew():
    encoder = LastFrameFeatures(lambda frame: frame.sum())
    ones = torch.ones(1, 3, 16, 16)
    assert encoder(ones) == 768
    assert encoder(ones.clone()) == 768
    assert encoder(2 * ones) == 1536
    assert encoder(torch.ones(1, 3, 16, 32)) == 1536
