"""YouTube-VOS folders, with and without meta.json."""

import json

import pytest

from pointvos.core.errors import InputError
from pointvos.formats.open_dataset import DATASETS, open_dataset
from pointvos.formats.youtube_vos import read_youtube_vos
from tests.tiny_datasets import square_mask, write_frames, write_video

EVERY_FIFTH = ["00000", "00005", "00010", "00015"]


def write_youtube_vos(folder, *, frames=20):
    """One video with every fifth frame annotated; object 3 appears on the third mask."""
    masks = {
        name: square_mask({1: (2, 2, 10)} | ({3: (40, 20, 12)} if index >= 2 else {}))
        for index, name in enumerate(EVERY_FIFTH)
    }
    write_video(
        folder / "JPEGImages" / "0a1b",
        folder / "Annotations" / "0a1b",
        masks,
        more_frames=[f"{index:05d}" for index in range(frames) if f"{index:05d}" not in masks],
    )
    return folder


def write_meta(folder, objects):
    (folder / "meta.json").write_text(json.dumps({"videos": {"0a1b": {"objects": objects}}}))


OBJECTS = {
    "1": {"category": "dog", "frames": EVERY_FIFTH},
    "3": {"category": "ball", "frames": EVERY_FIFTH[2:]},
}


def test_masks_stand_on_some_frames_only(tmp_path):
    (video,) = read_youtube_vos(write_youtube_vos(tmp_path / "train").parent, "train")
    assert video.name == "0a1b"
    assert list(video.annotated) == EVERY_FIFTH
    assert len(video.frames) == 20
    assert video.first_appearance() == {1: "00000", 3: "00010"}
    assert video.categories == {}


def test_the_folder_itself_may_be_the_split(tmp_path):
    (video,) = read_youtube_vos(write_youtube_vos(tmp_path), "val")
    assert video.name == "0a1b"


@pytest.mark.parametrize(
    ("folder", "split"), [("valid", "val"), ("valid", "valid"), ("val", "val")]
)
def test_the_release_calls_its_validation_set_valid(tmp_path, folder, split):
    write_youtube_vos(tmp_path / folder)
    assert len(read_youtube_vos(tmp_path, split)) == 1


def test_meta_json_names_the_categories(tmp_path):
    write_meta(write_youtube_vos(tmp_path), OBJECTS)
    (video,) = read_youtube_vos(tmp_path, "train")
    assert video.categories == {1: "dog", 3: "ball"}


def test_validation_sets_hold_the_first_mask_of_each_object_only(tmp_path):
    write_meta(write_youtube_vos(tmp_path), OBJECTS)
    for frame in ("00005", "00015"):
        (tmp_path / f"Annotations/0a1b/{frame}.png").unlink()
    (video,) = read_youtube_vos(tmp_path, "val")
    assert video.first_appearance() == {1: "00000", 3: "00010"}


@pytest.mark.parametrize("missing", ["00000", "00005", "00010", "00015"])
def test_a_mask_that_meta_json_lists_must_be_there(tmp_path, missing):
    write_meta(write_youtube_vos(tmp_path), OBJECTS)
    (tmp_path / f"Annotations/0a1b/{missing}.png").unlink()
    with pytest.raises(InputError, match=rf"0a1b/{missing}\.png: expected a mask, as .*meta\.json"):
        read_youtube_vos(tmp_path, "train")


def test_a_validation_set_without_a_first_mask_is_refused(tmp_path):
    write_meta(write_youtube_vos(tmp_path), OBJECTS)
    for frame in ("00005", "00010", "00015"):
        (tmp_path / f"Annotations/0a1b/{frame}.png").unlink()
    with pytest.raises(InputError, match=r"0a1b/00010\.png: expected a mask"):
        read_youtube_vos(tmp_path, "val")


def test_a_mask_without_a_frame_is_refused(tmp_path):
    write_youtube_vos(tmp_path)
    (tmp_path / "JPEGImages/0a1b/00005.jpg").unlink()
    with pytest.raises(InputError, match=r"00005\.png: expected a frame of the same name"):
        read_youtube_vos(tmp_path, "train")
    assert len(read_youtube_vos(tmp_path, "train", masks_only=True)) == 1


@pytest.mark.parametrize(
    ("meta", "message"),
    [
        ([], r"meta\.json:videos: expected an object"),
        ({"videos": {"0a1b": {}}}, r"meta\.json:videos\.0a1b\.objects: expected"),
        ({"videos": {"0a1b": {"objects": {"x": {}}}}}, r"objects\.x: expected an id 1 \.\. 254"),
        ({"videos": {"0a1b": {"objects": {"0": {}}}}}, r"objects\.0: expected an id 1 \.\. 254"),
        ({"videos": {"0a1b": {"objects": {"1": {"frames": 5}}}}}, r"objects\.1\.frames: expected"),
        ({"videos": {"0a1b": {"objects": {"1": []}}}}, r"objects\.1\.frames: expected"),
    ],
)
def test_a_meta_json_of_another_shape_is_refused(tmp_path, meta, message):
    write_youtube_vos(tmp_path)
    (tmp_path / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(InputError, match=message):
        read_youtube_vos(tmp_path, "train")


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a YouTube-VOS folder"):
        read_youtube_vos(tmp_path / "nowhere", "train")
    write_frames(tmp_path / "JPEGImages" / "0a1b", ["00000"])
    with pytest.raises(FileNotFoundError, match=r"train/Annotations: expected the masks of split"):
        read_youtube_vos(tmp_path, "train")
    (tmp_path / "Annotations").mkdir()
    with pytest.raises(InputError, match=r"Annotations: expected one folder of masks a video"):
        read_youtube_vos(tmp_path, "train")


def test_datasets_open_by_name(tmp_path):
    write_youtube_vos(tmp_path)
    assert open_dataset("youtube_vos", tmp_path, "train", videos=["0a1b"])[0].name == "0a1b"
    assert DATASETS.keys() >= {"davis", "youtube_vos"}
    with pytest.raises(InputError, match="found 'youtube'; did you mean 'youtube_vos'"):
        open_dataset("youtube", tmp_path, "train")


@pytest.mark.data
def test_real_videos(data_dir):
    videos = {video.name: video for video in read_youtube_vos(data_dir / "ytvos_demo", "val")}
    assert len(videos) == 4
    assert videos["-t-NFaw9mv0_4"].object_ids() == [1, 2, 3, 4]
    assert list(videos["02Ad3UtMz7Y_1"].annotated)[:3] == ["00000", "00005", "00010"]
