"""Mask stores and folders of palette PNGs: the same masks from either."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pointvos.core.errors import InputError
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.masks import read_index_png, write_index_png
from pointvos.formats.davis import read_davis
from pointvos.formats.stored_masks import Converted, store_palette_folders, write_palette_folders
from pointvos.formats.stored_video import stored_video
from tests.tiny_datasets import two_objects, write_davis

LEFT = np.array([[1, 1, 0, 0]], bool)
MIDDLE = np.array([[0, 1, 1, 0]], bool)
RIGHT = np.array([[0, 0, 1, 1]], bool)


def write_pngs(folder, videos):
    for video, masks in videos.items():
        for number, mask in enumerate(masks):
            write_index_png(folder / video / f"{number:05d}.png", mask)


def to_store(folder, store, **options):
    with MaskStoreWriter(store) as writer:
        return store_palette_folders(folder, writer, **options)


def store_of(folder, masks, video="v"):
    with MaskStoreWriter(folder) as writer:
        writer.add(video, [StoredMask.from_mask(*mask) for mask in masks])
    return MaskStore.open(folder)


def pngs(folder):
    return {
        str(path.relative_to(folder)): read_index_png(path).tolist()
        for path in folder.rglob("*.png")
    }


@settings(max_examples=15, deadline=None)
@given(
    st.lists(
        arrays(np.uint8, (6, 7), elements=st.sampled_from([0, 0, 1, 2, 9, 254])),
        min_size=1,
        max_size=4,
    ),
    st.booleans(),
)
def test_from_pngs_to_a_store_and_back(tmp_path_factory, masks, record_ids):
    folder = tmp_path_factory.mktemp("masks")
    masks[0][0, 0] = 1  # a video without objects has nothing to write back
    write_pngs(folder / "png", {"train/a": masks, "b": masks[::-1]})
    done = to_store(folder / "png", folder / "store", record_ids=record_ids)
    store = MaskStore.open(folder / "store")
    assert done == Converted(videos=2, already=0, masks=store.rows, without_objects=())

    assert write_palette_folders(store, folder / "again") == done

    assert pngs(folder / "again") == pngs(folder / "png")
    to_store(folder / "again", folder / "second", record_ids=record_ids)
    second = MaskStore.open(folder / "second")
    assert list(second.iterate()) == list(store.iterate())
    ids = set(second.read("b").objects)
    assert all(one.startswith("b/") == record_ids for one in ids)


def test_a_davis_folder_reads_the_same_from_a_store(tmp_path):
    root = write_davis(tmp_path / "davis", {"one": two_objects(), "two": two_objects(4)})
    to_store(root / "Annotations" / "480p", tmp_path / "store", record_ids=True)
    store = finish_store(tmp_path / "store")
    for video in read_davis(root, "train"):
        stored = stored_video(store, video.name, video.frame_folder)
        assert list(stored.annotated) == list(video.annotated)
        assert stored.size == video.size
        assert stored.object_ids() == video.object_ids()
        assert stored.first_appearance() == video.first_appearance()
        for frame in video.annotated:
            assert np.array_equal(stored.read_mask(frame), video.read_mask(frame))


def test_every_object_has_a_mask_on_every_annotated_frame(tmp_path):
    write_pngs(tmp_path / "png", {"v": two_objects(6)})
    to_store(tmp_path / "png", tmp_path / "store")
    objects = MaskStore.open(tmp_path / "store").read("v").objects
    assert {name: len(masks) for name, masks in objects.items()} == {"1": 6, "5": 6}
    assert [mask.area > 0 for mask in objects["5"].values()] == [0, 0, 1, 1, 1, 0]


def test_a_job_that_was_stopped_goes_on(tmp_path):
    write_pngs(tmp_path / "png", {"a": two_objects(), "b": two_objects()})
    done = to_store(tmp_path / "png", tmp_path / "store", videos=["b"])
    assert (done.videos, done.already) == (1, 0)
    done = to_store(tmp_path / "png", tmp_path / "store")
    assert (done.videos, done.already) == (1, 1)
    store = MaskStore.open(tmp_path / "store")
    write_palette_folders(store, tmp_path / "again", videos=["a"])
    done = write_palette_folders(store, tmp_path / "again")
    assert (done.videos, done.already) == (1, 1)
    assert pngs(tmp_path / "again") == pngs(tmp_path / "png")


def test_a_video_without_objects_is_reported(tmp_path):
    empty = [np.zeros((3, 4), np.uint8)]
    write_pngs(tmp_path / "png", {"a": two_objects(), "empty": empty})
    assert to_store(tmp_path / "png", tmp_path / "store").without_objects == ("empty",)
    store = MaskStore.open(tmp_path / "store")
    assert store.videos() == ["a", "empty"]
    assert write_palette_folders(store, tmp_path / "again").without_objects == ("empty",)


def test_overlap_is_refused_by_name_or_resolved_by_order(tmp_path):
    masks = [(1, "f", LEFT), ("v/2", "f", MIDDLE), (3, "f", RIGHT)]
    store = store_of(tmp_path / "store", masks)
    message = r"v: expected objects that do not overlap.*'1' and 'v/2' on 1 pixels of frame f"
    with pytest.raises(InputError, match=message):
        write_palette_folders(store, tmp_path / "png")
    assert not (tmp_path / "png").exists() or pngs(tmp_path / "png") == {}

    for number, (order, index) in enumerate(
        [(["v/2"], [1, 2, 2, 3]), ([1, 3], [1, 1, 3, 3]), ([3, "v/2"], [1, 2, 3, 3])]
    ):
        output = tmp_path / f"png{number}"
        write_palette_folders(store, output, front_first=order)
        assert pngs(output) == {"v/f.png": [index]}
    with pytest.raises(InputError, match="'1' and 'v/2'"):
        write_palette_folders(store, tmp_path / "png", front_first=[3])


def test_what_was_not_annotated_is_no_absence_unless_it_is_said_to_be(tmp_path):
    masks = [(1, "0", LEFT), (1, "1", LEFT), (2, "1", RIGHT)]
    store = store_of(tmp_path / "store", masks)
    with pytest.raises(InputError, match=r"v: expected masks .*none of '2' on frame"):
        write_palette_folders(store, tmp_path / "png")
    with pytest.raises(InputError, match="missing_as_absent"):
        stored_video(store, "v", tmp_path)
    write_palette_folders(store, tmp_path / "png", missing_as_absent=True)
    assert pngs(tmp_path / "png") == {"v/0.png": [[1, 1, 0, 0]], "v/1.png": [[1, 1, 2, 2]]}
    video = stored_video(store, "v", tmp_path, missing_as_absent=True, masks_only=True)
    assert video.read_mask("0").tolist() == [[1, 1, 0, 0]]


def test_frames_of_another_size_are_refused(tmp_path):
    root = write_davis(tmp_path / "davis", {"v": two_objects()})
    store = store_of(tmp_path / "store", [(1, "00000", LEFT)])
    video = stored_video(store, "v", root / "JPEGImages" / "480p" / "v")
    with pytest.raises(InputError, match="expected a mask of 64x48, found 4x1"):
        video.read_mask("00000")
    with pytest.raises(InputError, match="expected a frame with a mask, found '7'"):
        video.read_mask("7")


def test_void_is_refused_unless_it_may_go(tmp_path):
    write_pngs(tmp_path / "png", {"v": [np.array([[1, 255, 255]], np.uint8)]})
    with pytest.raises(InputError, match=r"00000\.png: expected no void .*, found 2 pixels"):
        to_store(tmp_path / "png", tmp_path / "store")
    to_store(tmp_path / "png", tmp_path / "store", void_as_background=True)
    (mask,) = MaskStore.open(tmp_path / "store").read("v").masks
    assert mask.decode().tolist() == [[True, False, False]]


def test_masks_of_several_sizes_are_refused(tmp_path):
    masks = [np.ones((2, 3), np.uint8), np.ones((3, 3), np.uint8)]
    write_pngs(tmp_path / "png", {"v": masks})
    with pytest.raises(InputError, match=r"00001\.png: expected a mask of 3x2 .* found 3x3"):
        to_store(tmp_path / "png", tmp_path / "store")


def test_names_do_not_leave_the_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a folder of masks"):
        to_store(tmp_path / "png", tmp_path / "store")
    (tmp_path / "png").mkdir()
    with pytest.raises(InputError, match="expected a name inside"):
        to_store(tmp_path / "png", tmp_path / "store", videos=["../png"])
