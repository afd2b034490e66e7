"""How well a pseudo-mask fits what is known: its score, the points it was made from, and others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pointvos.core import geometry
from pointvos.core.atomic import atomic_path
from pointvos.core.errors import InputError
from pointvos.core.points import Points


@dataclass(frozen=True, kw_only=True)
class MaskQuality:
    """One mask of one object on one frame; a row of quality.parquet."""

    video: str
    object_id: str
    """Key of the record, as in the mask store."""
    number: int
    """The object in a palette PNG."""
    frame: str
    setting: int
    """At most so many foreground points; 0 for all points."""
    score: float
    """Of the backend, in [0, 1]."""
    area: int
    """Pixels of the mask; 0 where the backend found nothing, and then it is not in the store."""
    area_share: float
    """Of the frame."""
    given_away: int
    """Pixels that went to other objects when overlaps were resolved."""
    foreground: int
    """Foreground points given."""
    foreground_inside: int
    """Those inside the mask."""
    background: int
    """Background points given."""
    background_outside: int
    """Those outside the mask."""
    unseen_foreground: int | None = None
    """Foreground points held out; in validation all beyond the first k. None if none were."""
    unseen_foreground_inside: int | None = None
    """Those inside the mask that was made without them."""
    unseen_background: int | None = None
    """Background points held out; in validation all."""
    unseen_background_outside: int | None = None
    """Those outside the mask that was made without them."""


def points_on_their_side(mask: NDArray[np.bool_], points: Points) -> tuple[int, int]:
    """How many foreground points are inside a mask [H, W], how many background points outside."""
    inside = [_count_inside(mask, one.xy) for one in (points.foreground, points.background)]
    return inside[0], len(points.background) - inside[1]


def _count_inside(mask: NDArray[np.bool_], xy: NDArray[np.float32]) -> int:
    pixels = geometry.pixels_at(xy)
    return int(mask[pixels[:, 1], pixels[:, 0]].sum())


def held_out_split(points: Points, share: float, rng: np.random.Generator) -> tuple[Points, Points]:
    """Points to make a mask from, and points to judge it by.

    Args:
        points: foreground and background points of one object.
        share: of the points of each label to hold out, rounded; one foreground point always stays.
        rng: draws which.

    Returns:
        The points that stay and those held out, each in the given order.
    """
    held = np.zeros(len(points), bool)
    for label, least in ((1, 1), (0, 0)):
        places = np.flatnonzero(points.labels == label)
        count = min(round(share * len(places)), max(0, len(places) - least))
        held[rng.choice(places, size=count, replace=False)] = True
    return points.take(~held), points.take(held)


def _schema() -> pa.Schema:
    kinds = {str: pa.string(), int: pa.int32(), float: pa.float64()}
    found = []
    for name, kind in get_type_hints(MaskQuality).items():
        known = [one for one in (kind, *get_args(kind)) if one in kinds]
        found.append(pa.field(name, kinds[known[0]], nullable=bool(get_args(kind))))
    return pa.schema(found)


SCHEMA = _schema()


def quality_summary(rows: pa.Table) -> dict[str, Any]:
    """Means over the masks of one setting, as in results.json; shares are in [0, 1].

    A share of points is over the points of all masks. What no mask has is None.
    """
    columns = {
        name: rows[name].to_numpy()  # float with nan for None
        for name, kind in zip(SCHEMA.names, SCHEMA.types, strict=True)
        if kind != pa.string()
    }
    made = columns["area"] > 0

    def mean(values: NDArray[Any]) -> float | None:
        return round(float(values.mean()), 6) if values.size else None

    def share(part: str, whole: str) -> float | None:
        total = float(np.nansum(columns[whole]))
        return round(float(np.nansum(columns[part])) / total, 6) if total else None

    return {
        "masks": int(made.sum()),
        "empty_masks": int((~made).sum()),
        "points_per_mask": mean(columns["foreground"] + columns["background"]),
        "score": mean(columns["score"][made]),
        "area_share": mean(columns["area_share"][made]),
        "foreground_inside": share("foreground_inside", "foreground"),
        "background_outside": share("background_outside", "background"),
        "unseen_foreground_inside": share("unseen_foreground_inside", "unseen_foreground"),
        "unseen_background_outside": share("unseen_background_outside", "unseen_background"),
        "masks_that_gave_pixels_away": int((columns["given_away"] > 0).sum()),
    }


def write_quality(path: Path, rows: pa.Table) -> None:
    """Write rows as Parquet, atomically."""
    with atomic_path(path) as temporary:
        pq.write_table(rows, temporary, compression="zstd")


def read_quality(path: Path) -> pa.Table:
    """The rows of a file that `write_quality` wrote; none where there is no file.

    Raises:
        InputError: it is damaged or another table.
    """
    if not path.is_file():
        return SCHEMA.empty_table()
    try:
        table = pq.read_table(path)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: expected a Parquet file, found: {error}") from error
    if not table.schema.equals(SCHEMA):
        raise InputError(
            f"{path}: expected columns {', '.join(SCHEMA.names)}, found "
            f"{', '.join(table.schema.names)}"
        )
    return table
