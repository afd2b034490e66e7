"""What the Segment-Anything backends share; the network itself is plugged in.

C candidate masks, H W image size, h w size of the network's masks.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointvos.core import geometry
from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.pseudomask.backend import CheckedPrompt, MaskResult, Prompt, checked_prompts
from pointvos.pseudomask.sam_frame import SamFrame
from pointvos.pseudomask.traces import points_along

Choice = Literal["predicted_iou", "points", "single"]
"""Which of a network's candidate masks is taken: the one that it rates highest; the one that agrees
with most of the given points, the rating deciding between equals; or the one mask that it gives
when told that the prompt is not ambiguous (segment-anything advises this from several points on).
"""

ON_OBJECT, OFF_OBJECT = 1, 0  # point labels of every Segment-Anything network
TRACE_POINTS = 8


class SamNetwork(Protocol):
    """One Segment-Anything network, whatever runs it.

    Attributes:
        side: of its square input, in pixels.
        mask_side: of its square mask input, in pixels.
        keep_aspect: whether images are padded to the square rather than stretched.
    """

    side: int
    mask_side: int
    keep_aspect: bool

    def encode(self, image: NDArray[np.uint8], frame: SamFrame) -> Any:
        """The encoding of an image (RGB uint8 [H, W, 3]); whatever `decode` takes."""

    def decode(
        self,
        encoding: Any,
        positions: NDArray[np.float32],
        labels: NDArray[np.int64],
        mask_logits: NDArray[np.float32] | None,
        *,
        several: bool,
    ) -> tuple[Tensor, Tensor]:
        """Candidate masks of one object.

        Args:
            encoding: of the image.
            positions: float32 [P, 2] from `SamFrame.positions`; P may be 0.
            labels: int64 [P], `ON_OBJECT` or `OFF_OBJECT`.
            mask_logits: float32 [1, 1, mask_side, mask_side] of an earlier mask, or None.
            several: candidates for an ambiguous prompt, or one mask.

        Returns:
            Logits [C, h, w] and predicted IoU [C], on any device.
        """


class SegmentAnything:
    """A `MaskBackend` around a Segment-Anything network.

    A trace becomes `trace_points` foreground points along it (`points_along`). Objects are decoded
    one by one: padding prompts to a common number of points changes the logits of the shorter ones.

    Attributes:
        network: what is run.
        choose: see `Choice`.
        trace_points: foreground points that a trace becomes.
    """

    def __init__(
        self,
        network: SamNetwork,
        *,
        choose: Choice = "predicted_iou",
        trace_points: int = TRACE_POINTS,
    ) -> None:
        if choose not in get_args(Choice):
            raise InputError(f"choose: expected {', '.join(get_args(Choice))}, found {choose!r}")
        if trace_points < 1:
            raise InputError(f"trace_points: expected at least 1, found {trace_points}")
        self.network = network
        self.choose = choose
        self.trace_points = trace_points
        self._latest: tuple[bytes, Any] | None = None

    @torch.inference_mode()
    def masks(
        self,
        image: NDArray[np.uint8],
        prompts: Sequence[Prompt],
        *,
        background: Points | None = None,
    ) -> list[MaskResult]:
        """One mask for each prompt; see `MaskBackend`."""
        checked = checked_prompts(image, prompts, background)
        if not checked:
            return []
        height, width = image.shape[:2]
        frame = SamFrame(height, width, self.network.side, self.network.keep_aspect)
        encoding = self._encoding(image, frame)
        return [self._segment(encoding, frame, prompt) for prompt in checked]

    def _encoding(self, image: NDArray[np.uint8], frame: SamFrame) -> Any:
        # By content: a caller may refill the same array with the next frame.
        digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16)
        digest.update(repr(image.shape).encode())
        key = digest.digest()
        latest = self._latest  # read once: another thread may replace it
        if latest is None or latest[0] != key:
            self._latest = latest = None  # frees the old one before the new one is made
            self._latest = latest = key, self.network.encode(image, frame)
        return latest[1]

    def _segment(self, encoding: Any, frame: SamFrame, prompt: CheckedPrompt) -> MaskResult:
        positive = prompt.positive
        if prompt.trace is not None:
            along = points_along(prompt.trace, self.trace_points)
            positive = np.concatenate([positive, along])
        xy = np.concatenate([positive, prompt.negative])
        labels = np.repeat([ON_OBJECT, OFF_OBJECT], [len(positive), len(prompt.negative)])
        earlier = None
        if prompt.previous is not None:
            earlier = frame.mask_logits(prompt.previous, self.network.mask_side)
        logits, iou = self.network.decode(
            encoding,
            frame.positions(xy),
            labels.astype(np.int64),
            earlier,
            several=self.choose != "single",
        )
        candidates = (frame.upscaled(logits) > 0).cpu().numpy()
        rating = iou.float().clamp(0, 1).cpu().numpy()
        if self.choose == "points":
            agreeing = agreement(candidates, xy, labels)
            best = int(np.lexsort((rating, agreeing))[-1])
        else:
            best = int(rating.argmax())
        return MaskResult(candidates[best], float(rating[best]))


def agreement(
    masks: NDArray[np.bool_], xy: NDArray[np.float32], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """How many of the points [P, 2] lie on the right side of each of the masks [C, H, W]; [C]."""
    x, y = geometry.pixels_at(xy).T
    agreeing = masks[:, y, x] == (labels == ON_OBJECT)
    return np.asarray(agreeing.sum(axis=1), dtype=np.int64)
