"""Progress bars for long work: rate and time left, on a terminal only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")


def progress(
    iterable: Iterable[Item], *, description: str, unit: str = "it", total: int | None = None
) -> tqdm[Item]:
    """Iterate with a progress bar on stderr; silent when stderr is no terminal."""
    return tqdm(
        iterable, desc=description, unit=unit, total=total, disable=None, dynamic_ncols=True
    )
