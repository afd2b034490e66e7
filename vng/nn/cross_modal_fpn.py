"""The pixel decoder: encoded frames to mask features at stride 4, reading the narrative again.

At every stage the frames of a clip see each other, the only place where they do: attention among
all pixels of the clip, on a coarser grid at the finer stages. That is all that is computed for the
clip as a whole; the rest runs on a few frames at a time where no gradient is wanted.

Shape legend: B batch, T frames of a clip, F = B T, H W height and width of a stage, h w of its
coarser grid, S = H W, L words, C channels.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pointvos.nn.convolution import Conv3x3
from pointvos.nn.interactive.attention import FeedForwardBlock
from vng.nn.early_fusion import read_words
from vng.nn.levels import Level
from vng.nn.portions import in_portions
from vng.nn.text_projection import Words

NORM_GROUPS = 8
TOKENS_AT_ONCE = 2048  # of a feed-forward block: what lies between its layers stays in the cache


class VisionLanguageBlock(nn.Module):
    """Attention among the pixels of a clip, from pixels to words, feed-forward.

    Args:
        channels: of pixels and words.
        heads: of the attention.
        hidden: of the feed-forward block.
        reduction: every how many pixels in both directions one takes part in the first attention.
        dropout: probability, in training.
    """

    def __init__(
        self, *, channels: int, heads: int, hidden: int, reduction: int, dropout: float
    ) -> None:
        super().__init__()
        self.reduction = reduction
        self.read_clip = nn.MultiheadAttention(channels, heads, dropout=dropout, batch_first=True)
        self.clip_norm = nn.LayerNorm(channels)
        self.read_words = nn.MultiheadAttention(channels, heads, dropout=dropout, batch_first=True)
        self.words_norm = nn.LayerNorm(channels)
        self.feed_forward = FeedForwardBlock(channels=channels, hidden=hidden, dropout=dropout)
        self.dropout = dropout
        for parameter in self.parameters():
            if parameter.ndim > 1:
                nn.init.xavier_uniform_(parameter)

    def across_frames(self, x_FCHW: Tensor, level: Level, frames: int) -> Tensor:
        """What pixels of the coarser grid read in all frames of their clip, [F, C, h, w]."""
        height, width = x_FCHW.shape[-2:]
        size = max(1, height // self.reduction), max(1, width // self.reduction)
        position_BCHW = level.position_BSC.to(x_FCHW.dtype).transpose(1, 2)
        position_BCHW = position_BCHW.unflatten(-1, (height, width))
        value_BTSC = _tokens(_thinned(x_FCHW, size)).unflatten(0, (-1, frames))
        placed_BTSC = value_BTSC + _tokens(_thinned(position_BCHW, size))[:, None]
        padding_BS = level.padding_BS
        if padding_BS is not None:
            padding_BHW = padding_BS.unflatten(1, (height, width)).float()
            padding_BS = _thinned(padding_BHW[:, None], size).flatten(1).bool().repeat(1, frames)
        placed_BSC = placed_BTSC.flatten(1, 2)
        read_BSC = self.read_clip(
            placed_BSC,
            placed_BSC,
            value_BTSC.flatten(1, 2),
            key_padding_mask=padding_BS,
            need_weights=False,
        )[0]
        read_FSC = read_BSC.unflatten(1, (frames, -1)).flatten(0, 1)
        read_FCHW: Tensor = read_FSC.transpose(1, 2).unflatten(-1, size)
        return read_FCHW

    def forward(
        self, x_FCHW: Tensor, read_FChw: Tensor, position_FSC: Tensor, words: Words
    ) -> Tensor:
        """Join what was read across frames, then read the words; [F, C, H, W]."""
        size = x_FCHW.shape[-2:]
        if read_FChw.shape[-2:] != size:
            read_FChw = F.interpolate(read_FChw, size=size, mode="bilinear")
        x_FSC = self.clip_norm(_tokens(x_FCHW) + self._drop(_tokens(read_FChw)))
        query_FSC = x_FSC + position_FSC.to(x_FSC.dtype)
        x_FSC = self.words_norm(x_FSC + self._drop(read_words(self.read_words, query_FSC, words)))
        (x_PC,) = in_portions(  # P = F S
            lambda x_PC: (self.feed_forward(x_PC),), TOKENS_AT_ONCE, x_FSC.flatten(0, 1)
        )
        x_FSC = x_PC.unflatten(0, x_FSC.shape[:2])
        out_FCHW: Tensor = x_FSC.transpose(1, 2).unflatten(-1, size)
        return out_FCHW

    def _drop(self, x: Tensor) -> Tensor:
        return F.dropout(x, self.dropout, self.training) if self.dropout else x


class Stage(nn.Module):
    """One stage: to the channels of the decoder, the block, the coarser stage added, a convolution.

    Args:
        inputs: channels.
        channels: of the decoder.
        coarser: channels of the stage before.
        block: of vision and language; None leaves it out.
    """

    def __init__(
        self, *, inputs: int, channels: int, coarser: int, block: VisionLanguageBlock | None
    ) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(coarser, channels, 1) if coarser != channels else nn.Identity()
        self.lateral = nn.Conv2d(inputs, channels, 1, bias=False)
        self.lateral_norm = nn.GroupNorm(NORM_GROUPS, channels)
        self.block = block
        self.output = Conv3x3(channels, channels, bias=False)
        self.output_norm = nn.GroupNorm(NORM_GROUPS, channels)
        for convolution in (self.lateral, self.output):
            nn.init.kaiming_uniform_(convolution.weight, a=1)

    def forward(
        self,
        source_FCHW: Tensor,
        coarser_FCHW: Tensor | None,
        level: Level,
        words: Words,
        frames: int,
        at_once: int,
        forget: bool,
    ) -> Tensor:
        """Decode a stage.

        Args:
            source_FCHW: float [F, inputs, H, W].
            coarser_FCHW: result of the stage before, at half the size or so.
            level: of the clips.
            words: of the clips.
            frames: T.
            at_once: frames that are worked on together without gradients.
            forget: see `in_portions`.

        Returns:
            float [F, C, H, W].
        """
        (x_FCHW,) = in_portions(
            lambda source: (self.lateral_norm(self.lateral(source)),),
            at_once,
            source_FCHW,
            forget=forget,
        )
        sample_F = torch.arange(len(x_FCHW), device=x_FCHW.device) // frames
        inputs = [sample_F, x_FCHW]
        if self.block is not None:
            inputs.append(self.block.across_frames(x_FCHW, level, frames))
        if coarser_FCHW is not None:
            inputs.append(self.narrow(coarser_FCHW))

        def finish(sample_F: Tensor, x_FCHW: Tensor, *others: Tensor) -> tuple[Tensor]:
            rest = list(others)
            if self.block is not None:
                position_FSC = level.position_BSC[sample_F]
                x_FCHW = self.block(x_FCHW, rest.pop(0), position_FSC, words.of_samples(sample_F))
            if rest:
                x_FCHW = x_FCHW + F.interpolate(rest[0], size=x_FCHW.shape[-2:], mode="nearest")
            return (F.relu(self.output_norm(self.output(x_FCHW))),)

        return in_portions(finish, at_once, *inputs, forget=forget)[0]


class CrossModalFPN(nn.Module):
    """ReferFormer's cross-modal feature pyramid network.

    Args:
        inputs: channels of the features at strides 4, 8, 16 and 32.
        channels: of the decoder.
        mask_channels: of the mask features.
        heads: of all attention.
        hidden: of the feed-forward blocks.
        finest_channels: of the stage at stride 4, where most pixels are; None for as many as of the
            others.
        reductions: for each stage, finest first, every how many pixels one sees the other frames;
            None leaves vision and language out of a stage.
        dropout: probability, in training.
    """

    def __init__(
        self,
        *,
        inputs: Sequence[int],
        channels: int,
        mask_channels: int,
        heads: int,
        hidden: int,
        finest_channels: int | None = None,
        reductions: Sequence[int | None] = (8, 4, 2, 1),
        dropout: float = 0.0,
    ) -> None:
        super().__init__()

        def block(width: int, reduction: int | None) -> VisionLanguageBlock | None:
            if reduction is None:
                return None
            return VisionLanguageBlock(
                channels=width, heads=heads, hidden=hidden, reduction=reduction, dropout=dropout
            )

        finest = finest_channels or channels
        widths = (finest, *[channels] * (len(inputs) - 1))
        self.stages = nn.ModuleList(
            Stage(inputs=count, channels=width, coarser=channels, block=block(width, reduction))
            for count, width, reduction in zip(inputs, widths, reductions, strict=True)
        )
        self.mask = Conv3x3(finest, mask_channels)
        nn.init.kaiming_uniform_(self.mask.weight, a=1)
        assert self.mask.bias is not None
        nn.init.zeros_(self.mask.bias)

    def forward(
        self,
        features: Sequence[Tensor],
        levels: Sequence[Level],
        words: Words,
        *,
        frames: int,
        at_once: int,
        forget: bool = False,
    ) -> Tensor:
        """Decode clips.

        Args:
            features: float [F, inputs, H, W] at strides 4, 8, 16 and 32, frames of a clip together.
            levels: the same of the clips.
            words: of the clips.
            frames: T.
            at_once: frames that are worked on together without gradients.
            forget: see `vng.nn.portions.in_portions`.

        Returns:
            Mask features at stride 4, float [F, mask_channels, H, W].
        """
        x_FCHW: Tensor | None = None
        for stage, source_FCHW, level in reversed(
            list(zip(self.stages, features, levels, strict=True))
        ):
            x_FCHW = stage(source_FCHW, x_FCHW, level, words, frames, at_once, forget)
        assert x_FCHW is not None
        return in_portions(lambda x: (self.mask(x),), at_once, x_FCHW, forget=forget)[0]


def _tokens(x_FCHW: Tensor) -> Tensor:
    """[F, C, H, W] -> [F, H W, C]."""
    return x_FCHW.flatten(2).transpose(1, 2)


def _thinned(x_FCHW: Tensor, size: tuple[int, int]) -> Tensor:
    """Every so many pixels of both directions, without any average."""
    if x_FCHW.shape[-2:] == size:
        return x_FCHW
    return F.interpolate(x_FCHW, size=size, mode="nearest")
