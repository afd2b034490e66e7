"""The weights that a run leaves behind."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from pointvos.core.weights import write_weights
from pointvos.nn.stcn import STCN
from pointvos.training.running_mean import RunningMean
from pointvos.training.settings import TrainSettings


def export_weights(
    network: STCN, mean: RunningMean | None, settings: TrainSettings, path: Path
) -> None:
    """Write the weights (their running mean where there is one) as fp16 safetensors."""
    weights = dict(network.state_dict())
    if mean is not None:
        weights.update(mean.mean)
    write_weights(
        path,
        {name: _half_where_exact_enough(value) for name, value in weights.items()},
        {"architecture": settings.model, "regime": settings.regime, "format": "pointvos"},
    )


def _half_where_exact_enough(value: Tensor) -> Tensor:
    """fp16, but for counters and for what lies beyond its range (65504)."""
    if not value.is_floating_point():
        return value
    half = value.half()
    return half if half.isfinite().all() else value
