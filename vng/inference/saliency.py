"""What stands out of a frame, whatever was asked: the yardstick for what language adds.

No noun, no narrative, no motion and no training on masks. The border of a frame is taken for
background; a place stands out by how little it looks like what is there, in colour and in the
features of a trunk trained on ImageNet, and by how near it is to the centre. The mask is what is
above Otsu's threshold. Every noun of a video gets the same masks.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from pointvos.core.weights import imagenet_lite0_file, read_weights
from pointvos.nn.efficientnet_lite import (
    PIXEL_MEAN,
    PIXEL_STD,
    EfficientNetLite0,
    load_imagenet_lite0,
)
from vng.inference.grounding import Frame, FrameGrounding, Memory, check_question
from vng.inference.packed_masks import PackedMasks
from vng.text.spans import Span

SHORT_SIDE, STRIDE = 224, 32  # pixels inside the trunk; its sides are multiples of the stride
COLOUR_SIDE = 64  # pixels, of the small frame whose colours are compared
LONGEST = 3  # times the short side; frames that are longer yet are squeezed
BORDER = 0.08  # of the short side: the rim that is taken for background
NEAREST = 5  # places of the rim that a place is compared with, those most like it
REMEMBERED = 300  # frames: a video is asked for several narratives, one after the other
CENTRE = 0.35  # standard deviation of the preference for the centre, in sides of the frame


class Saliency:
    """A `GroundingMethod` that does not listen.

    Raises:
        FileNotFoundError: the package with the weights of the trunk is not installed.
    """

    name = "saliency"
    identity = "saliency 1"

    def __init__(self) -> None:
        self._trunk = EfficientNetLite0().eval()
        load_imagenet_lite0(self._trunk, read_weights(imagenet_lite0_file())[0])
        self._remembered: OrderedDict[bytes, tuple[PackedMasks, float]] = OrderedDict()

    def check(self, text: str, spans: Sequence[Span]) -> None:
        """See `GroundingMethod`."""
        check_question(text, spans)

    def ground(
        self,
        frames: Iterable[Frame],
        text: str,
        spans: Sequence[Span],
        *,
        memory: Memory | None = None,
    ) -> Iterator[FrameGrounding]:
        """See `GroundingMethod`; the score is how much the mask stands out of the rest.

        Frames are looked at one by one, so that it can go on anywhere, whatever the memory.
        """
        del memory
        self.check(text, spans)
        for frame in frames:
            mask, contrast = self._mask(frame)
            yield FrameGrounding(
                np.repeat(mask[None], len(spans), axis=0),
                np.full(len(spans), contrast, np.float32),
                memory={},
            )

    def _mask(self, frame: Frame) -> tuple[NDArray[np.bool_], float]:
        key = hashlib.blake2b(repr(frame.shape).encode() + frame.tobytes()).digest()
        if key not in self._remembered:
            salient = self.saliency(frame)
            mask = salient > _otsu(salient)
            contrast = float(salient[mask].mean() - salient[~mask].mean()) if mask.any() else 0.0
            self._remembered[key] = PackedMasks.of(mask), contrast
            if len(self._remembered) > REMEMBERED:
                self._remembered.popitem(last=False)
        packed, contrast = self._remembered[key]
        return packed.unpacked(), contrast

    def saliency(self, frame: Frame) -> NDArray[np.float32]:
        """How much each pixel stands out, float [H, W] from 0 to 1."""
        height, width = frame.shape[:2]
        by_feature = self._feature_contrast(frame)
        by_colour = cv2.resize(_colour_contrast(frame), by_feature.shape[::-1])
        both = by_feature * by_colour * _centre(*by_feature.shape)
        full = cv2.resize(both, (width, height), interpolation=cv2.INTER_LINEAR)
        spread = float(full.max() - full.min())
        return np.asarray((full - full.min()) / (spread or 1.0), np.float32)

    def _feature_contrast(self, frame: Frame) -> NDArray[np.float32]:
        height, width = frame.shape[:2]
        scale = SHORT_SIDE / min(height, width)
        sides = [min(side * scale, LONGEST * SHORT_SIDE) for side in (height, width)]
        size = [max(1, round(side / STRIDE)) * STRIDE for side in sides]
        frame_13HW = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
        frame_13HW = F.interpolate(frame_13HW, size, mode="bilinear", antialias=True) / 255
        with torch.inference_mode():
            found = self._trunk((frame_13HW - PIXEL_MEAN[0]) / PIXEL_STD[0])
            f32_1Chw = F.interpolate(found.f32_BCHW, found.f16_BCHW.shape[-2:], mode="bilinear")
            both = (F.normalize(found.f16_BCHW, dim=1), F.normalize(f32_1Chw, dim=1))
            feature_hwC = torch.cat(both, dim=1)[0].permute(1, 2, 0).numpy()
        like = (
            feature_hwC.reshape(-1, feature_hwC.shape[-1])
            @ feature_hwC[_rim(*feature_hwC.shape[:2])].T
        )
        return _mean_of_most(-like, feature_hwC.shape[:2]) + 2.0  # two cosines: at most 2


def _colour_contrast(frame: Frame) -> NDArray[np.float32]:
    """Distance in Lab from the colours of the rim, on a small frame."""
    scale = COLOUR_SIDE / min(frame.shape[:2])
    longest = LONGEST * COLOUR_SIDE
    size = [max(1, min(round(side * scale), longest)) for side in frame.shape[1::-1]]
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB)
    rim = lab[_rim(*lab.shape[:2])][::5]
    places = lab.reshape(-1, 3)
    distance = np.sqrt(
        np.maximum((places**2).sum(1)[:, None] - 2 * places @ rim.T + (rim**2).sum(1), 0)
    )
    return _mean_of_most(distance, lab.shape[:2])


def _mean_of_most(distance: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Mean distance of each place [P] to the places of the rim [R] that it is most like, [h, w]."""
    count = min(NEAREST, distance.shape[1])
    nearest = np.partition(distance, count - 1, axis=1)[:, :count]
    return np.asarray(nearest.mean(axis=1).reshape(shape), np.float32)


def _rim(height: int, width: int) -> NDArray[np.bool_]:
    """The rim of a grid, bool [h, w]."""
    thick = max(1, round(BORDER * min(height, width)))
    rim = np.ones((height, width), bool)
    rim[thick:-thick, thick:-thick] = False
    return rim


def _centre(height: int, width: int) -> NDArray[np.float32]:
    y = (np.arange(height) + 0.5) / height - 0.5
    x = (np.arange(width) + 0.5) / width - 0.5
    square = y[:, None] ** 2 + x[None] ** 2
    return np.asarray(np.exp(-square / (2 * CENTRE**2)), np.float32)


def _otsu(salient: NDArray[np.float32]) -> float:
    grey = (salient * 255).astype(np.uint8)
    threshold, _ = cv2.threshold(grey, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return float(threshold) / 255
