"""A backend from settings; the list of kinds."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from pointvos.core.command_line import parse_settings
from pointvos.core.errors import InputError
from pointvos.pseudomask.backend import MaskBackend
from pointvos.pseudomask.grabcut import GrabCut
from pointvos.pseudomask.sam import load_sam
from pointvos.pseudomask.sam2 import load_sam2
from pointvos.pseudomask.sam_onnx import load_sam_onnx
from pointvos.pseudomask.segment_anything import TRACE_POINTS, Choice


@dataclass(frozen=True, kw_only=True)
class MaskBackendSettings:
    """Which backend makes masks, and how; what a kind has no use for is ignored."""

    kind: str = "grabcut"
    """grabcut (no weights), sam, sam2, sam_onnx."""
    path: str = ""
    """sam and sam2: a checkpoint folder, or a name such as facebook/sam-vit-base; sam_onnx: a
    folder with an encoder and a decoder; grabcut: nothing."""
    device: str = "cpu"
    """Where the network runs: cpu, cuda, mps, as far as its library has them."""
    choose: Choice = "predicted_iou"
    """Which of SAM's candidate masks is taken: the one rated highest, the one that agrees with most
    points, or the single mask for prompts that are not ambiguous."""
    trace_points: int = TRACE_POINTS
    """Foreground points that a mouse trace becomes for SAM."""
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


def _grabcut(settings: MaskBackendSettings) -> MaskBackend:
    return GrabCut(side=settings.side, iterations=settings.iterations)


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
    "grabcut": _grabcut,
    "sam": _sam,
    "sam2": _sam2,
    "sam_onnx": _sam_onnx,
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
