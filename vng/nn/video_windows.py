"""Windows of space and time: how a clip is cut into them, which tokens of a window belong together.

A shifted grid of windows leaves narrow windows at the borders. They are rolled around, so that two
to eight of them fill a window of full size, in which only tokens of the same narrow one may see
each other. Which axes those are is the kind of a window, one bit an axis.

Shape legend: B batch, T H W frames, height and width of the level at hand, C channels, G windows
of all clips, N tokens of a window.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

Extent = tuple[int, int, int]  # frames, rows, columns
AXES = (1, 2, 3)  # of [B, T, H, W, C]


def clipped(window: Extent, shift: Extent, size: Extent) -> tuple[Extent, Extent]:
    """Window and shift for clips of a size: where one window covers an axis, nothing is shifted.

    >>> clipped((8, 7, 7), (4, 3, 3), (5, 12, 7))
    ((5, 7, 7), (0, 3, 0))
    """
    covered = [s <= w for s, w in zip(size, window, strict=True)]
    window_T, window_H, window_W = (min(s, w) for s, w in zip(size, window, strict=True))
    shift_T, shift_H, shift_W = (0 if c else s for c, s in zip(covered, shift, strict=True))
    return (window_T, window_H, window_W), (shift_T, shift_H, shift_W)


def split_windows(x_BTHWC: Tensor, window: Extent, shift: Extent) -> tuple[Tensor, Extent]:
    """Cut clips into windows.

    Args:
        x_BTHWC: float; zeros fill it up behind the ends to whole windows.
        window: as `clipped` gives it.
        shift: as `clipped` gives it.

    Returns:
        float [G, N, C], and how many windows there are along each axis.
    """
    size = x_BTHWC.shape[1:4]
    short_T, short_H, short_W = (-s % w for s, w in zip(size, window, strict=True))
    x_BTHWC = F.pad(x_BTHWC, (0, 0, 0, short_W, 0, short_H, 0, short_T))
    if any(shift):
        x_BTHWC = x_BTHWC.roll([-s for s in shift], AXES)
    grid_T, grid_H, grid_W = (s // w for s, w in zip(x_BTHWC.shape[1:4], window, strict=True))
    for axis, side in zip(reversed(AXES), reversed(window), strict=True):
        x_BTHWC = x_BTHWC.unflatten(axis, (-1, side))
    # batch, then frames, rows and columns of windows, then those within a window
    x_GNC = x_BTHWC.permute(0, 1, 3, 5, 2, 4, 6, 7).flatten(4, 6).flatten(0, 3)
    return x_GNC, (grid_T, grid_H, grid_W)


def join_windows(
    x_GNC: Tensor, window: Extent, shift: Extent, grid: Extent, size: Extent
) -> Tensor:
    """What `split_windows` cut, together again: float [B, T, H, W, C] of the given size."""
    x = x_GNC.unflatten(0, (-1, *grid)).unflatten(4, window)
    x_BTHWC = x.permute(0, 1, 4, 2, 5, 3, 6, 7).flatten(5, 6).flatten(3, 4).flatten(1, 2)
    if any(shift):
        x_BTHWC = x_BTHWC.roll(shift, AXES)
    frames, rows, columns = size
    joined_BTHWC: Tensor = x_BTHWC[:, :frames, :rows, :columns]
    return joined_BTHWC


def window_kinds(grid: Extent, shift: Extent) -> Tensor:
    """Of the windows of a clip, along which axes they hold two narrow ones: int64, one bit an axis.

    >>> window_kinds((1, 2, 3), (0, 3, 3)).tolist()
    [0, 0, 4, 2, 2, 6]
    """
    return _bits(
        [[s > 0 and i == n - 1 for i in range(n)] for n, s in zip(grid, shift, strict=True)]
    )


def separated(window: Extent, shift: Extent, kind: int) -> Tensor:
    """Which tokens of a window of a kind may not see each other, bool [N, N]."""
    far_N = _bits([[i >= w - s for i in range(w)] for w, s in zip(window, shift, strict=True)])
    return ((far_N[:, None] ^ far_N) & kind) != 0


def relative_places(window: Extent) -> Tensor:
    """For all pairs of tokens of a window, the number of their displacement: int64 [N, N].

    Displacements count from minus to plus the side less one, columns fastest.
    """
    place_N3 = torch.cartesian_prod(*(torch.arange(side) for side in window))
    offset_NN3 = place_N3[:, None] - place_N3 + torch.tensor(window) - 1
    _, rows, columns = (2 * side - 1 for side in window)
    return (offset_NN3[..., 0] * rows + offset_NN3[..., 1]) * columns + offset_NN3[..., 2]


def _bits(flags: list[list[bool]]) -> Tensor:
    """Flags along each axis to numbers at all places of a grid, one bit an axis, int64 [places]."""
    along = [torch.tensor(row).long() << axis for axis, row in enumerate(flags)]
    return (along[0][:, None, None] + along[1][:, None] + along[2]).flatten()
