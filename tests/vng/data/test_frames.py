"""Frames of narrated videos by the names in a set."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.video_writer import write_video
from vng.data.expressions import NarratedVideo
from vng.data.frames import VideoFolder


def video(*frames: str, name: str = "clip") -> NarratedVideo:
    return NarratedVideo(name, frames, (), ())


def write_frames(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for value, name in enumerate(names):
        Image.new("RGB", (16, 8), (20 * value,) * 3).save(folder / f"{name}.png")
    return folder.parent


def test_images_are_found_by_name(tmp_path: Path) -> None:
    folder = VideoFolder(write_frames(tmp_path / "clip", "00000", "00005", "00010"))
    sparse = video("00005", "10")  # numbers may be written in another way
    assert folder.read(sparse, 0)[0, 0, 0] == 20
    assert folder.read(sparse, 1)[0, 0, 0] == 40
    with pytest.raises(InputError, match="expected the frame '7', found none of this name"):
        folder.read(video("7"), 0)


def test_a_video_file_has_all_its_frames(tmp_path: Path) -> None:
    grey = [np.full((16, 16, 3), 80 * value, np.uint8) for value in range(3)]
    write_video(tmp_path / "clip.mp4", grey, 10)
    folder = VideoFolder(tmp_path)
    whole = video("000000", "000001", "000002")
    assert abs(int(folder.read(whole, 1)[8, 8, 0]) - 80) < 12
    with pytest.raises(InputError, match="clip: expected 2 frames, found 3"):
        folder.read(video("0", "1"), 0)


def test_videos_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="expected a folder of videos"):
        VideoFolder(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="expected the frames of 'clip'"):
        VideoFolder(tmp_path).read(video("0"), 0)
