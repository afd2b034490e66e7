"""Parameter groups and the learning rate of every iteration."""

import math
from itertools import pairwise

import pytest
import torch

from pointvos.training.networks import freeze
from pointvos.training.optimizer import learning_rate_factor, make_optimizer, set_learning_rate
from pointvos.training.settings import OptimizerSettings
from tests.tiny_network import tiny_stcn

PAPER = OptimizerSettings(learning_rate=1e-5, milestones=(30_000,))
COSINE = OptimizerSettings(learning_rate=1e-3, schedule="cosine", warmup=10, trunk_factor=0.1)


def test_the_paper_lowers_the_rate_once() -> None:
    factors = [learning_rate_factor(i, PAPER, 38_000) for i in (0, 29_999, 30_000, 37_999)]
    assert factors == pytest.approx([1, 1, 0.1, 0.1])


def test_warm_up_and_cosine() -> None:
    factors = [learning_rate_factor(i, COSINE, 110) for i in (0, 4, 9, 10, 60, 110)]
    assert factors == pytest.approx([0.1, 0.5, 1.0, 1.0, 0.01 + 0.99 * 0.5, 0.01])
    falling = [learning_rate_factor(i, COSINE, 110) for i in range(10, 111)]
    assert all(a > b for a, b in pairwise(falling))


def test_trunks_have_their_own_rate_and_frozen_parameters_no_place() -> None:
    network = tiny_stcn()
    freeze(network, ("key_encoder.trunk.conv1",))
    optimizer = make_optimizer(network, COSINE)
    assert isinstance(optimizer, torch.optim.Adam)
    rest, trunk = optimizer.param_groups
    assert (rest["lr"], trunk["lr"]) == pytest.approx((1e-3, 1e-4))
    names = {id(p): name for name, p in network.named_parameters()}
    assert all("trunk" in names[id(p)] for p in trunk["params"])
    assert not any("trunk" in names[id(p)] for p in rest["params"])
    held = sum(not p.requires_grad for p in network.parameters())
    assert held
    assert len(trunk["params"]) + len(rest["params"]) == len(names) - held


def test_the_rate_of_an_iteration_depends_on_nothing_before_it() -> None:
    network = tiny_stcn()
    one, other = (make_optimizer(network, COSINE) for _ in range(2))
    for iteration in range(50):
        set_learning_rate(one, iteration, COSINE, 110)
    rate = set_learning_rate(other, 49, COSINE, 110)
    assert [g["lr"] for g in one.param_groups] == [g["lr"] for g in other.param_groups]
    expected = 1e-3 * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * 0.39)))
    assert rate == pytest.approx(expected) == other.param_groups[0]["lr"]


def test_names_of_the_optimizers() -> None:
    network = tiny_stcn()
    assert type(make_optimizer(network, OptimizerSettings(name="adam"))) is torch.optim.Adam
    adamw = make_optimizer(network, OptimizerSettings(name="adamw", weight_decay=0.3))
    assert type(adamw) is torch.optim.AdamW
    assert adamw.param_groups[0]["weight_decay"] == 0.3
