"""What is measured of a mask, and what is held out."""

import numpy as np
import pyarrow as pa
import pytest

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.pseudomask.quality import (
    SCHEMA,
    held_out_split,
    points_on_their_side,
    quality_summary,
    read_quality,
    write_quality,
)

ROW = {
    "video": "dog",
    "object_id": "dog/1",
    "number": 1,
    "frame": "00000",
    "setting": 0,
    "score": 0.5,
    "area": 10,
    "area_share": 0.25,
    "given_away": 0,
    "foreground": 4,
    "foreground_inside": 3,
    "background": 2,
    "background_outside": 2,
}


def points(foreground: int, background: int, ambiguous: int = 0) -> Points:
    count = foreground + background + ambiguous
    labels = [1] * foreground + [0] * background + [2] * ambiguous
    return Points.from_pixels([(i, 0) for i in range(count)], labels)


def test_points_on_their_side():
    mask = np.zeros((2, 6), bool)
    mask[0, :2] = True
    assert points_on_their_side(mask, points(3, 2, 1)) == (2, 2)
    assert points_on_their_side(~mask, points(3, 2)) == (1, 0)
    assert points_on_their_side(mask, Points.empty()) == (0, 0)


@pytest.mark.parametrize(
    ("foreground", "background", "share", "held_foreground", "held_background"),
    [
        (10, 10, 0.2, 2, 2),
        (1, 3, 0.5, 0, 2),  # the only foreground point stays; half of 3, to even
        (2, 0, 0.9, 1, 0),
        (4, 3, 0.0, 0, 0),
    ],
)
def test_a_share_of_each_label_is_held_out(
    foreground, background, share, held_foreground, held_background
):
    given = points(foreground, background)
    kept, held = held_out_split(given, share, np.random.default_rng(0))
    assert (len(held.foreground), len(held.background)) == (held_foreground, held_background)
    both = sorted(kept.pixels().tolist() + held.pixels().tolist())
    assert both == given.pixels().tolist()
    assert kept.pixels().tolist() == sorted(kept.pixels().tolist())  # in the given order


def test_the_draw_depends_on_the_generator_alone():
    given = points(10, 10)
    draws = [held_out_split(given, 0.3, np.random.default_rng(seed))[1] for seed in (0, 0, 1)]
    first, again, other = (draw.pixels().tolist() for draw in draws)
    assert first == again
    assert first != other


def test_means_are_over_masks_and_shares_over_points():
    rows = [
        ROW,
        {**ROW, "score": 0.7, "area_share": 0.75, "foreground": 1, "foreground_inside": 1},
        {**ROW, "area": 0, "area_share": 0.0, "score": 0.0, "given_away": 5},
    ]
    unseen = {"unseen_foreground": 2, "unseen_foreground_inside": 1}
    rows[0] = {**rows[0], **unseen}
    summary = quality_summary(pa.Table.from_pylist(rows, schema=SCHEMA))
    assert summary == {
        "masks": 2,
        "empty_masks": 1,
        "points_per_mask": 5.0,
        "score": 0.6,
        "area_share": 0.5,
        "foreground_inside": round(7 / 9, 6),
        "background_outside": 1.0,
        "unseen_foreground_inside": 0.5,
        "unseen_background_outside": None,
        "masks_that_gave_pixels_away": 1,
    }


def test_no_masks_have_no_means():
    summary = quality_summary(SCHEMA.empty_table())
    assert (summary["masks"], summary["score"], summary["foreground_inside"]) == (0, None, None)


def test_rows_come_back_from_a_file(tmp_path):
    table = pa.Table.from_pylist([ROW], schema=SCHEMA)
    write_quality(tmp_path / "q.parquet", table)
    assert read_quality(tmp_path / "q.parquet").equals(table)
    assert len(read_quality(tmp_path / "none.parquet")) == 0


def test_other_files_are_refused(tmp_path):
    (tmp_path / "q.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(InputError, match=r"q.parquet: expected a Parquet file"):
        read_quality(tmp_path / "q.parquet")
    write_quality(tmp_path / "q.parquet", pa.table({"a": [1]}))
    with pytest.raises(InputError, match=r"expected columns video, object_id.*found a"):
        read_quality(tmp_path / "q.parquet")
