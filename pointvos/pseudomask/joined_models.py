"""Models for a video by name: a network, or a mask backend and the network that goes on from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.inference.models import (
    PropagationSettings,
    TrainedModel,
    UsedSettings,
    load_model,
)
from pointvos.inference.propagate import VideoModel
from pointvos.inference.segmentation import Segmentation
from pointvos.pseudomask.backend import MaskBackend
from pointvos.pseudomask.builders import backend_by_name, build_backend
from pointvos.pseudomask.start_from_masks import StartFromMasks

JOINED = "+"  # between a mask backend and what starts from its masks
DEFAULT_MODEL = "interactive-lite+stcn-lite-masks"  # the best that is shipped: docs/results.md


@dataclass(frozen=True, eq=False)
class JoinedModel:
    """A network that starts from masks which a backend makes of the points.

    Attributes:
        name: as it was asked for.
        backend: makes the masks.
        model: goes on from them, and from masks that are given.
    """

    name: str
    backend: MaskBackend
    model: TrainedModel

    def propagator(
        self, settings: PropagationSettings | None = None
    ) -> StartFromMasks[Segmentation]:
        """A new propagator; values of `settings` that are None take the model's."""
        return StartFromMasks(self.backend, self.model.propagator(settings))

    def used_settings(self, settings: PropagationSettings | None = None) -> UsedSettings:
        """See `VideoModel`."""
        return self.model.used_settings(settings)


def joined_parts(name: str) -> list[str]:
    """The names that are joined by plus signs; one in the path of a file joins nothing.

    >>> joined_parts("interactive-lite+stcn-lite-masks")
    ['interactive-lite', 'stcn-lite-masks']
    """
    pieces, parts = name.split(JOINED), []
    while pieces:
        lengths = range(len(pieces), 1, -1)
        files = (n for n in lengths if Path(JOINED.join(pieces[:n])).exists())
        length = next(files, 1)
        parts.append(JOINED.join(pieces[:length]))
        pieces = pieces[length:]
    return parts


def open_model(name: str = DEFAULT_MODEL, *, device: str = "cpu") -> VideoModel:
    """A model by name.

    Args:
        name: what `load_model` takes, or a backend that `backend_by_name` knows, a plus sign and
            such a name.
        device: of torch, for both.

    Raises:
        FileNotFoundError: there are no such weights.
        InputError: a name is unknown, or weights do not fit.
    """
    first, *others = joined_parts(name)
    if not others:
        return load_model(name, device=device)
    backend = replace(backend_by_name(first), device=device)
    try:
        model = load_model(JOINED.join(others), device=device)
    except InputError as error:
        raise InputError(f"{name}: {error}") from error
    return JoinedModel(name, build_backend(backend), model)
