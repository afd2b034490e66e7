"""The network of a run, with the weights it starts from."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from pointvos.core.errors import InputError
from pointvos.core.weights import imagenet_lite0_file, load_strictly, read_weights
from pointvos.nn.builders import BUILDERS
from pointvos.nn.efficientnet_lite import load_imagenet_lite0
from pointvos.nn.lite import LiteKeyEncoder
from pointvos.nn.official_weights import load_imagenet_resnets, load_official_stcn
from pointvos.nn.stcn import STCN
from pointvos.training.settings import TrainSettings


def make_network(settings: TrainSettings) -> STCN:
    """Build the network and give it its first weights.

    Raises:
        FileNotFoundError: a weights file, or the package with the ImageNet weights, is missing.
        InputError: the weights do not fit.
    """
    network = BUILDERS[settings.model]()
    if settings.weights is not None:
        _load_weights(network, settings.model, settings.weights)
    elif settings.imagenet and isinstance(network.key_encoder, LiteKeyEncoder):
        _load_imagenet_lite(network.key_encoder)
    elif settings.imagenet:
        _load_imagenet_resnets(network, settings)
    return network


def _load_weights(network: STCN, model: str, path: Path) -> None:
    weights, metadata = read_weights(path)
    written_for = metadata.get("architecture", model)
    if written_for != model:
        raise InputError(f"{path}: expected weights of {model}, found weights of {written_for}")
    if metadata or model != "stcn_resnet50":
        load_strictly(network, weights, path)
        return
    try:
        load_official_stcn(network, weights)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def _load_imagenet_lite(encoder: LiteKeyEncoder) -> None:
    path = imagenet_lite0_file()
    weights, _ = read_weights(path)
    try:
        load_imagenet_lite0(encoder.trunk, weights)
    except ValueError as error:
        raise InputError(f"{path}: {error}") from error


def _load_imagenet_resnets(network: STCN, settings: TrainSettings) -> None:
    if settings.resnet50 is None or settings.resnet18 is None:
        raise InputError(
            f"{settings.model}: expected weights to start from, found none; give --weights, or "
            "--resnet50 and --resnet18 (ImageNet weights), or --imagenet false for random ones"
        )
    resnet50, _ = read_weights(settings.resnet50)
    resnet18, _ = read_weights(settings.resnet18)
    try:
        load_imagenet_resnets(network, resnet50, resnet18)
    except ValueError as error:
        raise InputError(f"{settings.resnet50}, {settings.resnet18}: {error}") from error


def freeze(network: nn.Module, names: tuple[str, ...]) -> int:
    """Stop training every parameter whose name holds one of `names`; returns how many numbers.

    Raises:
        InputError: a name matches no parameter.
    """
    frozen = 0
    for part in names:
        matches = [p for name, p in network.named_parameters() if part in name]
        if not matches:
            raise InputError(f"freeze: expected a part of a parameter's name, found {part!r}")
        for parameter in matches:
            frozen += parameter.numel() if parameter.requires_grad else 0
            parameter.requires_grad_(False)
    return frozen
