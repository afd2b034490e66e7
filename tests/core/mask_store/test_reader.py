"""Reading: damage and hostile parts are named, memory stays flat."""

import json
import multiprocessing
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store import parts, reader
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.parts import ROWS_PER_GROUP, PartEncoder, part_file_name
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.rows import SCHEMA_OF_RUN_LENGTHS, table_of
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from tests.mask_corpus import contents, masks_of, names, write_store


def some_part(folder: Path) -> Path:
    return sorted(folder.glob("*.parquet"))[1]


def put_part(folder: Path, video: str, rows: pa.Table) -> Path:
    """A part with a true checksum that no writer would write."""
    if not folder.exists() or not any(folder.iterdir()):
        MaskStoreWriter(folder).close()
    encoder = PartEncoder()
    encoder.add(video, [rows])
    data = encoder.finish()
    path = folder / part_file_name("part-00000-of-00001", data)
    path.write_bytes(data)
    return path


def with_column(name: str, values: list[object]) -> pa.Table:
    """Good rows of the video "a" but for one column."""
    rows = table_of("a", masks_of("a")[: len(values)])
    number = rows.schema.get_field_index(name)
    field = rows.schema.field(number)
    return rows.set_column(number, field, pa.array(values, field.type))


@pytest.mark.parametrize("finished", [False, True])
def test_every_video_is_read(tmp_path, finished):
    expected = write_store(tmp_path)
    store = finish_store(tmp_path) if finished else MaskStore.open(tmp_path)

    assert store.videos() == names(20)
    assert len(store) == 20
    assert store.rows == 180
    assert names(1)[0] in store
    assert "other" not in store
    for name in reversed(names(20)):
        assert store.read(name) == expected[name]
    assert contents(tmp_path) == expected
    assert store.verify() == []


@pytest.mark.parametrize("objects", [1, 3])
def test_videos_of_many_rows_have_several_row_groups(tmp_path, objects):
    """In front of, between and behind short ones."""
    lengths = {"a": 30, "b": 1000, "c": 5, "d": 500, "e": ROWS_PER_GROUP, "f": 1}
    mask = np.eye(3, dtype=bool)
    with MaskStoreWriter(tmp_path, rows_per_part=10**6) as writer:
        for name, frames in lengths.items():
            entries = [(number, str(frame)) for number in range(objects) for frame in range(frames)]
            writer.add(name, [StoredMask.from_mask(*entry, mask) for entry in entries])
    for opened in (MaskStore.open, finish_store):
        store = opened(tmp_path)
        (part,) = store.parts
        sizes = np.diff([0, *part.group_ends])
        assert sizes.max() < 2 * ROWS_PER_GROUP
        for name, frames in lengths.items():
            read = store.read(name)
            assert {key: len(value) for key, value in read.objects.items()} == {
                str(number): frames for number in range(objects)
            }


@pytest.mark.parametrize("rows", [1, 7, 400])
def test_row_groups_of_any_size_are_read_and_merged(tmp_path, monkeypatch, rows):
    """400 is what earlier stores have."""
    with monkeypatch.context() as patch:
        patch.setattr(parts, "ROWS_PER_GROUP", rows)
        expected = write_store(tmp_path, 60, rows_per_part=540)
    store = MaskStore.open(tmp_path)
    (part,) = store.parts
    assert len(part.group_ends) == {1: 540, 7: 60, 400: 2}[rows]
    assert {name: store.read(name) for name in store.videos()} == expected
    assert store.verify() == []
    merged = finish_store(tmp_path)
    assert {name: merged.read(name) for name in merged.videos()} == expected
    assert np.diff([0, *merged.parts[0].group_ends]).max() < ROWS_PER_GROUP + 9


def test_masks_of_several_sizes_in_one_video(tmp_path):
    """And empty ones, between others and alone, at the ends of the rows."""
    rng = np.random.default_rng(0)
    sizes = [(5, 8), (1, 1), (40, 3), (5, 8), (3, 40), (480, 854)]
    masks = [
        StoredMask.from_mask(1, f"{frame:05d}", rng.random(size) < (frame % 2) / 2)
        for frame, size in enumerate(sizes)
    ]
    blank = [StoredMask.from_mask(1, f"{frame:05d}", np.zeros((5, 8), bool)) for frame in range(3)]
    with MaskStoreWriter(tmp_path) as writer:
        writer.add("a", masks)
        writer.add("b", blank)
        writer.add("c", masks[::-1])
    store = MaskStore.open(tmp_path)
    assert [store.read(name).masks for name in "abc"] == [masks, blank, masks]


