"""The log of a run where a tracker shows it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pointvos.core.errors import InputError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"


class Tracker:
    """Writes numbers for TensorBoard, or nowhere.

    Args:
        kind: of tracker; None writes nothing.
        output: folder of the run, in which the tracker has its own.
        start: steps done before; what a killed run wrote of later ones is not shown any more.
    """

    def __init__(self, kind: Literal["tensorboard"] | None, output: Path, *, start: int) -> None:
        self._writer: SummaryWriter | None = None
        if kind is None:
            return
        check_tracking(kind)
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(output / FOLDER), purge_step=start + 1 if start else None)

    def write(self, iteration: int, values: Mapping[str, float], *, group: str) -> None:
        """Numbers of a step, shown as ``group/name``."""
        if self._writer is None:
            return
        for name, value in values.items():
            if name != "iteration":
                self._writer.add_scalar(f"{group}/{name}", value, iteration)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()


def check_tracking(kind: Literal["tensorboard"] | None) -> None:
    """See that the tracker is installed, before anything heavy starts.

    Raises:
        InputError: it is not; says how to install it.
    """
    if kind is None:
        return
    try:
        import torch.utils.tensorboard  # noqa: F401
    except ImportError as error:
        raise InputError(
            "tracking: expected the package tensorboard, found none; install it with "
            "pip install 'pointvos[tracking]'"
        ) from error
