"""What the network knows of a frame before anybody clicks on it.

Shape legend: B batch, C channels, H W height and width (of the level at hand), N positions.
"""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from pointvos.core.sampling import sample_at_points
from pointvos.nn.efficientnet_lite import TrunkFeatures

STRIDE = 32  # of the coarsest level; frame sides must be multiples of it
LOGITS_STRIDE = 4


class EvidenceFeatures(NamedTuple):
    """What `pointvos.nn.interactive.evidence` needs of a frame, encoded once.

    Attributes:
        embedding_BCHW: float, stride 4, unit length along C; compared with that of the clicks.
        f4_BCHW: float, stride 4.
        f8_BCHW: float, stride 8.
        f16_BCHW: float, stride 16.
        f32_BCHW: float, stride 32.
        similarity_BSS: float32 [B, S, S], of the places of stride 16, see
            `pointvos.nn.interactive.similar_places`.
    """

    embedding_BCHW: Tensor
    f4_BCHW: Tensor
    f8_BCHW: Tensor
    f16_BCHW: Tensor
    f32_BCHW: Tensor
    similarity_BSS: Tensor


class FrameTokens(NamedTuple):
    """The part of `pointvos.nn.interactive.transformer` that no click changes.

    Attributes:
        sources: for each of its layers in which queries read the frame the keys and values, float
            [B, M, S, C / M] with M heads and S pixels of a scale.
        pixel_BCHW: float, what queries are compared with to give masks.
        asked_BMSC: float [B, M, S, C / M], what the pixels of the mask features ask of the queries
            in the first layer in which they read them.
    """

    sources: tuple[tuple[Tensor, Tensor], ...]
    pixel_BCHW: Tensor
    asked_BMSC: Tensor | None


class FrameFeatures(NamedTuple):
    """Features of a batch of frames; encode once, segment after every click.

    Attributes:
        scales: three float [B, C, H, W], strides 32, 16 and 8; read by the queries.
        mask_BCHW: float, compared with the queries to give masks.
        evidence: for the evidence path, where the network has one.
        tokens: for the transformer; None until it has seen the features.
    """

    scales: tuple[Tensor, Tensor, Tensor]
    mask_BCHW: Tensor
    evidence: EvidenceFeatures | None
    tokens: FrameTokens | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the frames in pixels."""
        height, width = self.scales[0].shape[-2:]
        return height * STRIDE, width * STRIDE


class PixelDecoderPart(Protocol):
    """Trunk features at strides 4, 8, 16 and 32 to frame features."""

    def __call__(self, trunk: TrunkFeatures) -> FrameFeatures:
        """Decode the features of a batch of frames."""


def sample_scales(features: FrameFeatures, xy_BN2: Tensor) -> Tensor:
    """Bilinear features at positions, averaged over the three scales.

    Args:
        features: of the frames.
        xy_BN2: float [B, N, 2], continuous (x, y) in pixels of the input.

    Returns:
        float [B, N, C].
    """
    height, width = features.size
    sampled = []
    for scale_BCHW in features.scales:
        ratio = xy_BN2.new_tensor([scale_BCHW.shape[-1] / width, scale_BCHW.shape[-2] / height])
        sampled.append(sample_at_points(scale_BCHW, xy_BN2 * ratio))
    return torch.stack(sampled).mean(dim=0).transpose(1, 2)
