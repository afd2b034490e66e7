"""The running mean equals its formula, and comes back from a checkpoint."""

import pytest
import torch

from pointvos.training.running_mean import RunningMean
from tests.tiny_network import tiny_stcn


def test_the_mean_is_that_of_the_formula() -> None:
    network = tiny_stcn()
    weight = network.get_parameter("decoder.prediction.bias")
    frozen = network.get_parameter("key_encoder.trunk.conv1.weight").requires_grad_(False)
    mean = RunningMean(network, decay=0.6)
    expected = weight.item()
    kept = frozen.clone()
    for update in range(1, 20):
        with torch.no_grad():
            weight.fill_(float(update))
            frozen.add_(1)
        mean.update(network)
        decay = min(0.6, (1 + update) / (10 + update))
        expected = decay * expected + (1 - decay) * update
        assert mean.mean["decoder.prediction.bias"].item() == pytest.approx(expected, rel=1e-5)
    assert mean.updates == 19
    # What does not train keeps the value that it had.
    assert torch.equal(mean.mean["key_encoder.trunk.conv1.weight"], kept)


def test_updates_leave_the_network_alone() -> None:
    network = tiny_stcn()
    before = {name: p.detach().clone() for name, p in network.named_parameters()}
    mean = RunningMean(network, decay=0.5)
    mean.update(network)
    for name, parameter in network.named_parameters():
        assert torch.equal(parameter, before[name])
        assert mean.mean[name].data_ptr() != parameter.data_ptr()


def test_a_stored_mean_is_taken_up() -> None:
    one, other = (RunningMean(tiny_stcn(seed=seed), decay=0.9) for seed in (1, 2))
    other.restore(one.mean, updates=7)
    assert other.updates == 7
    for name, value in one.mean.items():
        assert torch.equal(other.mean[name], value)


def test_a_mean_of_other_parameters_is_refused() -> None:
    mean = RunningMean(tiny_stcn(), decay=0.9)
    with pytest.raises(ValueError, match="a running mean of other parameters"):
        mean.restore({"x": torch.ones(1)}, updates=1)
