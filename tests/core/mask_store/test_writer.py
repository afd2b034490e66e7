"""Writing: whole videos, several processes, kill -9."""

import os
import signal
import subprocess
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pointvos.core.errors import InputError
from pointvos.core.mask_store import writer as writer_module
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.core.mask_store.writer import MaskStoreWriter, videos_of_shard
from tests.mask_corpus import contents, masks_of, names, write_store

# Goes on with a job; "at" says before which rename of a part it waits to be killed.
JOB = """
import sys, time
from pathlib import Path
from tests.mask_corpus import masks_of, names
from pointvos.core.mask_store.writer import MaskStoreWriter, videos_of_shard
folder, at, shard_id, num_shards = sys.argv[1], *map(int, sys.argv[2:])
rename, renames = Path.replace, 0
def counted(self, target):
    global renames
    renames += "part-" in str(target)
    if at and renames == at:
        print("about to rename", flush=True)
        time.sleep(60)
    return rename(self, target)
Path.replace = counted
with MaskStoreWriter(folder, shard_id=shard_id, num_shards=num_shards, rows_per_part=30) as writer:
    done = writer.completed()
    for name in videos_of_shard(names(24), shard_id, num_shards):
        if name not in done:
            writer.add(name, masks_of(name))
print("done", flush=True)
"""


def start(folder: Path, at: int = 0, shard: int = 0, shards: int = 1) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", JOB, *map(str, (folder, at, shard, shards))],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


def says(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.communicate()


def expected(count: int) -> dict[str, VideoMasks]:
    return {name: VideoMasks(name, masks_of(name)) for name in names(count)}


name_text = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="/\\:"), min_size=1
).filter(lambda name: name.strip().strip(".") and len(name.encode()) < 200)


@settings(max_examples=20, deadline=None)
@given(
    name_text,
    st.dictionaries(
        st.tuples(name_text | st.integers(), name_text),
        st.tuples(
            arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))),
            st.none() | st.floats(0, 1),
        ),
        max_size=6,
    ),
)
def test_what_goes_in_comes_out(tmp_path_factory, video, entries):
    folder = tmp_path_factory.mktemp("store")
    entries = {(str(object_id), frame): entry for (object_id, frame), entry in entries.items()}
    with MaskStoreWriter(folder) as writer:
        writer.add(
            video,
            [StoredMask.from_mask(*place, mask, score=s) for place, (mask, s) in entries.items()],
        )

    read = MaskStore.open(folder).read(video)

    assert {(one.object_id, one.frame) for one in read.masks} == set(entries)
    for one in read.masks:
        mask, score = entries[one.object_id, one.frame]
        assert np.array_equal(one.decode(), mask)
        assert one.score == score


def test_an_absent_object_and_an_unknown_one_are_kept_apart(tmp_path):
    write_store(tmp_path)
    objects = MaskStore.open(tmp_path).read(names(1)[0]).objects
    assert objects["1"]["00001"].area == 0
    assert "00000" in objects["1"]
    assert "00000" not in objects["2"]


def test_a_video_without_objects_is_complete(tmp_path):
    with MaskStoreWriter(tmp_path) as writer:
        writer.add("empty", [])
    with MaskStoreWriter(tmp_path) as writer:
        assert writer.completed() == {"empty"}
    assert MaskStore.open(tmp_path).read("empty").masks == []
    assert finish_store(tmp_path).read("empty").objects == {}


def test_masks_are_put_in_natural_order(tmp_path):
    places = [("10", "10"), ("2", "x"), ("10", "9")]
    with MaskStoreWriter(tmp_path) as writer:
        writer.add("v", [StoredMask.from_mask(*place, np.eye(2, dtype=bool)) for place in places])
    masks = MaskStore.open(tmp_path).read("v").masks
    assert [(mask.object_id, mask.frame) for mask in masks] == [
        ("2", "x"),
        ("10", "9"),
        ("10", "10"),
    ]


