"""Space-time correspondence network (STCN) as a composition of four exchangeable parts.

The full network (`pointvos.nn.builders.stcn_resnet50`) and the small one share this class; they
differ only in the four parts given to it. Training and inference share it too: which frames are
memorised, and when, is not the network's business.

Shape legend, here and in the other files of this package: B batch, O objects, C channels,
H W height and width (of the level at hand), M memory positions, Q query positions, P points,
K the k of top-k. A small letter is a part of that dimension.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import torch
from torch import Tensor, nn

IMAGENET_MEAN = (0.485, 0.456, 0.406)  # torchvision, RGB in [0, 1]
IMAGENET_STD = (0.229, 0.224, 0.225)

STRIDE = 16  # of keys and values; frame sides must be multiples of it
PREDICTION_STRIDE = 4  # of a decoder's prediction, which is enlarged: a finer map says nothing more


class QueryFeatures(NamedTuple):
    """What one pass of the key encoder gives for each frame.

    Attributes:
        key_BCHW: float, stride 16; compared with memory keys.
        thin_BCHW: float, stride 16; appearance of the frame, joined to the readout in the decoder.
        f16_BCHW: float, stride 16; joined to the mask features in the value encoder.
        f8_BCHW: float, stride 8; decoder skip connection.
        f4_BCHW: float, stride 4; decoder skip connection.
    """

    key_BCHW: Tensor
    thin_BCHW: Tensor
    f16_BCHW: Tensor
    f8_BCHW: Tensor
    f4_BCHW: Tensor


class KeyEncoder(Protocol):
    """Role 1: normalised frames [B, 3, H, W] to features; sees no mask, so all objects share it."""

    def __call__(self, frames_BCHW: Tensor) -> QueryFeatures:
        """Encode frames [B, 3, H, W]."""


class ValueEncoder(Protocol):
    """Role 2: normalised frames, their features and masks to values [B, O, C, H/16, W/16].

    `others_BOHW` holds for each object the sum of the masks of all others; `points` says whether
    the masks are drawn points, around which nothing is labelled. A part may ignore either.
    """

    def __call__(
        self,
        frames_BCHW: Tensor,
        features: QueryFeatures,
        masks_BOHW: Tensor,
        others_BOHW: Tensor,
        points: bool,
    ) -> Tensor:
        """Encode masks [B, O, H, W]."""


class MemoryReader(Protocol):
    """Role 3: query features and memory to the readout [B, O, C, H/16, W/16].

    `top_k` is the number of memory positions read per query position; None reads all of them.
    """

    def __call__(
        self,
        features: QueryFeatures,
        memory_key_BCM: Tensor,
        memory_value_BOCM: Tensor,
        top_k: int | None,
    ) -> Tensor:
        """Read values [B, O, C, M] by keys [B, C, M]."""


class Decoder(Protocol):
    """Role 4: features and readout [B, O, C, H/16, W/16] to the logits of each object by itself."""

    def __call__(self, features: QueryFeatures, readout_BOCHW: Tensor) -> Tensor:
        """Give logits [B, O, H, W] at input resolution."""


class STCN(nn.Module):
    """Memory network for video object segmentation (Cheng et al., NeurIPS 2021; paper Sec. 4).

    Args:
        key_encoder: role 1, see `KeyEncoder`.
        value_encoder: role 2, see `ValueEncoder`.
        reader: role 3, see `MemoryReader`.
        decoder: role 4, see `Decoder`.
        point_radius: radius, in pixels at network input, with which points are drawn into the mask
            given to `encode_value`; 0 draws single pixels as in the paper (Appendix D).
        decodes_reference: whether a reference frame given by points is first segmented from its own
            point memory, and that mask memorised as well.
        pixel_mean: subtracted from RGB in [0, 1].
        pixel_std: divides RGB after the mean is subtracted.
    """

    pixel_mean: Tensor
    pixel_std: Tensor

    def __init__(
        self,
        *,
        key_encoder: KeyEncoder,
        value_encoder: ValueEncoder,
        reader: MemoryReader,
        decoder: Decoder,
        point_radius: int = 0,
        decodes_reference: bool = False,
        pixel_mean: Sequence[float] = IMAGENET_MEAN,
        pixel_std: Sequence[float] = IMAGENET_STD,
    ) -> None:
        super().__init__()
        self.key_encoder = key_encoder
        self.value_encoder = value_encoder
        self.reader = reader
        self.decoder = decoder
        self.point_radius = point_radius
        self.decodes_reference = decodes_reference
        # Constants of the architecture, not weights: kept out of the state dict.
        mean_C11 = torch.tensor(pixel_mean, dtype=torch.float32)[:, None, None]
        std_C11 = torch.tensor(pixel_std, dtype=torch.float32)[:, None, None]
        self.register_buffer("pixel_mean", mean_C11, persistent=False)
        self.register_buffer("pixel_std", std_C11, persistent=False)

    def encode_key(self, frames_BCHW: Tensor) -> QueryFeatures:
        """Encode frames once for all objects.

        Args:
            frames_BCHW: float [B, 3, H, W], RGB in [0, 1]; H and W multiples of 16.

        Raises:
            ValueError: a side is no multiple of 16.
        """
        height, width = frames_BCHW.shape[-2:]
        if height % STRIDE or width % STRIDE:
            raise ValueError(
                f"frame sides must be multiples of {STRIDE}, got {height}x{width}; "
                "pad with pointvos.nn.padding.pad_to_multiple"
            )
        return self.key_encoder(self._normalise(frames_BCHW))

    def encode_value(
        self,
        frames_BCHW: Tensor,
        features: QueryFeatures,
        masks_BOHW: Tensor,
        *,
        points: bool = False,
    ) -> Tensor:
        """Encode the masks of all objects of a frame.

        Args:
            frames_BCHW: float [B, 3, H, W], RGB in [0, 1].
            features: of the same frames.
            masks_BOHW: float [B, O, H, W] in [0, 1]: soft masks, or points drawn as pixels.
            points: whether they are drawn points.

        Returns:
            float [B, O, C, H/16, W/16].
        """
        # Zero when there is one object only, as in the reference implementation.
        others_BOHW = masks_BOHW.sum(dim=1, keepdim=True) - masks_BOHW
        return self.value_encoder(
            self._normalise(frames_BCHW), features, masks_BOHW, others_BOHW, points
        )

    def read(
        self,
        features: QueryFeatures,
        memory_key_BCM: Tensor,
        memory_value_BOCM: Tensor,
        top_k: int | None = None,
    ) -> Tensor:
        """Read the memory at every query position.

        Args:
            features: of the query frames.
            memory_key_BCM: float [B, C_key, M]; shared by all objects.
            memory_value_BOCM: float [B, O, C_value, M].
            top_k: positions read per query; None reads all (training), 20 is the paper's inference.

        Returns:
            float [B, O, C_value, H/16, W/16].
        """
        return self.reader(features, memory_key_BCM, memory_value_BOCM, top_k)

    def decode(self, features: QueryFeatures, readout_BOCHW: Tensor) -> Tensor:
        """Decode each object by itself; `pointvos.nn.aggregate.soft_aggregate` joins them.

        Returns:
            float [B, O, H, W], logits at input resolution.
        """
        return self.decoder(features, readout_BOCHW)

    def _normalise(self, frames_BCHW: Tensor) -> Tensor:
        return (frames_BCHW - self.pixel_mean) / self.pixel_std
