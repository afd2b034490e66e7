"""Interactive segmenters by name or file."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import torch

from pointvos.core.checkpoints import checked_device
from pointvos.core.errors import InputError
from pointvos.core.weights import load_strictly, read_weights
from pointvos.nn.interactive.builders import BUILDERS
from pointvos.nn.interactive.segmenter import InteractiveSegmenter

PACKAGED = {"interactive-lite": "interactive_lite.safetensors"}
DEFAULT = "interactive-lite"


def load_interactive(name: str = "", *, device: str = "cpu") -> InteractiveSegmenter:
    """A segmenter in eval mode on its device.

    Args:
        name: a key of `PACKAGED`, the first for an empty one; a .safetensors file written by
            training; or ``random:<architecture>`` for untrained weights.
        device: of torch.

    Raises:
        FileNotFoundError: there is no such file; the message says how to get it.
        InputError: the name is unknown, the weights are of another architecture, or torch cannot
            use the device.
    """
    target = checked_device(device)
    if name.startswith("random:"):
        architecture = _known(name.removeprefix("random:"), name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = BUILDERS[architecture]()
    else:
        network = _from_file(_weights_file(name or DEFAULT))
    network = network.eval().to(target)
    # Convolutions with few channels run faster in this layout.
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub
    return network


def _weights_file(name: str) -> Path:
    if name in PACKAGED:
        path = Path(str(resources.files("pointvos") / "weights" / PACKAGED[name]))
        if not path.is_file():
            raise FileNotFoundError(
                f"{path}: expected the packaged weights {name}, found none; install pointvos with "
                "its weights, or train them (tools/train_interactive.py) and give the "
                ".safetensors file as path"
            )
        return path
    if not Path(name).suffix:
        raise InputError(
            f"path: expected {', '.join(PACKAGED)} or a .safetensors file, found {name!r}"
        )
    path = Path(name).expanduser()
    if not path.is_file():
        raise FileNotFoundError(
            f"{path}: expected weights of an interactive segmenter, found none; train them "
            f"(tools/train_interactive.py), or leave path empty for the packaged {DEFAULT}"
        )
    return path


def _from_file(path: Path) -> InteractiveSegmenter:
    weights, metadata = read_weights(path)
    architecture = _known(metadata.get("architecture", "none"), str(path))
    network = BUILDERS[architecture]()
    load_strictly(network, weights, path)
    return network


def _known(architecture: str, source: str) -> str:
    if architecture not in BUILDERS:
        raise InputError(
            f"{source}: expected weights of {', '.join(BUILDERS)}, found {architecture!r}"
        )
    return architecture
