"""A backend from settings; the list of kinds."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pointvos.core.command_line import parse_settings
from pointvos.core.errors import InputError
from pointvos.inference.coarse_to_fine import ascend_to_one
from pointvos.pseudomask.backend import MaskBackend
from pointvos.pseudomask.grabcut import GrabCut
from pointvos.pseudomask.interactive import (
    EDGE_RADIUS,
    RESOLUTION,
    SCALES,
    InteractiveBackend,
)
from pointvos.pseudomask.interactive_weights import load_interactive
from pointvos.pseudomask.sam import load_sam
from pointvos.pseudomask.sam2 import load_sam2
from pointvos.pseudomask.sam_onnx import load_sam_onnx
from pointvos.pseudomask.segment_anything import TRACE_POINTS, Choice
from pointvos.pseudomask.video_network import load_video_network


@dataclass(frozen=True, kw_only=True)
class MaskBackendSettings:
    """Which backend makes masks, and how; what a kind has no use for is ignored."""

    kind: str = "interactive"
    """interactive, grabcut (no weights), stcn, sam, sam2, sam_onnx."""
    path: str = ""
    """interactive: a .safetensors file, or nothing for the packaged interactive-lite; stcn: a model
    of propagate.py, or nothing for stcn-lite; sam and sam2: a checkpoint folder, or a name such as
    facebook/sam-vit-base; sam_onnx: a folder with an encoder and a decoder; grabcut: nothing."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, mps, as far as its library has them."""
    resolution: int = RESOLUTION
    """Short side of the image inside the interactive segmenter, in pixels."""
    scales: tuple[float, ...] = SCALES
    """Sizes of the image in which the interactive segmenter looks at it one after the other, coarse
    to fine up to 1."""
    edge_radius: float = EDGE_RADIUS
    """Window of the filter that makes the masks of the interactive segmenter follow the edges of
    the image, as a share of the short side; 0 for no filter."""
    connected: bool = True
    """Drop parts of the interactive segmenter's masks that touch neither a foreground point, nor
    the trace, nor the earlier mask."""
    choose: Choice = "predicted_iou"
    """Which of SAM's candidate masks is taken: the one rated highest, the one that agrees with most
    points, or the single mask for prompts that are not ambiguous."""
    trace_points: int = TRACE_POINTS
    """Foreground points that a mouse trace becomes for SAM and stcn."""
    download: bool = False
    """Ask the model hub for a named checkpoint that is not on disk."""
    side: int = GrabCut.side
    """GrabCut's longest image side, in pixels; larger images are scaled down."""
    iterations: int = GrabCut.iterations
    """GrabCut's rounds of colour model and cut."""

    def __post_init__(self) -> None:
        """Refuse an unknown kind, with the nearest known one, and values that cannot be meant."""
        if self.kind not in BUILDERS:
            near = difflib.get_close_matches(self.kind, BUILDERS, n=1, cutoff=0.5)
            raise InputError(
                f"kind: expected {', '.join(BUILDERS)}, found {self.kind!r}"
                + (f"; did you mean {near[0]}?" if near else "")
            )
        if self.choose not in get_args(Choice):
            raise InputError(
                f"choose: expected {', '.join(get_args(Choice))}, found {self.choose!r}"
            )
        if self.trace_points < 1:
            raise InputError(f"trace_points: expected at least 1, found {self.trace_points}")
        if self.resolution < 1:
            raise InputError(f"resolution: expected at least 1, found {self.resolution}")
        if not ascend_to_one(self.scales):
            raise InputError(
                f"scales: expected sizes that ascend from above 0 to 1, found {list(self.scales)}"
            )
        if not self.edge_radius >= 0:
            raise InputError(f"edge_radius: expected at least 0, found {self.edge_radius}")


def _interactive(settings: MaskBackendSettings) -> MaskBackend:
    return InteractiveBackend(
        load_interactive(settings.path, device=settings.device),
        resolution=settings.resolution,
        scales=settings.scales,
        edge_radius=settings.edge_radius or None,
        connected=settings.connected,
    )


def _grabcut(settings: MaskBackendSettings) -> MaskBackend:
    return GrabCut(side=settings.side, iterations=settings.iterations)


def _stcn(settings: MaskBackendSettings) -> MaskBackend:
    return load_video_network(
        settings.path, trace_points=settings.trace_points, device=settings.device
    )


def _sam(settings: MaskBackendSettings) -> MaskBackend:
    return load_sam(
        settings.path,
        choose=settings.choose,
        trace_points=settings.trace_points,
        device=settings.device,
        download=settings.download,
    )


def _sam2(settings: MaskBackendSettings) -> MaskBackend:
    return load_sam2(
        settings.path,
        choose=settings.choose,
        trace_points=settings.trace_points,
        device=settings.device,
        download=settings.download,
    )


def _sam_onnx(settings: MaskBackendSettings) -> MaskBackend:
    return load_sam_onnx(
        settings.path,
        choose=settings.choose,
        trace_points=settings.trace_points,
        device=settings.device,
    )


# A kind is a line here; each imports what it needs when it is called.
BUILDERS: dict[str, Callable[[MaskBackendSettings], MaskBackend]] = {
    "interactive": _interactive,
    "grabcut": _grabcut,
    "stcn": _stcn,
    "sam": _sam,
    "sam2": _sam2,
    "sam_onnx": _sam_onnx,
}

# What needs no more than a name.
NAMED = {
    "interactive-lite": MaskBackendSettings(),
    "grabcut": MaskBackendSettings(kind="grabcut"),
    "stcn-lite": MaskBackendSettings(kind="stcn"),
}


def build_backend(settings: MaskBackendSettings) -> MaskBackend:
    """The backend that the settings name, with its weights loaded.

    Raises:
        FileNotFoundError: its weights are not there; the message says how to get them.
        InputError: its weights or a setting do not fit.
    """
    return BUILDERS[settings.kind](settings)


def read_backend_settings(path: str | Path) -> MaskBackendSettings:
    """Settings from a YAML file.

    Raises:
        InputError: a key is unknown (the nearest is named) or a value cannot be meant.
    """
    return parse_settings(MaskBackendSettings, ["--config", str(path)])


def backend_by_name(name: str) -> MaskBackendSettings:
    """The settings that a word on the command line stands for.

    Args:
        name: a key of `NAMED`; a YAML file with settings; or a .safetensors file with weights of an
            interactive segmenter.

    Raises:
        FileNotFoundError: there is no such YAML file (whether weights are there is seen when they
            are loaded).
        InputError: the name is unknown (the nearest is named), or the file does not fit.
    """
    if name in NAMED:
        return NAMED[name]
    suffix = Path(name).suffix.lower()
    if suffix in (".yaml", ".yml"):
        if not Path(name).is_file():
            raise FileNotFoundError(f"{name}: expected a YAML file with a mask backend, found none")
        return read_backend_settings(name)
    if suffix == ".safetensors":
        return MaskBackendSettings(path=name)
    hint = "; a backend that needs a path is named in a YAML file (docs/mask_backends.md)"
    if name not in BUILDERS:
        near = difflib.get_close_matches(name, NAMED, n=1, cutoff=0.5)
        hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(
        f"backend: expected {', '.join(NAMED)}, a YAML file or a .safetensors file, found "
        f"{name!r}{hint}"
    )