@pytest.mark.parametrize("at_once", [1, 7, 1_000])
def test_a_sorted_video_is_stored_as_any_other(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(writer_module, "MASKS_AT_ONCE", at_once)
    masks = masks_of("v", objects=50)
    with MaskStoreWriter(tmp_path / "sorted") as writer:
        writer.add("before", masks_of("before"))
        writer.add_sorted("v", iter(masks))
        assert writer.completed() == {"before", "v"}  # it is a part of its own
        writer.add_sorted("none", [])
        writer.add("behind", masks_of("behind"))
        with pytest.raises(InputError, match="expected a video that is not in the store"):
            writer.add_sorted("behind", [])
    with MaskStoreWriter(tmp_path / "any") as writer:
        for name in ("before", "behind"):
            writer.add(name, masks_of(name))
        writer.add("v", reversed(masks))
        writer.add("none", [])
    expected = contents(tmp_path / "any")
    assert contents(tmp_path / "sorted") == expected
    for name in ("sorted", "any"):
        assert finish_store(tmp_path / name).verify() == []
    assert contents(tmp_path / "sorted") == expected


def test_a_sorted_video_of_any_length_takes_the_memory_of_a_thousand_masks(tmp_path, monkeypatch):
    monkeypatch.setattr(writer_module, "MASKS_AT_ONCE", 50)
    check, seen, most = StoredMask.check, [], 0

    def remembered(mask):
        runs = check(mask)
        seen.append(weakref.ref(runs))
        return runs

    def masks():
        nonlocal most
        for frame in range(500):
            yield StoredMask.from_mask("1", f"{frame:05d}", np.eye(9, dtype=bool))
            most = max(most, sum(runs() is not None for runs in seen))

    monkeypatch.setattr(StoredMask, "check", remembered)
    with MaskStoreWriter(tmp_path) as writer:
        writer.add_sorted("v", masks())
    assert MaskStore.open(tmp_path).rows == len(seen) == 500
    assert 50 <= most <= 100


@pytest.mark.parametrize(
    ("places", "message"),
    [
        ([("1", "0"), ("1", "0")], "expected masks by object, then by frame"),
        ([("1", "10"), ("1", "9")], "object '1', frame '9' behind one that comes later"),
        ([("2", "0"), ("1", "1")], "expected masks by object, then by frame"),
        ([("1", "0"), ("1", "a/b")], "frame 'a/b'"),
    ],
)
def test_a_sorted_video_that_is_not_leaves_nothing(tmp_path, places, message):
    masks = [StoredMask.from_mask(*place, np.eye(2, dtype=bool)) for place in places]
    with MaskStoreWriter(tmp_path) as writer:
        writer.add("before", masks_of("before"))
        with pytest.raises(InputError, match=f"'v': .*{message}"):
            writer.add_sorted("v", masks)
        assert writer.completed() == {"before"}
        writer.add("behind", masks_of("behind"))
    assert sorted(contents(tmp_path)) == ["before", "behind"]


def test_videos_become_readable_by_parts(tmp_path):
    writer = MaskStoreWriter(tmp_path, rows_per_part=18)
    one, two, three = names(3)
    writer.add(one, masks_of(one))
    assert contents(tmp_path) == {}
    assert writer.completed() == set()
    writer.add(two, masks_of(two))
    assert contents(tmp_path).keys() == writer.completed() == {one, two}
    writer.add(three, masks_of(three))
    writer.close()
    assert contents(tmp_path) == expected(3)


def test_an_error_in_the_job_keeps_the_whole_videos(tmp_path):
    def job() -> None:
        with MaskStoreWriter(tmp_path) as writer:
            writer.add("a", masks_of("a"))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        job()
    assert contents(tmp_path).keys() == {"a"}


@pytest.mark.parametrize(
    ("masks", "message"),
    [
        ([*masks_of("a"), masks_of("a")[3]], "found two of object 1 on frame 00003"),
        ([StoredMask("1", "0", 2, 2, b"9")], "object '1', frame '0': expected runs that add up"),
        ([StoredMask("1", "0", 10**6, 10**6, b"0")], "expected a mask of 1 to"),
    ],
)
def test_a_bad_video_is_refused_and_nothing_of_it_stored(tmp_path, masks, message):
    with MaskStoreWriter(tmp_path) as writer:
        with pytest.raises(InputError, match=message) as error:
            writer.add("bad", masks)
        writer.add("good", masks_of("good"))
    assert "bad" in str(error.value)
    assert "\n" not in str(error.value)
    assert contents(tmp_path).keys() == {"good"}


def test_a_video_is_stored_once(tmp_path):
    with MaskStoreWriter(tmp_path) as writer:
        writer.add("a", masks_of("a"))
        with pytest.raises(InputError, match="'a': expected a video that is not in the store"):
            writer.add("a", masks_of("a"))
        writer.commit()
        with pytest.raises(InputError, match="'a': expected a video that is not in the store"):
            writer.add("a", masks_of("a"))


def test_other_folders_are_left_alone(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match=r"an empty folder for one, found 'thesis\.tex'"):
        MaskStoreWriter(tmp_path)
    with pytest.raises(InputError, match="expected a folder for a mask store, found a file"):
        MaskStoreWriter(tmp_path / "thesis.tex")
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_the_shares_of_the_shards_are_all_and_disjoint():
    shares = [videos_of_shard(reversed(names(10)), shard, 3) for shard in range(3)]
    assert sorted(name for share in shares for name in share) == names(10)
    assert max(map(len, shares)) - min(map(len, shares)) <= 1
    for wrong in [(3, 3), (-1, 3), (0, 0)]:
        with pytest.raises(InputError, match="expected a shard id from 0 to"):
            videos_of_shard([], *wrong)


def test_shards_write_at_once(tmp_path):
    writers = [MaskStoreWriter(tmp_path, shard_id=shard, num_shards=2) for shard in range(2)]
    for number, name in enumerate(names(10)):
        writers[number % 2].add(name, masks_of(name))
    for writer in writers:
        writer.close()
    assert contents(tmp_path) == expected(10)


def test_a_shard_has_one_writer(tmp_path):
    with (
        MaskStoreWriter(tmp_path),
        pytest.raises(InputError, match="found another process writing it"),
    ):
        MaskStoreWriter(tmp_path)
    MaskStoreWriter(tmp_path).close()


def test_two_shards_that_make_the_same_video_do_not_double_it(tmp_path):
    first = MaskStoreWriter(tmp_path, shard_id=0, num_shards=2)
    second = MaskStoreWriter(tmp_path, shard_id=0, num_shards=3)
    first.add("a", masks_of("a"))
    second.add("a", masks_of("a"))
    first.close()
    with pytest.raises(InputError, match="expected to be the only writer of 'a'"):
        second.close()
    assert contents(tmp_path).keys() == {"a"}
    MaskStoreWriter(tmp_path, shard_id=0, num_shards=3).close()  # and the shard is free again


@pytest.mark.parametrize("at", [1, 3])
def test_a_killed_job_goes_on_with_no_row_lost_or_doubled(tmp_path, at):
    process = start(tmp_path, at)
    assert says(process) == "about to rename"
    kill(process)
    assert list(tmp_path.glob(".part-*.tmp.parquet"))
    before = contents(tmp_path)
    assert len(before) == 4 * (at - 1)

    process = start(tmp_path)
    assert says(process) == "done"
    process.wait()

    assert contents(tmp_path) == expected(24)
    store = finish_store(tmp_path)
    assert contents(tmp_path) == expected(24)
    assert store.rows == 24 * 9
    assert not list(tmp_path.glob(".part-*"))


def test_shards_are_killed_and_resumed_as_processes(tmp_path):
    processes = [start(tmp_path, at, shard, 2) for shard, at in enumerate([2, 0])]
    assert [says(process) for process in processes] == ["about to rename", "done"]
    kill(processes[0])
    processes[1].wait()
    assert set(videos_of_shard(names(24), 1, 2)) < contents(tmp_path).keys() < set(names(24))

    process = start(tmp_path, 0, 0, 2)
    assert says(process) == "done"
    process.wait()
    assert contents(tmp_path) == expected(24)
