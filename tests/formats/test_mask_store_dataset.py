"""A mask store and a folder of frames as a data set."""

import pickle

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.formats.open_dataset import open_dataset
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask, write_frames

MASK = square_mask({1: (3, 4, 12), 5: (30, 20, 10)})
FRAMES = [f"{index:05d}" for index in range(4)]


def write_set(root, masks, videos=("dog",)):
    """A store with the same masks for every video, and frames for each."""
    for video in videos:
        write_frames(root / "JPEGImages" / video, FRAMES)
    with MaskStoreWriter(root / "masks") as writer:
        for video in videos:
            writer.add(video, [mask for mask in masks if mask is not None])
    finish_store(root / "masks")
    return root


def stored(object_id, frame, mask=MASK == 1):
    return StoredMask.from_mask(object_id, frame, mask)


def test_masks_and_frames_come_together(tmp_path):
    masks = [
        stored("dog/1", "00001"),
        stored("dog/5", "00001", MASK == 5),
        stored("dog/1", "00003"),
    ]
    (video,) = open_dataset("mask_store", write_set(tmp_path, masks), "train")
    assert (video.name, list(video.annotated)) == ("dog", ["00001", "00003"])
    assert (video.read_mask("00001") == MASK).all()
    assert (video.read_mask("00003") == np.where(MASK == 1, 1, 0)).all()
    assert video.object_ids() == [1, 5]
    assert len(video.frames) == 4
    assert (pickle.loads(pickle.dumps(video)).read_mask("00001") == MASK).all()
    with pytest.raises(InputError, match="expected a frame with a mask, found '00000'"):
        video.read_mask("00000")


def test_objects_named_by_hashes_are_numbered(tmp_path):
    masks = [stored("beef", "00001"), stored("0abc", "00001", MASK == 5)]
    (video,) = open_dataset("mask_store", write_set(tmp_path, masks), "train")
    index = video.read_mask("00001")
    assert ((index > 0) == (MASK > 0)).all()
    assert set(np.unique(index)) == {0, 1, 2}


def test_videos_can_be_chosen_and_empty_ones_are_left_out(tmp_path):
    root = write_set(tmp_path, [stored("1", "00001")], videos=["dog", "train/cat"])
    with MaskStoreWriter(root / "masks") as writer:
        writer.add("nothing", [])
    assert [video.name for video in open_dataset("mask_store", root, "train")] == [
        "dog",
        "train/cat",
    ]
    (video,) = open_dataset("mask_store", root, "train", videos=["train/cat"])
    assert video.frames.folder == root / "JPEGImages/train/cat"


def test_frames_are_not_needed_for_masks_alone(tmp_path):
    write_set(tmp_path, [stored("1", "00001")])
    (tmp_path / "JPEGImages").rename(tmp_path / "elsewhere")
    (video,) = open_dataset("mask_store", tmp_path, "train", masks_only=True)
    assert video.read_mask("00001").shape == (HEIGHT, WIDTH)
    with pytest.raises(FileNotFoundError, match="JPEGImages: expected the frames of the videos"):
        open_dataset("mask_store", tmp_path, "train")


def test_bad_sets_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="masks: expected a mask store, found none"):
        open_dataset("mask_store", tmp_path, "train")
    root = write_set(tmp_path / "a", [stored("1", "00009")])
    with pytest.raises(InputError, match="expected a frame of the same name in"):
        open_dataset("mask_store", root, "train")
    root = write_set(tmp_path / "b", [stored("1", "00001", np.ones((4, 6), bool))])
    (video,) = open_dataset("mask_store", root, "train")
    with pytest.raises(InputError, match="expected a mask of 64x48, found 6x4"):
        video.read_mask("00001")
    root = write_set(tmp_path / "c", [stored("1", "00001"), stored("2", "00001")])
    (video,) = open_dataset("mask_store", root, "train")
    with pytest.raises(InputError, match="expected objects that do not overlap"):
        video.read_mask("00001")
    root = write_set(tmp_path / "d", [])
    with pytest.raises(InputError, match="expected videos with masks, found none"):
        open_dataset("mask_store", root, "train")
