"""The folder of a store: its manifest and its locks."""

import json

import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store import layout
from pointvos.core.mask_store.layout import (
    Manifest,
    live_parts,
    locked,
    make_room,
    read_manifest,
    write_manifest,
)

LOOSE = [f"part-{number:05d}-of-00002-{number:016x}.parquet" for number in range(3)]
MERGED = f"merged-00000-{0:016x}.parquet"


def test_replaced_and_unlisted_parts_are_not_live(tmp_path):
    write_manifest(tmp_path, Manifest((MERGED,), (LOOSE[0],)))
    stray = f"merged-00001-{1:016x}.parquet"
    others = [f".{LOOSE[1][:-8]}.ab12cd34.tmp.parquet", "notes.txt", "part-x.parquet"]
    for name in (*LOOSE, MERGED, stray, *others):
        (tmp_path / name).touch()

    assert [path.name for path in live_parts(tmp_path)] == [MERGED, *LOOSE[1:]]


def test_a_merge_that_comes_between_two_looks_is_seen_whole(tmp_path, monkeypatch):
    """Listed before it and its manifest read after it, the folder would seem empty."""
    for name in LOOSE:
        (tmp_path / name).touch()
    write_manifest(tmp_path, Manifest())
    looks = []

    def read_and_merge(folder):
        manifest = read_manifest(folder)
        looks.append(manifest)
        if len(looks) == 1:
            (tmp_path / MERGED).touch()
            write_manifest(tmp_path, Manifest((MERGED,), tuple(LOOSE)))
            for name in LOOSE:
                (tmp_path / name).unlink()
        return manifest

    monkeypatch.setattr(layout, "read_manifest", read_and_merge)
    assert [path.name for path in live_parts(tmp_path)] == [MERGED]
    assert len(looks) > 2


@pytest.mark.parametrize("key", ["merged", "replaced"])
@pytest.mark.parametrize(
    "names", [["../x.parquet"], ["/etc/passwd"], [7], "x", None, ["part-1.parquet"]]
)
def test_a_manifest_names_nothing_but_parts(tmp_path, key, names):
    write_manifest(tmp_path, Manifest())
    path = tmp_path / "_store.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: names}))
    with pytest.raises(InputError, match=f"_store.json: expected names of parts in '{key}'"):
        read_manifest(tmp_path)


def test_room_is_made_once(tmp_path):
    make_room(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / ".store.lock").touch()
    make_room(tmp_path / "a" / "b")
    (tmp_path / "a" / "b" / "x").touch()
    with pytest.raises(InputError, match="an empty folder for one, found 'x'"):
        make_room(tmp_path / "a" / "b")
    write_manifest(tmp_path / "a" / "b", Manifest())
    make_room(tmp_path / "a" / "b")


def test_locks_are_shared_or_exclusive(tmp_path):
    path = tmp_path / ".lock"
    with (
        locked(path, exclusive=False, why="no"),
        locked(path, exclusive=False, why="no"),
        pytest.raises(InputError, match="held by others"),
        locked(path, exclusive=True, why="held by others"),
    ):
        pytest.fail("the lock was given twice")
    with locked(path, exclusive=True, why="no"):
        pass