def test_the_folder_is_a_plain_parquet_dataset(tmp_path):
    write_store(tmp_path)
    finish_store(tmp_path)
    table = pq.read_table(tmp_path)
    assert table.num_rows == 180
    assert table.column_names == [
        *("video", "object_id", "frame", "height", "width"),
        *("track_starts", "track_lengths", "track_steps", "score"),
    ]
    assert table["video"].to_pylist() == sorted(table["video"].to_pylist())


def test_a_video_that_is_not_there(tmp_path):
    write_store(tmp_path)
    with pytest.raises(InputError, match="expected a video of this mask store, found 'x', none of"):
        MaskStore.open(tmp_path).read("x")


def test_what_is_no_store(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a mask store, found none"):
        MaskStore.open(tmp_path / "absent")
    with pytest.raises(InputError, match=r"expected a mask store, found no _store\.json"):
        MaskStore.open(tmp_path)
    (tmp_path / "_store.json").write_text('{"videos": []}')
    with pytest.raises(InputError, match="expected the manifest of a mask store"):
        MaskStore.open(tmp_path)
    (tmp_path / "_store.json").write_text('{"videos"')
    with pytest.raises(InputError, match="expected JSON"):
        MaskStore.open(tmp_path)


@pytest.mark.parametrize("version", [3, 99, "1", 0, None, True])
def test_a_store_of_another_version_is_refused(tmp_path, version):
    write_store(tmp_path)
    path = tmp_path / "_store.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "version": version}))
    for open_it in (MaskStore.open, MaskStoreWriter):
        with pytest.raises(
            InputError, match="expected a mask store of version 1 to 2, found"
        ) as error:
            open_it(tmp_path)
        assert "\n" not in str(error.value)


def test_a_part_of_a_newer_version_is_refused(tmp_path, monkeypatch):
    write_store(tmp_path)
    monkeypatch.setattr(parts, "FORMAT_VERSION", 3)
    put_part(tmp_path, "a", table_of("a", masks_of("a")))
    monkeypatch.undo()
    with pytest.raises(
        InputError, match=r"part-.*: .* version 1 to 2, found version 3; update pointvos"
    ):
        MaskStore.open(tmp_path)


@pytest.mark.parametrize("keep", [0, 3, 100, -1, -9, -200])
def test_a_part_that_is_cut_off_is_named_on_opening(tmp_path, keep):
    write_store(tmp_path)
    path = some_part(tmp_path)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="expected a whole part of a mask store") as error:
        MaskStore.open(tmp_path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_any_changed_byte_is_found_by_verification_or_on_opening(tmp_path):
    write_store(tmp_path)
    path = some_part(tmp_path)
    data = path.read_bytes()
    for position in range(0, len(data), 97):
        changed = bytearray(data)
        changed[position] ^= 0x10
        path.write_bytes(changed)
        try:
            found = MaskStore.open(tmp_path).verify()
        except InputError as error:
            found = [str(error)]
        assert len(found) == 1, position
        assert path.name in found[0]


def test_a_changed_byte_of_the_masks_is_found_on_reading(tmp_path):
    """The checksums of the pages; without verification."""
    write_store(tmp_path)
    path = some_part(tmp_path)
    changed = bytearray(path.read_bytes())
    changed[len(changed) // 3] ^= 1
    path.write_bytes(changed)
    store = MaskStore.open(tmp_path)
    with pytest.raises(InputError, match="expected a whole part of a mask store, found damage"):
        list(store.iterate())


def test_a_part_that_vanishes_is_named(tmp_path):
    write_store(tmp_path)
    store = MaskStore.open(tmp_path)
    finish_store(tmp_path)
    with pytest.raises(InputError, match="found none; if the store has been finished meanwhile"):
        list(store.iterate())
    next(tmp_path.glob("*.parquet")).unlink()
    with pytest.raises(InputError, match="expected this part of the store, found none"):
        MaskStore.open(tmp_path)


def test_another_parquet_file_is_no_part(tmp_path):
    write_store(tmp_path)
    path = tmp_path / f"part-00000-of-00001-{'0' * 16}.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(InputError, match="found another Parquet file"):
        MaskStore.open(tmp_path)


def test_columns_of_other_types_are_refused(tmp_path, monkeypatch):
    rows = table_of("a", masks_of("a"))
    schema = rows.schema.set(4, pa.field("width", pa.string(), nullable=False))
    monkeypatch.setattr(parts, "SCHEMA", schema)
    put_part(tmp_path, "a", rows.cast(schema))
    monkeypatch.undo()
    with pytest.raises(InputError, match=r"expected columns video string.*width string"):
        MaskStore.open(tmp_path)


def test_a_video_in_two_parts_is_refused(tmp_path):
    one = put_part(tmp_path, "a", table_of("a", masks_of("a")))
    two = put_part(tmp_path, "a", table_of("a", masks_of("a")))
    assert one != two
    with pytest.raises(InputError, match="expected every video once, found 'a' in part-"):
        MaskStore.open(tmp_path)


@pytest.mark.parametrize("name", ["../../etc", "/etc", "x" * 2000, "", "a\\b"])
def test_video_names_that_lead_outside_are_refused_on_opening(tmp_path, name):
    path = put_part(tmp_path, name, table_of(name, masks_of("a")))
    with pytest.raises(InputError, match="expected a") as error:
        MaskStore.open(tmp_path)
    assert str(path) in str(error.value)
    assert len(str(error.value)) < 600


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("frame", ["../x", "1"], "expected a name inside"),
        ("frame", ["1", "1"], "expected one mask of an object on a frame, found two of object 1"),
        ("object_id", ["", "1"], "expected an object id"),
        ("height", [0, 2], "expected a mask of 1 to"),
        ("width", [-1, 2], "expected a mask of 1 to"),
        ("score", [1.5, None], r"expected scores in \[0, 1\], found 1.5"),
        ("score", [float("nan"), None], "expected scores"),
        ("video", ["a", "b"], "found another video there"),
    ],
)
def test_hostile_rows_are_refused_on_reading(tmp_path, column, values, message):
    path = put_part(tmp_path, "a", with_column(column, values))
    store = MaskStore.open(tmp_path)
    with pytest.raises(InputError, match=message) as error:
        store.read("a")
    assert str(path) in str(error.value)
    assert len(store.verify()) == 1


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("track_starts", [[]]),
        ("track_starts", [[10**9] * 40]),
        ("track_starts", [[-5] * 40]),
        ("track_lengths", [[]]),
        ("track_lengths", [[0] * 40]),
        ("track_lengths", [[2**31 - 1] * 40]),
        ("track_lengths", [[-1] * 40]),
        ("track_steps", [b""]),
        ("track_steps", [b"\x7f" * 40]),
        ("track_steps", [b"\x80" * 1000]),
        ("height", [1]),
    ],
)
def test_hostile_outlines_are_refused_on_reading(tmp_path, column, values):
    rows = table_of("a", masks_of("a")[:1])
    if column.startswith("track_"):  # as many as the mask has
        (true,) = rows[column].to_pylist()
        values = [values[0][: len(true)]]
        assert values != [true]
    path = put_part(tmp_path, "a", with_column(column, values))
    store = MaskStore.open(tmp_path)
    with pytest.raises(InputError, match="a: expected outlines") as error:
        store.read("a")
    assert str(path) in str(error.value)
    assert len(store.verify()) == 1


