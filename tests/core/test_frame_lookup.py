"""Videos found by name in a folder, frames found by the names of annotations."""

import pytest

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import FrameNames, find_video


def test_a_folder_comes_before_a_file_of_the_same_name(tmp_path):
    (tmp_path / "bike").mkdir()
    (tmp_path / "bike.mp4").touch()
    assert find_video(tmp_path, "bike") == tmp_path / "bike"


@pytest.mark.parametrize("file", ["train/dog.mp4", "train/dog.webm", "train/dog.mkv"])
def test_a_video_file_is_found_with_and_without_its_suffix(tmp_path, file):
    (tmp_path / "train").mkdir()
    (tmp_path / file).touch()
    assert find_video(tmp_path, "train/dog") == tmp_path / file
    assert find_video(tmp_path, file) == tmp_path / file


def test_a_name_with_a_dot_keeps_all_of_itself(tmp_path):
    (tmp_path / "Fails of May 2.mp4").touch()
    (tmp_path / "Fails of May 2. Part 1.mp4").touch()
    found = find_video(tmp_path, "Fails of May 2. Part 1")
    assert found == tmp_path / "Fails of May 2. Part 1.mp4"


def test_other_files_are_no_videos(tmp_path):
    (tmp_path / "dog.txt").touch()
    assert find_video(tmp_path, "dog") is None
    assert find_video(tmp_path, "dog.txt") is None


def test_a_name_does_not_leave_the_folder(tmp_path):
    with pytest.raises(InputError, match=r"set.json: expected a name inside the data folder"):
        find_video(tmp_path, "../secret", source="set.json")


def test_frames_by_name_or_number():
    frames = FrameNames(["00000", "00005", "00010"])
    assert [frames.index(name) for name in ("00005", "000005", "5", "00001")] == [1, 1, 1, None]
    assert FrameNames(["a", "b2"]).index("2") is None
    assert FrameNames(["1", "01"]).index("01") == 1
