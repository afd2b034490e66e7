"""Containers refuse what does not fit."""

import pytest
import torch

from pointvos.nn.interactive.prompts import Clicks, Traces
from tests.nn.interactive.tiny_interactions import clicks


def test_shapes_and_dtypes_are_checked() -> None:
    good = clicks([(1, 2, 0), (3, 4, 0)])
    with pytest.raises(ValueError, match=r"xy_BN2: expected torch.float32 of shape \[1, 2, 2\]"):
        Clicks(
            xy_BN2=good.xy_BN2[:, :1],
            object_BN=good.object_BN,
            order_BN=good.order_BN,
            valid_BN=good.valid_BN,
        )
    with pytest.raises(ValueError, match=r"object_BN: expected torch.int64 .*found torch.float32"):
        Clicks(
            xy_BN2=good.xy_BN2,
            object_BN=good.object_BN.float(),
            order_BN=good.order_BN,
            valid_BN=good.valid_BN,
        )
    with pytest.raises(ValueError, match=r"valid_BTP: .*found torch.bool of shape \[1, 2\]"):
        Traces(
            xy_BTP2=good.xy_BN2,
            object_BT=good.object_BN,
            order_BT=good.order_BN,
            valid_BTP=good.valid_BN,
        )


def test_none_is_empty() -> None:
    assert not Clicks.none(2).valid_BN.any()
    assert not Traces.none(2).valid_BTP.any()
    assert Traces.none(2).object_BT.shape == (2, 0)
    assert torch.equal(Clicks.none(3).order_BN, torch.zeros(3, 0))


def test_all_of_it_moves() -> None:
    for container in (Clicks.none(2), Traces.none(2)):
        moved = container.to("meta")
        assert type(moved) is type(container)
        assert {value.device.type for value in vars(moved).values()} == {"meta"}
