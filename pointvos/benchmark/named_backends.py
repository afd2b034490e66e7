"""Mask backends that are evaluated, by the names they were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pointvos.core.errors import InputError
from pointvos.pseudomask.backend import MaskBackend
from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import MaskBackendSettings, backend_by_name, build_backend


@dataclass(frozen=True, eq=False)
class NamedBackend:
    """A backend to evaluate.

    Attributes:
        name: as it was asked for.
        backend: with its weights loaded.
        settings: that it was made from; None for one that was made in code.
        weights_sha256: of the files of its network; empty without any.
    """

    name: str
    backend: MaskBackend
    settings: MaskBackendSettings | None = None
    weights_sha256: str = ""


def open_backends(names: Sequence[str], *, device: str | None = None) -> list[NamedBackend]:
    """Backends with their weights.

    Args:
        names: each as `backend_by_name` takes it.
        device: where networks run; None for what their settings say.

    Raises:
        FileNotFoundError: a file is not there; the message says how to get it.
        InputError: there is no name, a name comes twice or is unknown, or weights do not fit.
    """
    if not names or len(set(names)) < len(names):
        raise InputError(f"backends: expected names, each once, found {', '.join(names) or 'none'}")
    opened = []
    for name in names:
        settings = backend_by_name(name)
        if device is not None:
            settings = replace(settings, device=device)
        backend = build_backend(settings)
        opened.append(NamedBackend(name, backend, settings, weights_sha256(settings)))
    return opened
