"""Optimiser and learning-rate schedule from their settings."""

from __future__ import annotations

import math

import torch
from torch import nn

from pointvos.training.settings import OptimizerSettings

COSINE_END = 0.01  # share of the learning rate at the end of a cosine
STEP_FACTOR = 0.1  # paper, appendix D: 1e-5 falls to 1e-6


def make_optimizer(network: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Adam or AdamW over the trainable parameters; trunks and text encoders have their own rates.

    A parameter belongs to a trunk, or to a text encoder, if its name says so. A group keeps its
    learning rate of the start as ``initial_lr``.
    """
    trunk: list[nn.Parameter] = []
    text: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            group = text if "text_encoder" in name else trunk if "trunk" in name else rest
            group.append(parameter)
    text_factor = 1.0 if settings.text_factor is None else settings.text_factor
    rates = (
        (rest, settings.learning_rate),
        (trunk, settings.learning_rate * settings.trunk_factor),
        (text, settings.learning_rate * text_factor),
    )
    groups = [
        {"params": parameters, "lr": rate, "initial_lr": rate}
        for parameters, rate in rates
        if parameters
    ]
    kind = torch.optim.Adam if settings.name == "adam" else torch.optim.AdamW
    return kind(groups, weight_decay=settings.weight_decay)


def learning_rate_factor(iteration: int, settings: OptimizerSettings, iterations: int) -> float:
    """The learning rate at an iteration as a share of the one at the start."""
    if iteration < settings.warmup:
        return (iteration + 1) / settings.warmup
    if settings.schedule == "steps":
        return STEP_FACTOR ** sum(iteration >= milestone for milestone in settings.milestones)
    done = (iteration - settings.warmup) / max(1, iterations - settings.warmup)
    return COSINE_END + (1 - COSINE_END) * 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def set_learning_rate(
    optimizer: torch.optim.Optimizer, iteration: int, settings: OptimizerSettings, iterations: int
) -> float:
    """Set the learning rate of an iteration; it depends on nothing that came before.

    Returns:
        The learning rate of what is neither trunk nor text encoder.
    """
    factor = learning_rate_factor(iteration, settings, iterations)
    for group in optimizer.param_groups:
        group["lr"] = group["initial_lr"] * factor
    return settings.learning_rate * factor
