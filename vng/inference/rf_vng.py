"""Grounding with RF-VNG, in windows of a video (ReferFormer's rule of inference)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.core.errors import InputError
from vng.inference.grounding import Frame, FrameGrounding, Memory, check_question
from vng.inference.windows import LinkedQueries, windows
from vng.nn.predictions import BestGrounding
from vng.nn.rf_vng import RFVNG
from vng.text.features import TextFeatures
from vng.text.queries import Query, asked_text, noun_queries
from vng.text.spans import Span, tokens_of_spans


@dataclass(frozen=True, kw_only=True)
class GroundingSettings:
    """How a network is run over a video; None takes the value that its architecture has."""

    short_side: int | None = None
    """Short side of the frame inside the network, in pixels; 0 for the native size."""
    window: int | None = None
    """Frames that the network sees at once; longer videos are cut into windows."""
    threshold: float = 0.5
    """Least probability of a pixel of a mask."""
    presence: float | None = None
    """Least score of a noun on a frame; below it the noun is taken to be absent there, and its mask
    is empty. 0 keeps all masks."""
    dtype: Literal["float32", "bfloat16", "float16"] = "float32"
    """Type of most sums inside the network; the shorter ones are for GPUs, and for processors with
    instructions for them."""

    def __post_init__(self) -> None:
        """Refuse values that cannot be meant."""
        if self.short_side is not None and self.short_side < 0:
            raise InputError(f"short_side: expected at least 0, found {self.short_side}")
        if self.window is not None and self.window < 1:
            raise InputError(f"window: expected at least 1, found {self.window}")
        if not 0 < self.threshold < 1:
            raise InputError(f"threshold: expected a value in (0, 1), found {self.threshold}")
        if self.presence is not None and not 0 <= self.presence <= 1:
            raise InputError(f"presence: expected a value in [0, 1], found {self.presence}")


class RFVNGGrounding:
    """A `GroundingMethod` around RF-VNG.

    In each window the query of a noun is chosen by its scores (`LinkedQueries`); its mask is
    resized to the frame and cut at the threshold, its score is that of the frame. Where the score
    is too low, the mask is empty.

    Args:
        name: as it was asked for.
        network: on its device.
        text: the text encoder it was trained with.
        query: what stands for a noun.
        short_side: of frames inside the network, in pixels; 0 for the native size.
        window: frames at once.
        threshold: of the probability of a pixel.
        presence: least score of a noun that has a mask.
        dtype: of most sums inside the network.
        weights_sha256: of all weights.
    """

    def __init__(
        self,
        *,
        name: str,
        network: RFVNG,
        text: TextFeatures,
        query: Query,
        short_side: int,
        window: int,
        threshold: float = 0.5,
        presence: float = 0.0,
        dtype: torch.dtype = torch.float32,
        weights_sha256: str = "",
    ) -> None:
        self.name = name
        self.network = network.eval()
        self.text = text
        self.query = query
        self.short_side = short_side
        self.window = window
        self.threshold = threshold
        self.presence = presence
        self.dtype = dtype
        run = (
            f"{query}, short side {short_side}, window {window}, threshold {threshold}, presence "
            f"{presence}, {str(dtype).removeprefix('torch.')}"
        )
        self.identity = f"{weights_sha256} {run}"

    def check(self, text: str, spans: Sequence[Span]) -> None:
        """See `GroundingMethod`; nouns must also be known to the tokenizer."""
        check_question(text, spans)
        tokenized = self.text.encoder.tokenizer(
            text, add_special_tokens=False, return_offsets_mapping=True, verbose=False
        )
        offset_1L2 = torch.tensor(tokenized["offset_mapping"], dtype=torch.int64).view(1, -1, 2)
        for start, end in spans:
            try:
                tokens_of_spans(offset_1L2, [[(start, end)]])
            except ValueError as error:
                raise InputError(
                    f"expected a noun that the text encoder can read at characters {start} to "
                    f"{end} of {text[:40]!r}, found {text[start:end]!r:.40}"
                ) from error

    def ground(
        self,
        frames: Iterable[Frame],
        text: str,
        spans: Sequence[Span],
        *,
        memory: Memory | None = None,
    ) -> Iterator[FrameGrounding]:
        """See `GroundingMethod`; it can go on after each window."""
        self.check(text, spans)
        linked = LinkedQueries(memory)
        for window in windows(frames, self.window):
            found = self._ground_window(window, text, spans, linked)
            for place, frame in enumerate(window):
                masks_NHW = self._full_size(found.masks_BNTHW[0, :, place], frame).cpu().numpy()
                score_N = found.score_BNT[0, :, place].float().cpu().numpy()
                yield FrameGrounding(
                    masks_NHW & (score_N >= self.presence)[:, None, None],
                    score_N,
                    linked.memory if place == len(window) - 1 else None,
                )

    @torch.inference_mode()
    def _ground_window(
        self, window: Sequence[Frame], text: str, spans: Sequence[Span], linked: LinkedQueries
    ) -> BestGrounding:
        device = self.network.pixel_mean.device
        texts, asked = asked_text([text], [spans], self.query)
        encoded = self.text.to(device)(texts)
        nouns_BND, _ = noun_queries(encoded, asked, self.query)
        frames_BT3HW = torch.cat([self._inner(frame) for frame in window])[None].to(device)
        shorter = self.dtype != torch.float32
        with torch.autocast(device.type, self.dtype if shorter else None, enabled=shorter):
            features = self.network.encode(frames_BT3HW, encoded.token_BLC, encoded.valid_BL)
            return self.network.ground_best(features, nouns_BND, linked)

    def _inner(self, frame: Frame) -> Tensor:
        """A frame as the network sees it, float [1, 3, H', W'] in [0, 1]."""
        frame_13HW = torch.from_numpy(np.ascontiguousarray(frame)).permute(2, 0, 1)[None].float()
        height, width = frame.shape[:2]
        scale = self.short_side / min(height, width) if self.short_side else 1.0
        size = max(1, round(height * scale)), max(1, round(width * scale))
        if size != (height, width):
            frame_13HW = F.interpolate(frame_13HW, size, mode="bilinear", antialias=True)
        return frame_13HW / 255

    @torch.inference_mode()
    def _full_size(self, logits_NHW: Tensor, frame: Frame) -> Tensor:
        """Masks at the size of the frame, bool [N, H, W]."""
        size = frame.shape[:2]
        logits_1NHW = F.interpolate(logits_NHW[None].float(), size, mode="bilinear")
        masks_NHW: Tensor = logits_1NHW[0].sigmoid() > self.threshold
        return masks_NHW
