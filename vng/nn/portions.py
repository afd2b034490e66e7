"""Work on some frames or tokens at a time, where no gradient has to remember all of them."""

from collections.abc import Callable

import torch
from torch import Tensor


def in_portions(
    function: Callable[..., tuple[Tensor, ...]], frames: int, *inputs: Tensor
) -> tuple[Tensor, ...]:
    """Apply a function of frames to a few of them at a time.

    What lives only inside the function then takes the memory of a few frames, however long the
    clip. With gradients everything is kept anyway, and the function is called once.

    Args:
        function: tensors with the frames first to tensors with the frames first; what it gives of a
            frame must not depend on the others.
        frames: of a portion, at least 1.
        inputs: of the function, all with equally many frames.
    """
    if torch.is_grad_enabled() or len(inputs[0]) <= frames:
        return function(*inputs)
    portions = [function(*parts) for parts in zip(*(x.split(frames) for x in inputs), strict=True)]
    return tuple(torch.cat(parts) for parts in zip(*portions, strict=True))
