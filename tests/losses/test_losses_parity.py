"""Losses against values of the official bootstrapped CE and of the published Huberised formula."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from pointvos.losses.bootstrapped_cross_entropy import (
    bootstrap_fraction,
    bootstrapped_cross_entropy,
)
from pointvos.losses.huberised_cross_entropy import huberised_cross_entropy
from tests.recipe import draw, generator

pytestmark = [pytest.mark.parity, pytest.mark.data]


@pytest.fixture(scope="module")
def expected(golden_dir: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((golden_dir / "losses.json").read_text())
    return loaded


@pytest.fixture(scope="module")
def logits() -> Tensor:
    return torch.from_numpy((2 * draw("loss.logits", (1, 3, 24, 32))).astype(np.float32))


@pytest.fixture(scope="module")
def target(expected: dict[str, Any]) -> Tensor:
    classes = generator("loss.target").integers(0, 3, (1, 24, 32))
    assert classes.sum() == expected["target_sum"]
    return torch.from_numpy(classes)


def test_bootstrapped_cross_entropy(
    expected: dict[str, Any], logits: Tensor, target: Tensor
) -> None:
    rows = expected["bootstrapped_ce"]
    assert set(rows) == {"0", "19999", "20000", "45000", "70000", "70001", "100000"}
    for iteration, row in rows.items():
        fraction = bootstrap_fraction(int(iteration))
        loss = bootstrapped_cross_entropy(logits, target, fraction)
        assert fraction == pytest.approx(row["top_p"]), iteration
        assert loss.item() == pytest.approx(row["loss"], rel=1e-6), iteration


@pytest.mark.parametrize("tau", [10.0, 2.0])
def test_huberised_cross_entropy(
    expected: dict[str, Any], logits: Tensor, target: Tensor, tau: float
) -> None:
    row = expected["huberised_ce_mean"][str(tau)]
    leaf = logits.double().requires_grad_()
    mean = huberised_cross_entropy(leaf, target, tau)
    pixels = huberised_cross_entropy(logits, target, tau, reduction="none")
    (gradient,) = torch.autograd.grad(mean, leaf)
    assert mean.item() == pytest.approx(row["mean"], rel=1e-6)
    assert pixels.max().item() == pytest.approx(row["max"], rel=1e-5)
    assert pixels.flatten()[:8].tolist() == pytest.approx(row["first8"], rel=1e-5)
    assert gradient.norm().item() == pytest.approx(row["grad_wrt_logits_l2"], rel=1e-5)
