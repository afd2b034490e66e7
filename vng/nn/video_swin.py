"""Video Swin Transformer: attention in shifted windows of space and time (Liu et al., CVPR 2022).

As ReferFormer uses it: a patch spans one frame, so that every frame keeps features of its own, and
there is no norm behind the stages.

Shape legend: B batch, T H W frames, height and width of the level at hand, C channels, G windows of
all clips, N tokens of a window, K heads, D channels of a head, P displacements within a window.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from pointvos.nn.efficientnet_lite import TrunkFeatures
from vng.nn.portions import in_portions
from vng.nn.video_windows import (
    Extent,
    clipped,
    join_windows,
    relative_places,
    separated,
    split_windows,
    window_kinds,
)

PATCH = 4
INIT_STD = 0.02
WINDOWS_AT_ONCE = 32  # without gradients; more of them take memory and are no faster
FRAMES_AT_ONCE = 2


class VideoSwin(nn.Module):
    """The trunk, a `ClipTrunk`.

    Args:
        channels: of the first stage; each further one has twice as many.
        depths: blocks of the four stages; every second one is shifted by half a window.
        heads: of the attention of the stages.
        window: frames, rows and columns that see each other.
        drop_path: largest probability, in training, that a clip skips half a block; it grows from
            0 at the first block.

    Attributes:
        reads_clips: see `ClipTrunk`.
        channels: of the features at strides 4, 8, 16 and 32.
    """

    reads_clips = True

    def __init__(
        self,
        *,
        channels: int,
        depths: Sequence[int],
        heads: Sequence[int],
        window: Extent = (8, 7, 7),
        drop_path: float = 0.2,
    ) -> None:
        super().__init__()
        self.channels = tuple(channels * 2**stage for stage in range(4))
        self.patches = nn.Conv2d(3, channels, PATCH, PATCH)
        self.patches_norm = nn.LayerNorm(channels)
        skips = torch.linspace(0, drop_path, sum(depths)).split(list(depths))
        no_shift, half = (0, 0, 0), (window[0] // 2, window[1] // 2, window[2] // 2)
        self.stages = nn.ModuleList(
            nn.ModuleList(
                SwinBlock(
                    channels=width,
                    heads=of_stage,
                    window=window,
                    shift=half if index % 2 else no_shift,
                    drop_path=skip,
                )
                for index, skip in enumerate(skips_of_stage.tolist())
            )
            for width, of_stage, skips_of_stage in zip(self.channels, heads, skips, strict=True)
        )
        self.merges = nn.ModuleList(PatchMerging(channels=width) for width in self.channels[:-1])
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=INIT_STD)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, clips_BT3HW: Tensor, *, forget: bool = False) -> TrunkFeatures:
        """See `ClipTrunk`; frames of any size, sides are rounded up."""
        height, width = clips_BT3HW.shape[-2:]
        frames_F3HW = F.pad(clips_BT3HW.flatten(0, 1), (0, -width % PATCH, 0, -height % PATCH))
        x_FHWC = self.patches_norm(self.patches(frames_F3HW).permute(0, 2, 3, 1))
        x_BTHWC = x_FHWC.unflatten(0, clips_BT3HW.shape[:2])
        features = []
        for index, blocks in enumerate(self.stages):
            if index:
                x_BTHWC = self.merges[index - 1](x_BTHWC)
            for block in blocks:  # type: ignore[attr-defined]
                if forget and torch.is_grad_enabled():
                    x_BTHWC = checkpoint(block, x_BTHWC, use_reentrant=False)
                else:
                    x_BTHWC = block(x_BTHWC)
            features.append(x_BTHWC.flatten(0, 1).permute(0, 3, 1, 2))
        return TrunkFeatures(*features)


class SwinBlock(nn.Module):
    """Attention within windows, then a feed-forward net, each added to what came in.

    Args:
        channels: in and out.
        heads: of the attention.
        window: frames, rows and columns; cut down to clips that are shorter or smaller.
        shift: of the windows against the clip.
        drop_path: probability, in training, that a clip skips one of the two.
    """

    def __init__(
        self, *, channels: int, heads: int, window: Extent, shift: Extent, drop_path: float
    ) -> None:
        super().__init__()
        self.window, self.shift, self.drop_path = window, shift, drop_path
        self.attention_norm = nn.LayerNorm(channels)
        self.attention = WindowAttention(channels=channels, heads=heads, window=window)
        self.feed_forward_norm = nn.LayerNorm(channels)
        self.expand = nn.Linear(channels, 4 * channels)
        self.project = nn.Linear(4 * channels, channels)

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, H, W, C]."""
        x_BTHWC = x_BTHWC + self._or_nothing(self._attend(x_BTHWC))
        (fed_FHWC,) = in_portions(self._feed_forward, FRAMES_AT_ONCE, x_BTHWC.flatten(0, 1))
        return x_BTHWC + self._or_nothing(fed_FHWC.view_as(x_BTHWC))

    def _attend(self, x_BTHWC: Tensor) -> Tensor:
        batch, frames, rows, columns, _ = x_BTHWC.shape
        size = frames, rows, columns
        window, shift = clipped(self.window, self.shift, size)
        # What fills up windows takes part in the attention, as in the published network.
        x_GNC, grid = split_windows(self.attention_norm(x_BTHWC), window, shift)
        kind_G = window_kinds(grid, shift).repeat(batch)
        x_GNC = self._attend_within(x_GNC, kind_G, window, shift)
        return join_windows(x_GNC, window, shift, grid, size)

    def _attend_within(
        self, x_GNC: Tensor, kind_G: Tensor, window: Extent, shift: Extent
    ) -> Tensor:
        """All windows of a kind have the same bias; that of each would be too large to store."""
        bias_KNN = self.attention.bias(x_GNC.shape[1])
        order_G = kind_G.argsort(stable=True)
        parts: list[Tensor] = []
        for kind in kind_G.unique().tolist():
            apart_NN = separated(window, shift, kind).to(x_GNC.device)
            of_kind_KNN = bias_KNN.masked_fill(apart_NN, -torch.inf) if kind else bias_KNN

            def attend(index: Tensor, of_kind_KNN: Tensor = of_kind_KNN) -> tuple[Tensor]:
                return (self.attention(x_GNC[index], of_kind_KNN),)

            index = order_G[kind_G[order_G] == kind].to(x_GNC.device)
            parts += in_portions(attend, WINDOWS_AT_ONCE, index)
        if len(parts) == 1:
            return parts[0]
        ordered_GNC = torch.cat(parts)
        del parts  # before the copy in the order of the clips needs room
        out: Tensor = ordered_GNC[order_G.argsort().to(x_GNC.device)]
        return out

    def _feed_forward(self, x_FHWC: Tensor) -> tuple[Tensor]:
        return (self.project(F.gelu(self.expand(self.feed_forward_norm(x_FHWC)))),)

    def _or_nothing(self, x_BTHWC: Tensor) -> Tensor:
        """Stochastic depth: in training, zeros for some clips, more for the others."""
        if not self.training or self.drop_path == 0:
            return x_BTHWC
        kept_B1111 = x_BTHWC.new_empty(len(x_BTHWC), 1, 1, 1, 1).bernoulli_(1 - self.drop_path)
        return x_BTHWC * kept_B1111 / (1 - self.drop_path)