def test_steps_of_one_mask_are_not_those_of_the_next(tmp_path):
    first, absent, third = table_of("a", masks_of("a")[:3])["track_steps"].to_pylist()
    put_part(tmp_path, "a", with_column("track_steps", [first + third[:1], absent, third[1:]]))
    with pytest.raises(InputError, match="expected outlines with a step for every number"):
        MaskStore.open(tmp_path).read("a")


def put_run_lengths(
    folder: Path, monkeypatch: pytest.MonkeyPatch, video: str, masks: list[StoredMask]
) -> Path:
    """A part as version 1 wrote it."""
    rows = [
        {name: getattr(mask, name) for name in ("object_id", "frame", "height", "width", "score")}
        | {"video": video, "rle_counts": mask.counts}
        for mask in masks
    ]
    with monkeypatch.context() as patch:
        patch.setattr(parts, "FORMAT_VERSION", 1)
        patch.setattr(parts, "SCHEMA", SCHEMA_OF_RUN_LENGTHS)
        return put_part(folder, video, pa.Table.from_pylist(rows, schema=SCHEMA_OF_RUN_LENGTHS))


def test_a_store_of_version_1_is_read_added_to_and_written_anew(tmp_path, monkeypatch):
    masks = {name: masks_of(name) for name in ("a", "b", "new")}
    put_run_lengths(tmp_path, monkeypatch, "a", masks["a"])
    put_run_lengths(tmp_path, monkeypatch, "b", masks["b"])
    manifest = tmp_path / "_store.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "version": 1}))
    store = MaskStore.open(tmp_path)
    assert [part.version for part in store.parts] == [1, 1]
    assert store.verify() == []
    (rows,) = store.read_rows("a")
    assert rows.equals(table_of("a", masks["a"]))

    with MaskStoreWriter(tmp_path) as writer:
        assert writer.completed() == {"a", "b"}
        writer.add("new", masks["new"])

    assert sorted(part.version for part in MaskStore.open(tmp_path).parts) == [1, 1, 2]
    for opened in (MaskStore.open, finish_store):
        store = opened(tmp_path)
        assert {name: store.read(name).masks for name in store.videos()} == masks
    assert [part.version for part in store.parts] == [2]
    assert json.loads(manifest.read_text())["version"] == 2


