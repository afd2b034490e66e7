"""Trained models by name or file, with the settings they are run with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

import torch
from torch import nn

from pointvos.core.errors import InputError
from pointvos.core.weights import load_strictly, read_weights
from pointvos.inference.coarse_to_fine import ascend_to_one
from pointvos.inference.propagator import MEMORY_EVERY, Propagator
from pointvos.nn.builders import BUILDERS
from pointvos.nn.official_weights import load_official_stcn
from pointvos.nn.stcn import STCN

UsedSettings = dict[str, int | float | list[float] | None]


@dataclass(frozen=True, kw_only=True)
class PropagationSettings:
    """How a model is run over a video; None takes the value the model was tuned with."""

    resolution: int | None = None
    """Short side of the frame inside the network, in pixels; 0 for the native size."""
    top_k: int | None = None
    """Memory positions read per position; STCN reads 20."""
    memory_every: int | None = None
    """Frames between two that are memorised; STCN memorises every 5th."""
    max_memory_frames: int | None = None
    """Most frames in the memory of an object; 0 for no bound, as in the paper: memory then grows
    with the video."""
    gate: float | None = None
    """Farthest that an object may be found from its previous mask, as a share of the short side (on
    the frame with its points, only what is connected with one); 0 for no limit."""
    edge_radius: float | None = None
    """Window of the filter that makes masks follow the edges of the image, as a share of the short
    side; 0 for no filter."""
    reference_scales: tuple[float, ...] | None = None
    """Sizes of the frame with the points, coarse to fine up to 1, in which an object is segmented
    on it; 1 alone for the paper's way."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        lowest_of = {"resolution": 0, "top_k": 1, "memory_every": 1, "gate": 0, "edge_radius": 0}
        for name, lowest in lowest_of.items():
            value = getattr(self, name)
            if value is not None and value < lowest:
                raise InputError(f"{name}: expected at least {lowest}, found {value}")
        scales = self.reference_scales
        if scales is not None and not ascend_to_one(scales):
            raise InputError(
                "reference_scales: expected sizes that ascend from above 0 to 1, found "
                f"{list(scales)}"
            )
        bound = self.max_memory_frames
        if bound is not None and bound != 0 and bound < 2:
            raise InputError(
                f"max_memory_frames: expected 0 (no bound) or at least 2, found {bound}"
            )


# The paper's way (REFERENCE, B.3), and what measured best for the small network (docs/results.md).
DEFAULTS = {
    "stcn_resnet50": PropagationSettings(
        resolution=480,
        top_k=20,
        memory_every=5,
        max_memory_frames=0,
        gate=0.0,
        edge_radius=0.0,
        reference_scales=(1.0,),
    ),
    "stcn_lite": PropagationSettings(
        resolution=416,
        top_k=20,
        memory_every=20,
        max_memory_frames=6,
        gate=0.1,
        edge_radius=0.06,
        reference_scales=(0.5, 0.7, 1.0),
    ),
}

# Parts that are faster on processors in channels_last: 1x1 and depthwise convolutions. The others
# are made of the 3x3 ones of `pointvos.nn.convolution`, which want the plain layout.
CHANNELS_LAST = {
    "stcn_resnet50": ("key_encoder",),
    "stcn_lite": ("key_encoder", "value_encoder", "decoder"),
}

PACKAGED = {
    "stcn-lite": "stcn_lite_hybrid.safetensors",
    "stcn-lite-points": "stcn_lite_points.safetensors",
    "stcn-lite-masks": "stcn_lite_pseudo_masks.safetensors",
}


@dataclass(frozen=True, eq=False)
class TrainedModel:
    """A network with its weights, ready to run.

    Attributes:
        name: as it was asked for.
        architecture: a key of `BUILDERS`.
        network: in eval mode on its device.
        defaults: the settings it is run with unless told otherwise.
    """

    name: str
    architecture: str
    network: STCN
    defaults: PropagationSettings

    def propagator(self, settings: PropagationSettings | None = None) -> Propagator:
        """A new propagator; values of `settings` that are None take the model's."""
        given = {
            name: value
            for name, value in vars(settings or PropagationSettings()).items()
            if value is not None
        }
        chosen = replace(self.defaults, **given)
        return Propagator(
            self.network,
            top_k=chosen.top_k,
            memory_every=chosen.memory_every or MEMORY_EVERY,
            max_memory_frames=chosen.max_memory_frames or None,
            resolution=chosen.resolution or None,
            gate=chosen.gate or None,
            edge_radius=chosen.edge_radius or None,
            reference_scales=chosen.reference_scales or (1.0,),
        )

    def used_settings(self, settings: PropagationSettings | None = None) -> UsedSettings:
        """The settings that come to be used, the model's own included."""
        propagator = self.propagator(settings)
        return {
            "resolution": propagator.resolution,
            "top_k": propagator.top_k,
            "memory_every": propagator.memory_every,
            "max_memory_frames": propagator.memory.max_frames,
            "gate": propagator.gate,
            "edge_radius": propagator.edge_radius,
            "reference_scales": list(propagator.reference_scales),
        }


def load_model(
    name: str, *, device: str = "cpu", on_network: Callable[[STCN], STCN] | None = None
) -> TrainedModel:
    """A packaged model by name, or any weights by path.

    Args:
        name: a key of `PACKAGED`; a .safetensors file written by training; a .pth file with
            official STCN weights; or ``random:<architecture>`` for untrained weights.
        device: of torch.
        on_network: applied to the network before use (another precision, compilation).

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the name is unknown, or the weights are of another architecture.
    """
    if name.startswith("random:"):
        architecture = _known(name.removeprefix("random:"), name)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = BUILDERS[architecture]()
    else:
        architecture, network = _from_file(name)
    network = network.eval().to(device)
    for part in CHANNELS_LAST[architecture]:
        getattr(network, part).to(memory_format=torch.channels_last)
    if on_network is not None:
        network = on_network(network)
    return TrainedModel(name, architecture, network, DEFAULTS[architecture])


def weights_digest(network: nn.Module) -> str:
    """SHA-256 of the names and values of all weights."""
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode())
        digest.update(tensor.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _from_file(name: str) -> tuple[str, STCN]:
    if name in PACKAGED:
        path = Path(str(resources.files("pointvos") / "weights" / PACKAGED[name]))
    elif Path(name).suffix:
        path = Path(name)
    else:
        raise InputError(
            f"model: expected {', '.join(PACKAGED)} or a file of weights, found {name!r}"
        )
    weights, metadata = read_weights(path)
    if not metadata:  # not written by this project: official STCN weights
        network = BUILDERS["stcn_resnet50"]()
        try:
            load_official_stcn(network, weights)
        except ValueError as error:
            raise InputError(f"{path}: {error}") from error
        return "stcn_resnet50", network
    architecture = _known(metadata.get("architecture", "none"), str(path))
    network = BUILDERS[architecture]()
    load_strictly(network, weights, path)
    return architecture, network


def _known(architecture: str, source: str) -> str:
    if architecture not in BUILDERS:
        raise InputError(
            f"{source}: expected weights of {', '.join(BUILDERS)}, found {architecture!r}"
        )
    return architecture
