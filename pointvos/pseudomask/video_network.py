"""A video network as a mask backend: what it makes of points on the frame they stand on."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pointvos.core.errors import InputError
from pointvos.core.points import PointLabel, Points
from pointvos.inference.models import TrainedModel, load_model
from pointvos.inference.propagator import GivenObject
from pointvos.nn.stcn import KeyEncoder, QueryFeatures
from pointvos.pseudomask.backend import CheckedPrompt, MaskResult, Prompt, checked_prompts
from pointvos.pseudomask.expected_iou import expected_iou
from pointvos.pseudomask.segment_anything import TRACE_POINTS
from pointvos.pseudomask.traces import points_along

DEFAULT = "stcn-lite"


class VideoNetworkBackend:
    """A `MaskBackend` that starts a `Propagator` on the image.

    A trace becomes `trace_points` foreground points. An earlier mask alone is the result; beside
    points it is not used.

    Attributes:
        model: what is run, with the settings it was tuned with.
        trace_points: foreground points that a trace becomes.
    """

    def __init__(self, model: TrainedModel, *, trace_points: int = TRACE_POINTS) -> None:
        if trace_points < 1:
            raise InputError(f"trace_points: expected at least 1, found {trace_points}")
        self.model = model
        self.trace_points = trace_points

    def masks(
        self,
        image: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        background: Points | None = None,
    ) -> list[MaskResult]:
        """One mask for each prompt, none of which overlap; see `MaskBackend`."""
        checked = checked_prompts(image, prompts, background)
        if not checked:
            return []
        given = {number: self._given(prompt) for number, prompt in enumerate(checked, start=1)}
        segmentation = self.model.propagator().step(image, given)
        index = segmentation.index_mask()
        return [
            MaskResult(index == number, expected_iou(index == number, segmentation.prob_of(number)))
            for number in given
        ]

    def _given(self, prompt: CheckedPrompt) -> GivenObject:
        positive = prompt.positive
        if prompt.trace is not None:
            positive = np.concatenate([positive, points_along(prompt.trace, self.trace_points)])
        if not len(positive):
            assert prompt.previous is not None  # a checked prompt says where its object is
            return prompt.previous
        labels = [PointLabel.FOREGROUND] * len(positive)
        labels += [PointLabel.BACKGROUND] * len(prompt.negative)
        return Points(np.concatenate([positive, prompt.negative]), np.array(labels, np.int8))


def load_video_network(
    name: str = "", *, trace_points: int = TRACE_POINTS, device: str = "cpu"
) -> VideoNetworkBackend:
    """A video network by name.

    Args:
        name: what `load_model` takes; stcn-lite for an empty one.
        trace_points: foreground points that a trace becomes.
        device: of torch.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: the name is unknown, or the weights are of another architecture.
    """
    model = load_model(name or DEFAULT, device=device)
    # An image that is segmented again costs less: its key features do not depend on the points.
    copies = len(model.defaults.reference_scales or (1.0,))
    model.network.key_encoder = LatestKeyFeatures(model.network.key_encoder, copies=copies)
    return VideoNetworkBackend(model, trace_points=trace_points)


class LatestKeyFeatures(nn.Module):
    """A key encoder that keeps the features of the latest images.

    Args:
        encoder: what makes them.
        copies: how many are kept: a `Propagator` looks at an image in copies of several sizes.
    """

    def __init__(self, encoder: KeyEncoder, *, copies: int) -> None:
        super().__init__()
        self.encoder = encoder
        self._kept: deque[tuple[Tensor, QueryFeatures]] = deque(maxlen=copies)

    def forward(self, frames_BCHW: Tensor) -> QueryFeatures:
        """Features of frames [B, 3, H, W]."""
        for frames, features in self._kept:
            if frames.shape == frames_BCHW.shape and torch.equal(frames, frames_BCHW):
                return features
        features = self.encoder(frames_BCHW)
        self._kept.append((frames_BCHW, features))
        return features
