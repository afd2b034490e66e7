"""DAVIS folders, whole and damaged."""

import shutil

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.masks import write_index_png
from pointvos.formats.davis import read_davis
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask, two_objects, write_davis, write_frames


@pytest.fixture
def root(tmp_path):
    return write_davis(tmp_path / "DAVIS", {"bike": two_objects(), "dog": two_objects(3)})


def test_sequences_come_in_the_order_of_the_list(root):
    (root / "ImageSets/2017/train.txt").write_text("dog\n\n bike \n")
    videos = read_davis(root, "train")
    assert [video.name for video in videos] == ["dog", "bike"]
    assert [list(video.annotated) for video in videos] == [
        [f"{index:05d}" for index in range(3)],
        [f"{index:05d}" for index in range(6)],
    ]
    assert list(videos[1].frames.names) == list(videos[1].annotated)


def test_masks_keep_late_objects_and_gaps_in_ids(root):
    video = read_davis(root, "train")[0]
    assert video.object_ids() == [1, 5]
    assert video.first_appearance() == {1: "00000", 5: "00002"}
    expected = two_objects()
    for index, frame in enumerate(video.annotated):
        assert np.array_equal(video.read_mask(frame), expected[index])


def test_void_is_no_object(tmp_path):
    mask = square_mask({2: (3, 3, 10)})
    mask[:, -4:] = 255
    video = read_davis(write_davis(tmp_path, {"a": [mask]}), "train")[0]
    assert video.object_ids() == [2]
    assert (video.read_mask("00000") == 255).sum() == 4 * HEIGHT


def test_2017_comes_before_2016_and_either_can_be_asked_for(root):
    (root / "ImageSets/2016").mkdir()
    (root / "ImageSets/2016/train.txt").write_text("dog\n")
    assert len(read_davis(root, "train")) == 2
    assert [video.name for video in read_davis(root, "train", year=2016)] == ["dog"]
    assert [video.name for video in read_davis(root, "2016/train")] == ["dog"]


def test_a_split_of_2016_only_is_found(tmp_path):
    root = write_davis(tmp_path, {"bike": two_objects()}, split="val", year="2016")
    assert [video.name for video in read_davis(root, "val")] == ["bike"]


def test_full_resolution_is_found_or_chosen(tmp_path):
    root = write_davis(tmp_path, {"bike": two_objects()}, resolution="Full-Resolution")
    assert read_davis(root, "train")[0].frame_folder.parent.name == "Full-Resolution"
    write_davis(tmp_path, {"bike": two_objects()})
    assert read_davis(root, "train")[0].frame_folder.parent.name == "480p"
    chosen = read_davis(root, "train", resolution="Full-Resolution")[0]
    assert chosen.annotated["00000"].parent.parent.name == "Full-Resolution"


def test_some_videos_can_be_chosen(root):
    assert [video.name for video in read_davis(root, "train", videos=["dog"])] == ["dog"]
    with pytest.raises(InputError, match="found no cat among 2 videos"):
        read_davis(root, "train", videos=["cat"])


def test_a_mask_on_every_second_frame_is_a_regular_stride(root):
    for index in (1, 3, 5):
        (root / f"Annotations/480p/bike/{index:05d}.png").unlink()
    assert list(read_davis(root, "train")[0].annotated) == ["00000", "00002", "00004"]


def test_a_mask_on_the_first_frame_only_is_a_test_set(root):
    for index in range(1, 6):
        (root / f"Annotations/480p/bike/{index:05d}.png").unlink()
    video = read_davis(root, "train")[0]
    assert list(video.annotated) == ["00000"]
    assert len(video.frames) == 6


@pytest.mark.parametrize("missing", [0, 1, 2, 4, 5])
def test_a_missing_mask_is_named(root, missing):
    (root / f"Annotations/480p/bike/{missing:05d}.png").unlink()
    message = rf"bike/{missing:05d}\.png: expected a mask for frame {missing:05d} of bike, found"
    with pytest.raises(InputError, match=message):
        read_davis(root, "train")


def test_a_mask_without_a_frame_is_named(root):
    (root / "JPEGImages/480p/bike/00003.jpg").unlink()
    with pytest.raises(InputError, match=r"bike/00003\.png: expected a frame of the same name"):
        read_davis(root, "train")


def test_a_mask_of_another_size_is_named(root):
    path = root / "Annotations/480p/bike/00002.png"
    write_index_png(path, np.ones((HEIGHT, WIDTH - 4), np.uint8))
    video = read_davis(root, "train")[0]
    with pytest.raises(InputError, match=r"00002\.png: expected a mask of 64x48 .*, found 60x48"):
        video.read_mask("00002")


