"""Part files: an index that fits, a checksum in the name."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.parts import (
    PART_NAME,
    PartEncoder,
    check_checksum,
    part_file_name,
    read_part,
)
from pointvos.core.mask_store.rows import SCHEMA, table_of
from pointvos.core.run_lengths import run_lengths
from tests.mask_corpus import masks_of


def encoded(*videos: str) -> bytes:
    encoder = PartEncoder()
    for video in videos:
        encoder.add(video, [table_of(video, masks_of(video))])
    return encoder.finish()


def test_a_part_knows_its_videos(tmp_path):
    data = encoded("b", "a")
    path = tmp_path / part_file_name("merged-00000", data)
    path.write_bytes(data)

    part = read_part(path)

    assert part.videos == (("b", 9), ("a", 9))
    assert part.group_ends == (18,)
    assert PART_NAME.fullmatch(path.name)
    check_checksum(path)


def test_the_same_masks_never_make_the_same_name_twice():
    assert part_file_name("merged-00000", encoded("a")) != part_file_name(
        "merged-00000", encoded("a")
    )


def test_columns_are_compressed_with_zstd(tmp_path):
    path = tmp_path / "part.parquet"
    path.write_bytes(encoded("a"))
    group = pq.ParquetFile(path).metadata.row_group(0)
    assert {group.column(number).compression for number in range(9)} == {"ZSTD"}


@pytest.mark.parametrize("change", ["rename", "byte", "gone"])
def test_a_checksum_that_does_not_fit(tmp_path, change):
    data = encoded("a")
    path = tmp_path / part_file_name("merged-00000", data)
    if change == "rename":
        path = tmp_path / f"merged-00000-{0:016x}.parquet"
    if change != "gone":
        path.write_bytes(data[:-1] + b"x" if change == "byte" else data)
    with pytest.raises(InputError, match=r"merged.*: expected a whole part"):
        check_checksum(path)


@pytest.mark.parametrize(
    "index",
    [
        "",
        "[",
        "[]",
        "7",
        "{}",
        '{"version": 2}',
        '{"version": 2, "videos": 3}',
        '{"version": 2, "videos": [["a"]]}',
        '{"version": 2, "videos": [["a", "9"]]}',
        '{"version": 2, "videos": [["a", -9]]}',
        '{"version": 2, "videos": [["a", true]]}',
        '{"version": 2, "videos": [[7, 9]]}',
        '{"version": 2, "videos": [["a", 8]]}',
        '{"version": 2, "videos": {"ab": 9}}',
        "[" * 100_000,
    ],
)
def test_a_hostile_index_is_refused_in_one_line(tmp_path, index):
    path = tmp_path / "part.parquet"
    with pq.ParquetWriter(path, SCHEMA) as writer:
        writer.write_table(table_of("a", masks_of("a")))
        writer.add_key_value_metadata({b"pointvos.mask_store": index})
    with pytest.raises(InputError, match=r"part\.parquet: expected") as error:
        read_part(path)
    assert "\n" not in str(error.value)


def test_rows_keep_missing_scores_apart_from_0():
    masks = masks_of("a")
    rows = table_of("a", masks)
    assert rows.schema.equals(SCHEMA)
    assert rows["score"].to_pylist() == [mask.score for mask in masks]
    assert isinstance(rows, pa.Table)
    assert json.dumps(rows["score"].to_pylist()).count("null") == 1


def test_rows_are_the_same_with_run_lengths_that_are_known():
    masks = masks_of("video")
    table = table_of("video", masks, [run_lengths(mask.counts) for mask in masks])
    assert table.equals(table_of("video", masks))
    assert table_of("video", []).num_rows == 0


@pytest.mark.parametrize("at_once", [1, 2, 1_000])
def test_a_part_is_the_same_in_however_many_tables_its_rows_come(tmp_path, at_once):
    masks = masks_of("video", objects=60)  # of more than one group
    encoder = PartEncoder()
    encoder.add(
        "video",
        (table_of("video", masks[i : i + at_once]) for i in range(0, len(masks), at_once)),
    )
    encoder.add("none", [])
    path = tmp_path / "part.parquet"
    path.write_bytes(encoder.finish())
    assert read_part(path).videos == (("video", len(masks)), ("none", 0))
    assert pq.read_table(path).equals(table_of("video", masks))
