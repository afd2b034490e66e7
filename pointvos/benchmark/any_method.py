"""Methods by name, also such that start from the masks of a backend (paper, section 4.1)."""

from __future__ import annotations

from pointvos.benchmark.methods import Method, open_method
from pointvos.inference.models import PropagationSettings
from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import MaskBackendSettings, backend_by_name, build_backend
from pointvos.pseudomask.joined_models import JOINED, joined_parts
from pointvos.pseudomask.start_from_masks import StartFromMasks


def open_any_method(
    name: str, settings: PropagationSettings | None = None, *, device: str = "cpu"
) -> Method:
    """A method by name, or `<backend>+<method>`: the method started from the backend's masks.

    Args:
        name: what `open_method` takes, or a backend that `backend_by_name` knows, a plus sign and
            such a name.
        settings: how a model is run over a video; None for its own.
        device: of torch, for models.

    Raises:
        FileNotFoundError: there are no such weights.
        InputError: a name is unknown, or weights do not fit.
    """
    first, *others = joined_parts(name)
    if not others:
        return open_method(name, settings, device=device)
    backend_settings = backend_by_name(first)
    method = open_method(JOINED.join(others), settings, device=device)
    backend = build_backend(backend_settings)
    digest = f"{_digest(backend_settings)}{JOINED}{method.weights_sha256}"
    return Method(name, lambda: StartFromMasks(backend, method.start()), digest)


def _digest(settings: MaskBackendSettings) -> str:
    return f"{settings!r} {weights_sha256(settings)}"