def test_a_mask_without_palette_is_named(root):
    Image.fromarray(two_objects()[2]).save(root / "Annotations/480p/bike/00002.png")
    with pytest.raises(InputError, match=r"00002\.png: expected a palette PNG"):
        read_davis(root, "train")[0].first_appearance()


def test_the_grey_masks_of_the_2016_release_are_read(tmp_path):
    root = write_davis(tmp_path, {"dog": two_objects(2)}, year="2016")
    path = root / "Annotations/480p/dog/00000.png"
    Image.fromarray(((two_objects(2)[0] == 1) * 255).astype(np.uint8)).save(path)
    assert np.array_equal(read_davis(root, "train")[0].read_mask("00000"), two_objects(2)[0])
    Image.fromarray(two_objects(2)[0]).save(path)  # grey 0 / 1: brightness or ids, nobody knows
    with pytest.raises(InputError, match="expected a palette PNG"):
        read_davis(root, "train")[0].read_mask("00000")


def test_a_frame_without_mask_cannot_be_read_as_one(root):
    with pytest.raises(InputError, match="bike: expected a frame with a mask, found '00077'"):
        read_davis(root, "train")[0].read_mask("00077")


@pytest.mark.parametrize("name", ["../bike", "/etc", "a/../../b", "..\\bike"])
def test_sequence_names_stay_in_the_folder(root, name):
    (root / "ImageSets/2017/train.txt").write_text(f"bike\n{name}\n")
    with pytest.raises(InputError, match=r"train\.txt:2: expected a name inside the data folder"):
        read_davis(root, "train")


@pytest.mark.parametrize(("text", "message"), [("", "found none"), ("bike\nbike\n", "'bike' on")])
def test_an_empty_or_repeated_list_is_refused(root, text, message):
    (root / "ImageSets/2017/train.txt").write_text(text)
    with pytest.raises(InputError, match=rf"train\.txt.*{message}"):
        read_davis(root, "train")


def test_what_is_not_there_is_named(root, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"2017/val\.txt: .* found 2017/train\.txt"):
        read_davis(root, "val")
    with pytest.raises(FileNotFoundError, match=r"nowhere: expected a DAVIS folder"):
        read_davis(tmp_path / "nowhere", "train")
    with pytest.raises(InputError, match="expected a name inside the data folder"):
        read_davis(root, "../../x")
    shutil.rmtree(root / "JPEGImages/480p/dog")
    with pytest.raises(FileNotFoundError, match=r"480p/dog: expected a folder of frames"):
        read_davis(root, "train")
    shutil.rmtree(root / "Annotations/480p/bike")
    with pytest.raises(FileNotFoundError, match=r"480p/bike: expected a folder of masks"):
        read_davis(root, "train")
    (root / "Annotations/480p/bike").mkdir()
    with pytest.raises(InputError, match=r"480p/bike: expected masks"):
        read_davis(root, "train")


def test_scoring_needs_no_frames(root):
    shutil.rmtree(root / "JPEGImages")
    video = read_davis(root, "train", masks_only=True)[0]
    assert video.object_ids() == [1, 5]
    write_index_png(video.annotated["00003"], np.ones((HEIGHT, WIDTH - 4), np.uint8))
    with pytest.raises(InputError, match="expected a mask of 64x48 like the first mask of bike"):
        video.read_mask("00003")


@pytest.mark.data
def test_real_davis_2016(data_dir):
    train, val = (read_davis(data_dir / "davis16", split) for split in ("train", "val"))
    assert (len(train), len(val)) == (30, 10)
    assert sum(len(video.annotated) for video in train) == 2079
    assert all(len(video.frames) == len(video.annotated) for video in train + val)
    bumps = next(video for video in train if video.name == "bmx-bumps")
    assert bumps.first_appearance() == {1: "00000"}
    assert not bumps.read_mask("00060").any()


@pytest.mark.data
@pytest.mark.parity
def test_the_folder_of_the_reference_scores(golden_dir):
    root = golden_dir / "davis_eval" / "DAVIS"
    ids = {video.name: video.object_ids() for video in read_davis(root, "val", masks_only=True)}
    assert ids.keys() == {"two-objects", "one-object-void", "three-objects-gone", "empty-pred"}
    assert ids["two-objects"] == [1, 2]
    assert ids["one-object-void"] == [1]


def test_frames_between_masks_need_no_mask_at_a_stride(tmp_path):
    root = write_davis(tmp_path, {"bike": two_objects(2)})
    folder = root / "Annotations/480p/bike"
    (folder / "00001.png").rename(folder / "00005.png")
    write_frames(root / "JPEGImages/480p/bike", [f"{index:05d}" for index in range(10)])
    assert list(read_davis(root, "train")[0].annotated) == ["00000", "00005"]
