"""Merging and dropping parts, with kills at every moment that matters."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.merging import drop_parts, finish_store
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.writer import MaskStoreWriter
from tests.mask_corpus import contents, masks_of, names, write_store

# Waits to be killed before a step: the rename of the second merged part or of the manifest, or the
# removal of the third file that was replaced.
FINISH = """
import sys, time
from pathlib import Path
from pointvos.core.mask_store.merging import finish_store
folder, step, at = sys.argv[1], sys.argv[2], int(sys.argv[3])
count = 0
def waiting(method, counts):
    def run(self, *args, **kwargs):
        global count
        count += counts(self, *args)
        if count == at:
            print("waiting", flush=True)
            time.sleep(60)
        return method(self, *args, **kwargs)
    return run
if step == "unlink":
    Path.unlink = waiting(Path.unlink, lambda path: path.name.startswith("part-"))
else:
    Path.replace = waiting(Path.replace, lambda path, target: step in Path(target).name)
finish_store(folder, rows_per_part=50)
print("finished", flush=True)
"""


def killed_finish(folder: Path, step: str, at: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", FINISH, str(folder), step, str(at)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()


def parts(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*.parquet"))


def test_many_parts_become_few_sorted_ones(tmp_path):
    with MaskStoreWriter(tmp_path, rows_per_part=9) as writer:
        for name in reversed(names(20)):
            writer.add(name, masks_of(name))
    before = contents(tmp_path)
    assert len(parts(tmp_path)) == 20

    store = finish_store(tmp_path, rows_per_part=50)

    assert len(parts(tmp_path)) == 4
    assert contents(tmp_path) == before
    listed = [video for part in store.parts for video, _ in part.videos]
    assert sorted(listed) == names(20)
    assert all(part.videos == tuple(sorted(part.videos)) for part in store.parts)
    assert store.verify() == []


def test_videos_are_streamed_by_name_once_finished(tmp_path):
    with MaskStoreWriter(tmp_path, rows_per_part=9) as writer:
        for name in reversed(names(20)):
            writer.add(name, masks_of(name))
    store = finish_store(tmp_path, rows_per_part=20)
    assert [video.name for video in store.iterate()] == names(20)


def test_finishing_twice_changes_nothing(tmp_path):
    write_store(tmp_path)
    finish_store(tmp_path)
    before = {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    finish_store(tmp_path)
    assert {path.name: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before


def test_a_finished_store_can_grow_and_be_finished_again(tmp_path):
    expected = write_store(tmp_path, 10)
    finish_store(tmp_path)
    expected |= write_more(tmp_path, "later")
    assert contents(tmp_path) == expected
    finish_store(tmp_path)
    assert contents(tmp_path) == expected
    assert len(parts(tmp_path)) == 1


def write_more(folder: Path, name: str) -> dict[str, object]:
    with MaskStoreWriter(folder) as writer:
        writer.add(name, masks_of(name))
    return {name: MaskStore.open(folder).read(name)}


def test_an_empty_store_can_be_finished(tmp_path):
    MaskStoreWriter(tmp_path).close()
    assert finish_store(tmp_path).videos() == []


@pytest.mark.parametrize(
    ("step", "at"),
    [("merged-", 1), ("merged-", 2), ("_store.json", 1), ("unlink", 1), ("unlink", 3)],
)
def test_a_killed_merge_loses_and_doubles_nothing(tmp_path, step, at):
    expected = write_store(tmp_path, 20, rows_per_part=18)
    killed_finish(tmp_path, step, at)

    assert contents(tmp_path) == expected
    with MaskStoreWriter(tmp_path) as writer:  # a job may go on where a merge was killed
        assert writer.completed() == expected.keys()
        writer.add("later", masks_of("later"))
    assert contents(tmp_path).keys() == {*expected, "later"}

    store = finish_store(tmp_path, rows_per_part=50)
    assert {name: store.read(name) for name in expected} == expected
    assert store.rows == 21 * 9
    assert store.verify() == []
    assert parts(tmp_path) == sorted(part.path.name for part in store.parts)
    assert not list(tmp_path.glob(".*.tmp*"))


def test_a_store_is_not_finished_while_it_is_written(tmp_path):
    writer = MaskStoreWriter(tmp_path)
    with pytest.raises(InputError, match="found a writer at work; wait"):
        finish_store(tmp_path)
    writer.close()
    finish_store(tmp_path)


def test_only_stores_are_finished(tmp_path):
    (tmp_path / "merged-x.txt").write_text("mine")
    with pytest.raises(InputError, match="expected a mask store"):
        finish_store(tmp_path)
    with pytest.raises(FileNotFoundError):
        finish_store(tmp_path / "absent")
    assert [path.name for path in tmp_path.iterdir()] == ["merged-x.txt"]


def test_foreign_files_in_a_store_stay(tmp_path):
    write_store(tmp_path)
    (tmp_path / "merged-x.txt").write_text("mine")
    finish_store(tmp_path)
    assert (tmp_path / "merged-x.txt").exists()


@pytest.mark.parametrize("finished", [False, True])
@pytest.mark.parametrize("gone", [False, True])
def test_a_damaged_part_is_dropped_and_made_again(tmp_path, finished, gone):
    expected = write_store(tmp_path, 20)
    if finished:
        finish_store(tmp_path, rows_per_part=50)
    path = tmp_path / parts(tmp_path)[0]
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(InputError, match="drop_parts"):
        MaskStore.open(tmp_path)
    if gone and finished:
        path.unlink()

    drop_parts(tmp_path, [path.name])

    with MaskStoreWriter(tmp_path) as writer:
        left = [name for name in names(20) if name not in writer.completed()]
        assert 0 < len(left) < 20
        for name in left:
            writer.add(name, masks_of(name))
    assert contents(tmp_path) == expected
    finish_store(tmp_path)
    assert contents(tmp_path) == expected


def test_what_is_dropped_can_be_made_again_after_a_killed_merge(tmp_path):
    """The new part must not be taken for the one that went into the merge."""
    expected = write_store(tmp_path, 4, rows_per_part=10**6)
    finish_store(tmp_path)
    drop_parts(tmp_path, parts(tmp_path))
    assert contents(tmp_path) == {}
    write_store(tmp_path, 4, rows_per_part=10**6)
    assert contents(tmp_path) == expected


@pytest.mark.parametrize("name", ["../x.parquet", "_store.json", "part-x"])
def test_only_parts_are_dropped(tmp_path, name):
    write_store(tmp_path)
    with pytest.raises(InputError, match="expected the name of a part"):
        drop_parts(tmp_path, [name])
