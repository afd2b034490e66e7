"""The running mean of the weights, which is what a run exports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class RunningMean:
    """Exponential mean of a network's parameters.

    Early on the mean follows the weights more closely, (1 + n) / (10 + n), so that it is useful
    from the first steps.

    Attributes:
        decay: weight of the old mean in an update, once there have been many.
        updates: how many there have been.
        mean: parameter name -> its mean; parameters that are not trained stay as they were.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        """Start at the present weights, on their device."""
        self.decay = decay
        self.updates = 0
        self.mean = {name: p.detach().clone() for name, p in network.named_parameters()}

    @torch.no_grad()
    def update(self, network: nn.Module) -> None:
        """Take in the present weights."""
        self.updates += 1
        weight = 1 - min(self.decay, (1 + self.updates) / (10 + self.updates))
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                self.mean[name].lerp_(parameter.detach(), weight)

    def restore(self, mean: Mapping[str, Tensor], *, updates: int) -> None:
        """Take up a stored mean.

        Raises:
            ValueError: it is of other parameters.
        """
        if set(mean) != set(self.mean):
            other = min(set(mean) ^ set(self.mean))
            raise ValueError(f"a running mean of other parameters ({other})")
        self.updates = updates
        for name, value in self.mean.items():
            value.copy_(mean[name])


@contextmanager
def validated(network: nn.Module, mean: RunningMean | None) -> Iterator[None]:
    """Let a network be what would be exported of it now: in eval mode, with the mean weights.

    Afterwards it is as it was, bit by bit.
    """
    training = {module: module.training for module in network.modules()}
    trained: dict[str, Tensor] = {}
    network.eval()
    with torch.no_grad():
        if mean is not None:
            for name, parameter in network.named_parameters():
                trained[name] = parameter.detach().clone()
                parameter.copy_(mean.mean[name])
        try:
            yield
        finally:
            for name, parameter in network.named_parameters():
                if name in trained:
                    parameter.copy_(trained[name])
            for module, was in training.items():
                module.training = was
