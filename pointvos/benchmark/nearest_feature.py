"""An untrained memory read: nearest neighbours among ImageNet features of the reference frame."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.benchmark.baselines import Frame, Index, NewObjects, surroundings
from pointvos.core.geometry import scaling
from pointvos.core.points import Points
from pointvos.core.sampling import sample_at_points
from pointvos.core.weights import imagenet_lite0_file, read_weights
from pointvos.nn.efficientnet_lite import (
    PIXEL_MEAN,
    PIXEL_STD,
    EfficientNetLite0,
    load_imagenet_lite0,
)

SHORT_SIDE = 352  # pixels inside the trunk, as `stcn_lite` uses it
TRUNK_STRIDE = 32


@cache
def imagenet_trunk() -> EfficientNetLite0:
    """The trunk of `stcn_lite` before any training on videos.

    Raises:
        FileNotFoundError: the package with its weights is not installed.
    """
    trunk = EfficientNetLite0().eval()
    load_imagenet_lite0(trunk, read_weights(imagenet_lite0_file())[0])
    return trunk


def describe(frame: Frame) -> Tensor:
    """Features of an RGB frame uint8 [H, W, 3], float [1, C, h, w].

    Strides 16 and 32 side by side on the grid of stride 16, each of unit length: a dot product is
    the sum of two cosines.
    """
    height, width = frame.shape[:2]
    scale = SHORT_SIDE / min(height, width)
    size = [max(1, round(side * scale / TRUNK_STRIDE)) * TRUNK_STRIDE for side in (height, width)]
    frame_BCHW = torch.from_numpy(frame).permute(2, 0, 1)[None].float() / 255
    frame_BCHW = F.interpolate(frame_BCHW, size, mode="bilinear", antialias=True)
    with torch.inference_mode():
        features = imagenet_trunk()((frame_BCHW - PIXEL_MEAN[0]) / PIXEL_STD[0])
    f16_BCHW, f32_BCHW = features.f16_BCHW, features.f32_BCHW
    f32_BCHW = F.interpolate(f32_BCHW, f16_BCHW.shape[-2:], mode="bilinear")
    return torch.cat([F.normalize(f16_BCHW, dim=1), F.normalize(f32_BCHW, dim=1)], dim=1)


class LastFrame:
    """`describe` for trackers that go through a video side by side: each frame once."""

    def __init__(self) -> None:
        self._frame: Frame | None = None
        self._features_BCHW: Tensor | None = None

    def describe(self, frame: Frame) -> Tensor:
        """See `describe`; frames are told apart by identity."""
        if self._features_BCHW is None or frame is not self._frame:
            self._frame, self._features_BCHW = frame, describe(frame)
        return self._features_BCHW


class NearestFeatureBaseline:
    """Every position takes the class of the most similar feature on the reference frames.

    Features of an object are those at its points, or of the cells in its mask.

    Args:
        last_frame: shared with the other trackers of the video.
    """

    def __init__(self, last_frame: LastFrame) -> None:
        self._last_frame = last_frame
        self._examples_of: dict[int, list[Tensor]] = {}  # class -> [C, M]; 0 is the background

    def step(self, frame: Frame, new_objects: NewObjects | None = None) -> Index:
        """Object ids, uint8 [H, W]; see `pointvos.benchmark.methods.Tracker`."""
        size = frame.shape[:2]
        if not new_objects and not self._examples_of:
            return np.zeros(size, dtype=np.uint8)
        features_BCHW = self._last_frame.describe(frame)
        if new_objects:
            self._learn(features_BCHW, new_objects, *size)
        query_QC = features_BCHW[0].flatten(1).T
        classes = sorted(self._examples_of)
        similarity_KQ = torch.stack(
            [(query_QC @ torch.cat(self._examples_of[k], dim=1)).amax(dim=1) for k in classes]
        )
        similarity_KHW = similarity_KQ.unflatten(1, features_BCHW.shape[2:])
        resized_KHW = F.interpolate(similarity_KHW[None], size, mode="bilinear")[0]
        index: Index = np.array(classes, dtype=np.uint8)[resized_KHW.numpy().argmax(axis=0)]
        return index

    def _learn(
        self, features_BCHW: Tensor, new_objects: NewObjects, height: int, width: int
    ) -> None:
        cells = features_BCHW.shape[2:]

        def under(mask_HW: Tensor) -> Tensor:
            """Features [C, M] of the cells that a mask covers most; at least one."""
            covered_hw = F.interpolate(mask_HW[None, None].float(), cells, mode="area")[0, 0]
            return features_BCHW[0][:, covered_hw >= covered_hw.max().clamp(max=0.5)]

        if not self._examples_of:
            far = surroundings(new_objects, height, width)
            if far.any():
                self._examples_of[0] = [under(torch.from_numpy(far))]
        for object_id, what in new_objects.items():
            if isinstance(what, Points):
                on_cells = scaling(cells[1] / width, cells[0] / height)
                xy_P2 = torch.from_numpy(what.foreground.moved(on_cells).xy)
                examples = sample_at_points(features_BCHW, xy_P2[None])[0]
            else:
                examples = under(torch.from_numpy(what.astype(bool)))
            self._examples_of.setdefault(object_id, []).append(examples)