class WindowAttention(nn.Module):
    """Attention among the tokens of a window, with a learnt bias for every displacement.

    Args:
        channels: in and out.
        heads: of the attention.
        window: largest one.
    """

    place_NN: Tensor

    def __init__(self, *, channels: int, heads: int, window: Extent) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.project = nn.Linear(channels, channels)
        place_NN = relative_places(window)
        self.bias_PK = nn.Parameter(torch.empty(int(place_NN.max()) + 1, heads))
        nn.init.trunc_normal_(self.bias_PK, std=INIT_STD)
        self.register_buffer("place_NN", place_NN, persistent=False)

    def bias(self, tokens: int) -> Tensor:
        """Of windows of so many tokens, float [K, N, N].

        The tokens count as the first of the largest window, as in the published network. In windows
        of fewer frames that is where they are. In windows of fewer rows or columns, which frames of
        less than 7 x 32 pixels have at stride 32, it is not, but the published weights expect it.
        """
        return self.bias_PK[self.place_NN[:tokens, :tokens]].permute(2, 0, 1)

    def forward(self, x_GNC: Tensor, bias_KNN: Tensor) -> Tensor:
        """[G, N, C] -> [G, N, C]; the bias is minus infinity where a token must not look."""
        qkv_3GKND = self.qkv(x_GNC).unflatten(-1, (3, self.heads, -1)).permute(2, 0, 3, 1, 4)
        q_GKND, k_GKND, v_GKND = qkv_3GKND.unbind()
        read_GKND = F.scaled_dot_product_attention(
            q_GKND, k_GKND, v_GKND, attn_mask=bias_KNN[None].to(q_GKND.dtype)
        )
        out: Tensor = self.project(read_GKND.transpose(1, 2).flatten(2))
        return out


class PatchMerging(nn.Module):
    """Blocks of two by two pixels to one with twice the channels.

    Args:
        channels: in; half of those that come out.
    """

    def __init__(self, *, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(4 * channels)
        self.reduce = nn.Linear(4 * channels, 2 * channels, bias=False)

    def forward(self, x_BTHWC: Tensor) -> Tensor:
        """[B, T, H, W, C] -> [B, T, ceil(H / 2), ceil(W / 2), 2 C]; zeros fill up odd sides."""
        rows, columns = x_BTHWC.shape[2:4]
        x_BTHWC = F.pad(x_BTHWC, (0, 0, 0, columns % 2, 0, rows % 2))
        x = x_BTHWC.unflatten(3, (-1, 2)).unflatten(2, (-1, 2))
        # rows within a block change faster than columns
        merged_BTHWC = x.permute(0, 1, 2, 4, 5, 3, 6).flatten(-3)
        out: Tensor = self.reduce(self.norm(merged_BTHWC))
        return out
