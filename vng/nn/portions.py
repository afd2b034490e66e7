"""Work on some frames or tokens at a time, where no gradient has to remember all of them."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def in_portions(
    function: Callable[..., tuple[Tensor, ...]],
    frames: int,
    *inputs: Tensor,
    forget: bool = False,
) -> tuple[Tensor, ...]:
    """Apply a function of frames to a few of them at a time.

    What lives only inside the function then takes the memory of a few frames, however long the
    clip. With gradients everything is kept anyway, and the function is called once; unless it is
    forgotten, and computed again portion by portion when gradients are wanted.

    Args:
        function: tensors with the frames first to tensors with the frames first; what it gives of a
            frame must not depend on the others.
        frames: of a portion, at least 1.
        inputs: of the function, all with equally many frames.
        forget: whether what lies inside the function is computed twice rather than kept, with
            gradients (activation checkpointing).
    """
    forget = forget and torch.is_grad_enabled()
    if not forget and (torch.is_grad_enabled() or len(inputs[0]) <= frames):
        return function(*inputs)
    split = zip(*(x.split(frames) for x in inputs), strict=True)
    if forget:
        portions = [checkpoint(function, *parts, use_reentrant=False) for parts in split]
    else:
        portions = [function(*parts) for parts in split]
    return tuple(torch.cat(parts) for parts in zip(*portions, strict=True))