def test_a_finished_store_of_version_1_is_written_anew(tmp_path, monkeypatch):
    part = put_run_lengths(tmp_path, monkeypatch, "a", masks_of("a"))
    merged = part.rename(tmp_path / part.name.replace("part-00000-of-00001", "merged-00000"))
    manifest = tmp_path / "_store.json"
    value = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**value, "version": 1, "merged": [merged.name]}))
    assert [part.version for part in MaskStore.open(tmp_path).parts] == [1]
    store = finish_store(tmp_path)
    assert [part.version for part in store.parts] == [2]
    assert store.read("a").masks == masks_of("a")
    assert not merged.exists()


@pytest.mark.parametrize("counts", [b"9", b"\xff\x00", b"", None])
def test_hostile_run_lengths_are_refused_on_decoding_and_verification(
    tmp_path, monkeypatch, counts
):
    (mask,) = masks_of("a")[:1]
    mask = replace(mask, counts=counts) if counts is not None else replace(mask, height=8000)
    put_run_lengths(tmp_path, monkeypatch, "a", [mask])
    store = MaskStore.open(tmp_path)
    (mask,) = store.read("a").masks
    with pytest.raises(InputError, match="object 1, frame 00000: expected"):
        mask.decode()
    (line,) = store.verify()
    assert "a: object 1, frame 00000" in line
    with pytest.raises(InputError, match="expected"):
        list(store.read_rows("a"))


def test_a_million_times_a_million_pixels_are_refused(tmp_path):
    rows = with_column("height", [10**6])
    put_part(tmp_path, "a", rows.set_column(4, rows.schema.field(4), pa.array([10**6], pa.int32())))
    with pytest.raises(InputError, match=r"expected a mask of 1 to .* found a size of 1000000x"):
        MaskStore.open(tmp_path).read("a")


def test_an_index_that_does_not_fit_the_rows_is_refused(tmp_path):
    encoder = PartEncoder()
    encoder.add("a", [table_of("a", masks_of("a"))])
    encoder._videos[0] = ("a", 4)
    MaskStoreWriter(tmp_path).close()
    data = encoder.finish()
    (tmp_path / part_file_name("part-00000-of-00001", data)).write_bytes(data)
    with pytest.raises(InputError, match="9 rows of which 4 are in its index"):
        MaskStore.open(tmp_path)


def read_in_child(store: MaskStore, name: str, queue: "multiprocessing.Queue[object]") -> None:
    queue.put(store.read(name))


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_other_processes_read_the_same(tmp_path, method):
    expected = write_store(tmp_path)
    store = MaskStore.open(tmp_path)
    store.read(names(1)[0])
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    process = context.Process(target=read_in_child, args=(store, names(9)[8], queue))
    process.start()
    assert queue.get(timeout=60) == expected[names(9)[8]]
    process.join()
    assert pickle.loads(pickle.dumps(store)).read(names(1)[0]) == expected[names(1)[0]]


def test_few_files_are_open_at_once(tmp_path, monkeypatch):
    expected = write_store(tmp_path, 30, rows_per_part=1)
    monkeypatch.setattr(reader, "MAX_OPEN_FILES", 3)
    store = MaskStore.open(tmp_path)
    for name in [*names(30), *names(30)]:
        assert store.read(name) == expected[name]
        assert len(store._files) <= 3


STREAM = """
import sys
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.run_facts import peak_memory_mb
store = MaskStore.open(sys.argv[1])
peaks = {}
for number, video in enumerate(store.iterate(), start=1):
    peaks[number] = peak_memory_mb()
print(peaks[len(store) // 5], peaks[len(store)])
"""


def test_memory_does_not_grow_with_the_store(tmp_path):
    """In a process of its own: 38 MB of run lengths that do not compress, in four parts."""
    rng = np.random.default_rng(0)
    with MaskStoreWriter(tmp_path, rows_per_part=500) as writer:
        for number in range(200):
            masks = (rng.random((10, 120, 120)) < 0.5 for _ in range(1))
            writer.add(
                f"v{number:03d}",
                [
                    StoredMask.from_mask(1, str(frame), mask)
                    for frame, mask in enumerate(next(masks))
                ],
            )
    for finished in (False, True):
        if finished:
            finish_store(tmp_path, rows_per_part=500)
        run = subprocess.run(
            [sys.executable, "-c", STREAM, str(tmp_path)],
            capture_output=True,
            text=True,
            check=True,
            cwd=Path(__file__).parents[3],
        )
        early, late = map(float, run.stdout.split())
        assert late - early < 4
