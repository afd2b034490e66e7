"""Points -> pseudo-masks -> any method: the paper's second baseline at test time (section 4.1)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from pointvos.benchmark.methods import Method, Tracker, open_method
from pointvos.core.points import Points
from pointvos.inference.models import PropagationSettings
from pointvos.inference.propagator import GivenObject
from pointvos.pseudomask.backend import MaskBackend, Prompt
from pointvos.pseudomask.backend_weights import weights_sha256
from pointvos.pseudomask.builders import MaskBackendSettings, backend_by_name, build_backend
from pointvos.pseudomask.overlaps import resolve_overlaps

JOINED = "+"  # between a mask backend and the method that starts from its masks


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
    before, joined, after = name.partition(JOINED)
    if not joined:
        return open_method(name, settings, device=device)
    backend_settings = backend_by_name(before)
    method = open_method(after, settings, device=device)
    backend = build_backend(backend_settings)
    digest = f"{_digest(backend_settings)}{JOINED}{method.weights_sha256}"
    return Method(name, lambda: PseudoMaskTracker(backend, method.start()), digest)


def _digest(settings: MaskBackendSettings) -> str:
    return f"{settings!r} {weights_sha256(settings)}"


class PseudoMaskTracker:
    """Starts a tracker from the masks that a backend makes of points.

    Foreground points alone are used, as for every method (paper, appendix D). Masks of one frame do
    not overlap, see `pointvos.pseudomask.overlaps`. An object for which the backend finds nothing
    starts from its points.
    """

    def __init__(self, backend: MaskBackend, tracker: Tracker) -> None:
        self._backend = backend
        self._tracker = tracker

    def step(
        self, frame: NDArray[np.uint8], new_objects: Mapping[int, GivenObject] | None = None
    ) -> NDArray[np.uint8]:
        """See `Tracker`."""
        given = dict(new_objects or {})
        points_of = {i: what.foreground for i, what in given.items() if isinstance(what, Points)}
        prompts = [Prompt(points=points, name=f"object {i}") for i, points in points_of.items()]
        found = self._backend.masks(frame, prompts)
        masks = resolve_overlaps(
            [result.mask for result in found],
            [result.score for result in found],
            [points.xy for points in points_of.values()],
        )
        given.update((i, mask) for i, mask in zip(points_of, masks, strict=True) if mask.any())
        return self._tracker.step(frame, given)
