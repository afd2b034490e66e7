"""What is evaluated: trained models and baselines behind one interface."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pointvos.benchmark.baselines import HullBaseline, NearestColourBaseline
from pointvos.benchmark.nearest_feature import LastFrame, NearestFeatureBaseline, imagenet_trunk
from pointvos.core.errors import InputError
from pointvos.inference.models import PropagationSettings, load_model, weights_digest
from pointvos.inference.propagator import GivenObject, Propagator
from pointvos.nn.stcn import STCN, KeyEncoder, QueryFeatures


class Tracker(Protocol):
    """Follows the objects of one video."""

    def step(
        self, frame: NDArray[np.uint8], new_objects: Mapping[int, GivenObject] | None = None
    ) -> NDArray[np.uint8]:
        """Segment the next frame.

        Args:
            frame: RGB uint8 [H, W, 3].
            new_objects: object id to foreground points, or a bool mask [H, W], on this frame.

        Returns:
            Object ids, uint8 [H, W]; 0 is background.
        """


@dataclass(frozen=True)
class Method:
    """Something to evaluate.

    Attributes:
        name: as it was asked for.
        start: gives a tracker for a new video; several may run side by side.
        weights_sha256: of the network's weights; empty for a baseline.
    """

    name: str
    start: Callable[[], Tracker]
    weights_sha256: str = ""


def _nearest_feature() -> Callable[[], Tracker]:
    imagenet_trunk()  # missing weights are noticed now, not in the middle of a run
    return partial(NearestFeatureBaseline, LastFrame())


# Each gives what starts a tracker.
BASELINES: dict[str, Callable[[], Callable[[], Tracker]]] = {
    "hull": lambda: HullBaseline,
    "nearest_colour": lambda: NearestColourBaseline,
    "nearest_feature": _nearest_feature,
}


def open_method(
    name: str, settings: PropagationSettings | None = None, *, device: str = "cpu"
) -> Method:
    """A baseline or a model by name.

    Args:
        name: a key of `BASELINES`, or what `pointvos.inference.models.load_model` takes.
        settings: how a model is run over a video; None for its own.
        device: of torch, for models.

    Raises:
        FileNotFoundError: there are no such weights.
        InputError: the name is unknown, or the weights are of another architecture.
    """
    if name in BASELINES:
        return Method(name, BASELINES[name]())
    try:
        model = load_model(name, device=device)
    except InputError as error:
        if str(error).startswith("model:"):  # an unknown name: there are more than models
            raise InputError(f"{error}; baselines are {', '.join(BASELINES)}") from error
        raise
    digest = weights_digest(model.network)
    share_key_features(model.network)
    return Method(name, lambda: _NetworkTracker(model.propagator(settings)), digest)


def share_key_features(network: STCN) -> None:
    """Make trackers that go through a video side by side encode each frame once.

    The key encoder sees no mask (role 1 of `pointvos.nn.stcn`), so its features are the same for
    every number and draw of points.
    """
    network.key_encoder = LastFrameFeatures(network.key_encoder)


class LastFrameFeatures(nn.Module):
    """A key encoder that keeps the features of the last frame and gives them again."""

    def __init__(self, encoder: KeyEncoder) -> None:
        super().__init__()
        self._encoder = encoder
        self._frame: Tensor | None = None
        self._features: QueryFeatures | None = None

    def forward(self, frames_BCHW: Tensor) -> QueryFeatures:
        """Features of frames [B, 3, H, W]."""
        if (
            self._features is None
            or self._frame is None
            or not torch.equal(frames_BCHW, self._frame)
        ):
            self._features = self._encoder(frames_BCHW)
            self._frame = frames_BCHW
        return self._features


class _NetworkTracker:
    """A propagator that gives object ids instead of probabilities."""

    def __init__(self, propagator: Propagator) -> None:
        self._propagator = propagator

    def step(
        self, frame: NDArray[np.uint8], new_objects: Mapping[int, GivenObject] | None = None
    ) -> NDArray[np.uint8]:
        """See `Tracker`."""
        # Ids come from palette masks and fit into a byte.
        return self._propagator.step(frame, new_objects).index_mask().astype(np.uint8, copy=False)
