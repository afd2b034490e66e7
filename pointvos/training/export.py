"""The weights that a run leaves behind."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from pointvos.core.weights import write_weights
from pointvos.training.running_mean import RunningMean


def export_weights(weights: Mapping[str, Tensor], metadata: Mapping[str, str], path: Path) -> None:
    """Write weights as fp16 safetensors.

    Args:
        weights: by name.
        metadata: what the file says of itself; ``architecture`` names the builder.
        path: of the file.
    """
    write_weights(
        path,
        {name: _half_where_exact_enough(value) for name, value in weights.items()},
        {**metadata, "format": "pointvos"},
    )


def exported_weights(
    state: Mapping[str, Tensor], mean: RunningMean | None = None
) -> dict[str, Tensor]:
    """The tensors of a trained module under the names of the network inside.

    Args:
        state: of `pointvos.training.loop.TrainedModule`, or of the network itself.
        mean: takes the place of what it is the mean of.
    """
    weights = {name.removeprefix("network."): value for name, value in state.items()}
    if mean is not None:
        weights.update(mean.mean)
    return weights


def _half_where_exact_enough(value: Tensor) -> Tensor:
    """fp16, but for counters and for what lies beyond its range (65504)."""
    if not value.is_floating_point():
        return value
    half = value.half()
    return half if half.isfinite().all() else value
