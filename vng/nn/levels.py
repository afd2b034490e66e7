"""The geometry of one level of a feature pyramid: size, positions, what of it is padding.

Shape legend: B batch, T frames, H W height and width of the frames, S pixels of the level row by
row, L words, D channels of the text encoder, C channels.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from vng.nn.positions import map_encoding


class Level(NamedTuple):
    """What the parts of the network need to know of a level beside its features.

    Attributes:
        shape: height and width in pixels of the level.
        position_BSC: float32, sine encoding.
        padding_BS: bool, true on padding; None where no frame has any.
        valid_B2: float32, the share of width and of height that is image, in (0, 1].
    """

    shape: tuple[int, int]
    position_BSC: Tensor
    padding_BS: Tensor | None
    valid_B2: Tensor

    def of_samples(self, sample_F: Tensor) -> "Level":
        """The same level for frames, given as the sample that each belongs to."""
        padding_BS = self.padding_BS
        return Level(
            self.shape,
            self.position_BSC[sample_F],
            None if padding_BS is None else padding_BS[sample_F],
            self.valid_B2[sample_F],
        )


def pyramid_levels(
    sizes_B2: Tensor, height: int, width: int, *, strides: tuple[int, ...], channels: int
) -> tuple[Level, ...]:
    """The levels of frames of which the upper left part is image.

    Args:
        sizes_B2: int64 [B, 2], height and width of that part in pixels.
        height: of the padded frames in pixels.
        width: of the padded frames in pixels.
        strides: of the levels; their sides are rounded up.
        channels: of the position encodings.
    """
    valid_BHW = inside(sizes_B2, height, width)
    padded = bool((~valid_BHW).any())
    levels = []
    for stride in strides:
        shape = -(-height // stride), -(-width // stride)
        # The reference resamples the padding, not the image, to the nearest pixel.
        padding_BHW = F.interpolate((~valid_BHW)[:, None].float(), size=shape)[:, 0].bool()
        valid_B2 = torch.stack(
            [(~padding_BHW[:, 0]).float().mean(dim=1), (~padding_BHW[:, :, 0]).float().mean(dim=1)],
            dim=1,
        )
        levels.append(
            Level(
                shape,
                map_encoding(~padding_BHW, channels),
                padding_BHW.flatten(1) if padded else None,
                valid_B2,
            )
        )
    return tuple(levels)


def inside(sizes_B2: Tensor, height: int, width: int) -> Tensor:
    """Which pixels of padded frames are image, bool [B, height, width]."""
    y_H = torch.arange(height, device=sizes_B2.device)
    x_W = torch.arange(width, device=sizes_B2.device)
    rows_BH1 = (y_H < sizes_B2[:, :1])[:, :, None]
    columns_B1W = (x_W < sizes_B2[:, 1:])[:, None]
    return rows_BH1 & columns_B1W


def checked_sizes(
    frames_BT3HW: Tensor, words_BLD: Tensor, word_valid_BL: Tensor, sizes_B2: Tensor | None
) -> Tensor:
    """Height and width of the part of padded frames that is image, int64 [B, 2].

    Args:
        frames_BT3HW: float, padded frames.
        words_BLD: float, words of their narratives.
        word_valid_BL: bool.
        sizes_B2: int64; None where nothing is padded.

    Raises:
        ValueError: shapes do not fit, or a size is not within the frames.
    """
    batch, (height, width) = frames_BT3HW.shape[0], frames_BT3HW.shape[-2:]
    if word_valid_BL.shape != words_BLD.shape[:2] or len(words_BLD) != batch:
        raise ValueError(
            f"expected words [B, L, D] and their validity [B, L] of {batch} clips, "
            f"found {list(words_BLD.shape)} and {list(word_valid_BL.shape)}"
        )
    whole_2 = torch.tensor([height, width], device=frames_BT3HW.device)
    if sizes_B2 is None:
        return whole_2.expand(batch, -1)
    if sizes_B2.shape != (batch, 2) or bool(((sizes_B2 < 1) | (sizes_B2 > whole_2)).any()):
        raise ValueError(
            f"expected heights and widths of {batch} clips, 1 to {height} and 1 to {width}, "
            f"found {sizes_B2.tolist()}"
        )
    return sizes_B2.to(whole_2)
