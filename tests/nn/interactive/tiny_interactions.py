"""Tiny networks, frames, clicks and traces for the tests beside this file."""

import torch
from torch import Tensor

from pointvos.nn.efficientnet_lite import EfficientNetLite0
from pointvos.nn.interactive.builders import interactive_lite, interactive_on
from pointvos.nn.interactive.prompts import Clicks, Traces
from pointvos.nn.interactive.segmenter import InteractiveSegmenter, Segmentation

Click = tuple[float, float, int]  # x, y, object slot


def tiny_full() -> InteractiveSegmenter:
    """The full network's parts, narrow, on the small trunk."""
    torch.manual_seed(0)
    return interactive_on(EfficientNetLite0(), trunk_channels=(24, 40, 112, 192), channels=32)


def lite() -> InteractiveSegmenter:
    torch.manual_seed(0)
    return interactive_lite()


def frames(batch: int = 1, height: int = 64, width: int = 96) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


def clicks(*of_frames: list[Click], padding: int = 0) -> Clicks:
    """Clicks of each frame, in the given order; frames with fewer of them are padded."""
    longest = max(len(given) for given in of_frames) + padding
    shape = (len(of_frames), longest)
    xy = torch.full((*shape, 2), float("nan"))
    slot = torch.full(shape, 77, dtype=torch.int64)
    valid = torch.zeros(shape, dtype=torch.bool)
    for index, given in enumerate(of_frames):
        for place, (x, y, object_) in enumerate(given):
            xy[index, place] = torch.tensor([x, y])
            slot[index, place] = object_
            valid[index, place] = True
    order = torch.arange(longest, dtype=torch.float32).expand(shape).clone()
    return Clicks(xy_BN2=xy, object_BN=slot, order_BN=order, valid_BN=valid)


def trace(pixels: list[tuple[float, float]], slot: int, *, padding: int = 0) -> Traces:
    """One trace on one frame."""
    xy = torch.full((1, 1, len(pixels) + padding, 2), float("nan"))
    xy[0, 0, : len(pixels)] = torch.tensor(pixels).reshape(-1, 2)
    return Traces(
        xy_BTP2=xy,
        object_BT=torch.tensor([[slot]]),
        order_BT=torch.tensor([[9.0]]),
        valid_BTP=torch.arange(xy.shape[2])[None, None] < len(pixels),
    )


def everything(result: Segmentation) -> list[Tensor]:
    return [*result.auxiliary, result.logits_BKHW]


def assert_same(found: Segmentation, expected: Segmentation) -> None:
    """Equal after every layer, up to rounding, and with something to compare."""
    assert expected.logits_BKHW.std() > 1e-3
    for ours, theirs in zip(everything(found), everything(expected), strict=True):
        torch.testing.assert_close(ours, theirs, atol=2e-4, rtol=1e-3)
