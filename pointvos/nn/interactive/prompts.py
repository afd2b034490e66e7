"""Clicks and traces of a batch of frames, padded to one number.

Positions are continuous (x, y) in pixels of the network input (`pointvos.core.geometry`). Objects
are slots 0 .. O - 1; background interactions carry `BACKGROUND` and are shared by all objects.

Shape legend: B batch, N clicks, T traces, P pixels of a trace.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

BACKGROUND = -1  # object slot of clicks that lie on no object


@dataclass(frozen=True, kw_only=True)
class Clicks:
    """Points somebody clicked on.

    Attributes:
        xy_BN2: float32 [B, N, 2].
        object_BN: int64 [B, N], object slot or `BACKGROUND`.
        order_BN: float32 [B, N], when each was given: 0, 1, 2, ... over all clicks of a frame.
        valid_BN: bool [B, N], false for padding, where the others may hold anything.

    Raises:
        ValueError: a shape or dtype differs from the above.
    """

    xy_BN2: Tensor
    object_BN: Tensor
    order_BN: Tensor
    valid_BN: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.valid_BN.shape)
        _check("valid_BN", self.valid_BN, (*shape[:1], *shape[1:2]), torch.bool)
        _check("xy_BN2", self.xy_BN2, (*shape, 2), torch.float32)
        _check("object_BN", self.object_BN, shape, torch.int64)
        _check("order_BN", self.order_BN, shape, torch.float32)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Clicks":
        """The same on another device."""
        return Clicks(**_moved(self, device, non_blocking))

    @staticmethod
    def none(batch: int, device: torch.device | str = "cpu") -> "Clicks":
        """No clicks on `batch` frames."""
        return Clicks(
            xy_BN2=torch.zeros(batch, 0, 2, device=device),
            object_BN=torch.zeros(batch, 0, dtype=torch.int64, device=device),
            order_BN=torch.zeros(batch, 0, device=device),
            valid_BN=torch.zeros(batch, 0, dtype=torch.bool, device=device),
        )


@dataclass(frozen=True, kw_only=True)
class Traces:
    """Mouse traces, each as the pixels it covers.

    Attributes:
        xy_BTP2: float32 [B, T, P, 2], centres of the pixels under each trace.
        object_BT: int64 [B, T], object slot or `BACKGROUND`.
        order_BT: float32 [B, T], on the scale of `Clicks.order_BN`.
        valid_BTP: bool [B, T, P], false for padding; a trace without pixels is padding as a whole.

    Raises:
        ValueError: a shape or dtype differs from the above.
    """

    xy_BTP2: Tensor
    object_BT: Tensor
    order_BT: Tensor
    valid_BTP: Tensor

    def __post_init__(self) -> None:
        shape = tuple(self.valid_BTP.shape)
        _check("valid_BTP", self.valid_BTP, shape[:3], torch.bool)
        _check("xy_BTP2", self.xy_BTP2, (*shape, 2), torch.float32)
        _check("object_BT", self.object_BT, shape[:2], torch.int64)
        _check("order_BT", self.order_BT, shape[:2], torch.float32)

    def to(self, device: torch.device | str, *, non_blocking: bool = False) -> "Traces":
        """The same on another device."""
        return Traces(**_moved(self, device, non_blocking))

    @staticmethod
    def none(batch: int, device: torch.device | str = "cpu") -> "Traces":
        """No traces on `batch` frames."""
        return Traces(
            xy_BTP2=torch.zeros(batch, 0, 1, 2, device=device),
            object_BT=torch.zeros(batch, 0, dtype=torch.int64, device=device),
            order_BT=torch.zeros(batch, 0, device=device),
            valid_BTP=torch.zeros(batch, 0, 1, dtype=torch.bool, device=device),
        )


def _moved(
    container: Clicks | Traces, device: torch.device | str, non_blocking: bool
) -> dict[str, Tensor]:
    return {
        field.name: getattr(container, field.name).to(device, non_blocking=non_blocking)
        for field in fields(container)
    }


def _check(name: str, found: Tensor, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    dimensions = sum(part.isdigit() or part.isupper() for part in name.rsplit("_", 1)[1])
    if found.ndim != dimensions or tuple(found.shape) != shape or found.dtype != dtype:
        raise ValueError(
            f"{name}: expected {dtype} of shape {list(shape)}, "
            f"found {found.dtype} of shape {list(found.shape)}"
        )
