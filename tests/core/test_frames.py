"""Frames from folders, video files and arrays are the same thing."""

import struct
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.frames import (
    ArrayFrames,
    FolderFrames,
    VideoFrames,
    natural_order,
    open_frames,
)

HEIGHT, WIDTH, COUNT = 48, 64, 60


BARS = 8  # vertical black and white bars that spell the index in bits, whatever the coding loses


def picture(index: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """A frame that tells its index, uint8 [H, W, 3]."""
    bits = np.array([index >> bit & 1 for bit in range(BARS)], np.uint8) * 255
    row = np.repeat(bits, -(-width // BARS))[:width]
    return np.broadcast_to(row[None, :, None], (height, width, 3)).copy()


def index_of(rgb: np.ndarray) -> int:
    """The index that a `picture` tells."""
    centres = (np.arange(BARS) * -(-rgb.shape[1] // BARS)) + 2
    bits = rgb[:, centres].mean(axis=(0, 2)) > 127
    return int((bits << np.arange(BARS)).sum())


def write_video(path: Path, codec: str, *, count: int = COUNT, **options: str) -> Path:
    container_options = {"movflags": "faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=container_options) as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for index in range(count):
            frame = av.VideoFrame.from_ndarray(picture(index), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


# B-frames and several groups of pictures: presentation order differs from file order, and jumping
# must find the key frame before. AVI and MPEG-TS have no reliable index.
VIDEOS = {
    "clip.mp4": ("libx264", {"g": "12", "bf": "3"}),
    "open.mp4": ("libx264", {"g": "12", "bf": "3", "x264-params": "open-gop=1"}),
    "clip.mov": ("mpeg4", {"g": "12", "bf": "2"}),
    "clip.mkv": ("libx264", {"g": "12", "bf": "3"}),
    "clip.avi": ("mpeg4", {"g": "12", "bf": "2"}),
    "h264.avi": ("libx264", {"g": "12", "bf": "3"}),
    "clip.ts": ("libx264", {"g": "12", "bf": "3"}),
    "clip.h264": ("libx264", {"g": "12", "bf": "3"}),  # no container, no times
    "clip.mpg": ("mpeg2video", {"g": "12", "bf": "2"}),
}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    return {
        name: write_video(folder / name, codec, **options)
        for name, (codec, options) in VIDEOS.items()
    }


@pytest.mark.parametrize("name", VIDEOS)
def test_a_video_gives_all_its_frames_in_order(videos, name):
    frames = VideoFrames(videos[name])
    read = list(frames.read())
    assert (len(frames), frames.height, frames.width, frames.rate) == (COUNT, HEIGHT, WIDTH, 25.0)
    assert [index_of(frame.rgb) for frame in read] == list(range(COUNT))
    assert [frame.index for frame in read] == list(range(COUNT))
    assert [frame.name for frame in read] == list(frames.names)
    assert frames.names[7] == "00007"
    assert (read[0].rgb.dtype, read[0].rgb.shape) == (np.uint8, (HEIGHT, WIDTH, 3))


@pytest.mark.parametrize("name", VIDEOS)
def test_any_range_of_a_video_is_the_same_as_in_one_pass(videos, name):
    frames = VideoFrames(videos[name])
    for start in range(0, COUNT, 5):
        read = list(frames.read(start, start + 4))
        assert [(frame.index, index_of(frame.rgb)) for frame in read] == [
            (index, index) for index in range(start, min(start + 4, COUNT))
        ]


def test_a_jump_that_lands_too_late_is_not_trusted(videos, monkeypatch):
    """Without a margin the decoder starts after the wanted frame in this file."""
    monkeypatch.setattr("pointvos.core.frames._SEEK_MARGIN", 0)
    frames = VideoFrames(videos["clip.mov"])
    for start in range(1, 13):
        assert [index_of(frame.rgb) for frame in frames.read(start, start + 1)] == [start]


def test_ranges_are_clipped_and_may_be_empty(videos):
    frames = VideoFrames(videos["clip.mp4"])
    assert [frame.index for frame in frames.read(58, 1000)] == [58, 59]
    assert [frame.index for frame in frames.read(-3, 2)] == [0, 1]
    assert not list(frames.read(10, 10))
    assert not list(frames.read(COUNT))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.mov", "clip.avi"])
@pytest.mark.parametrize("kept", [0.05, 0.3, 0.6])
def test_a_video_that_is_cut_off_is_refused(videos, tmp_path, name, kept):
    whole = videos[name].read_bytes()
    path = tmp_path / name
    path.write_bytes(whole[: int(kept * len(whole))])
    with pytest.raises(InputError, match=rf"{name}: expected .*, found") as error:
        list(VideoFrames(path).read())
    assert "\n" not in str(error.value)


def test_damage_in_the_middle_of_a_video_is_noticed(videos, tmp_path):
    """The packets are all there, but the decoder cannot make frames of some of them."""
    data = bytearray(videos["clip.mkv"].read_bytes())
    with av.open(str(videos["clip.mkv"])) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        damaged = [(packet.pos, packet.size) for packet in packets[24:40]]
    for position, size in damaged:
        data[position + 20 : position + 20 + size] = bytes(size)
    path = tmp_path / "clip.mkv"
    path.write_bytes(bytes(data))
    with pytest.raises(InputError, match=r"clip\.mkv: expected"):
        list(VideoFrames(path).read())


@pytest.mark.parametrize("data", [b"", b"not a video", bytes(5000)])
def test_what_is_no_video_is_refused(tmp_path, data):
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"clip\.mp4: expected a video"):
        VideoFrames(path)


def test_sound_alone_is_no_video(tmp_path):
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        for _ in range(5):
            sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            sound.rate = 44_100
            container.mux(stream.encode(sound))
        container.mux(stream.encode())
    with pytest.raises(InputError, match=r"sound\.mp4: expected a video stream, found none"):
        VideoFrames(path)


def write_folder(folder: Path, names: list[str], size: tuple[int, int] = (WIDTH, HEIGHT)) -> Path:
    folder.mkdir(exist_ok=True)
    for index, name in enumerate(names):
        Image.fromarray(picture(index, size[1], size[0])).save(folder / name)
    return folder


def test_a_folder_is_read_in_natural_order(tmp_path):
    folder = write_folder(tmp_path / "bear", ["frame 1.png", "frame 2.png", "frame 10.png"])
    (folder / "notes.txt").write_text("no frame")
    frames = FolderFrames(folder)
    assert list(frames.names) == ["frame 1", "frame 2", "frame 10"]
    assert (frames.name, frames.height, frames.width) == ("bear", HEIGHT, WIDTH)
    assert [index_of(frame.rgb) for frame in frames.read()] == [0, 1, 2]
    assert [frame.name for frame in frames.read(1, 2)] == ["frame 2"]


@pytest.mark.parametrize("names", [["a²1", "a10", "a9"], ["2", "²", "b", "1", "10a1", "10"]])
def test_any_names_can_be_ordered(names):
    ordered = sorted(names, key=natural_order)
    assert sorted(ordered) == sorted(names)
    assert ordered == sorted(reversed(names), key=natural_order)


def test_a_frame_of_another_size_is_refused_when_it_is_reached(tmp_path):
    folder = write_folder(tmp_path / "bear", ["00000.png", "00001.png"])
    write_folder(folder, ["00002.png"], size=(WIDTH + 2, HEIGHT))
    frames = FolderFrames(folder).read()
    assert [next(frames).index, next(frames).index] == [0, 1]
    with pytest.raises(InputError, match=r"00002\.png: expected 64x48 .*, found 66x48"):
        next(frames)


def test_a_folder_must_hold_frames_of_different_names(tmp_path):
    with pytest.raises(FileNotFoundError, match="expected a folder of frames"):
        FolderFrames(tmp_path / "gone")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"empty: expected frames .*, found none"):
        FolderFrames(tmp_path / "empty")
    folder = write_folder(tmp_path / "twice", ["00000.png", "00000.jpg"])
    with pytest.raises(InputError, match="expected one image a frame, found two named 00000"):
        FolderFrames(folder)


def test_arrays_are_frames():
    frames = ArrayFrames([picture(index, 4, 32) for index in range(5)])
    assert [index_of(frame.rgb) for frame in frames.read(1, 3)] == [1, 2]
    assert (len(frames), frames.height, frames.width, frames.names[4]) == (5, 4, 32, "00004")
    with pytest.raises(InputError, match="expected frames, found none"):
        ArrayFrames([])


def test_open_frames_tells_folders_from_files(tmp_path, videos):
    assert isinstance(open_frames(write_folder(tmp_path / "a", ["0.png"])), FolderFrames)
    assert isinstance(open_frames(videos["clip.mp4"]), VideoFrames)
    with pytest.raises(FileNotFoundError, match=r"gone\.mp4: expected a video file"):
        open_frames(tmp_path / "gone.mp4")


ONE = 65536  # in the fixed-point numbers of MP4
TURNS = {  # quarters clockwise: the matrix of the track header but for its last column
    1: (0, ONE, -ONE, 0),
    2: (-ONE, 0, 0, -ONE),
    3: (0, -ONE, ONE, 0),
}


@pytest.mark.parametrize("quarters", TURNS)
def test_a_video_is_turned_as_its_file_says(videos, tmp_path, quarters):
    """As phones write it: the track header holds the matrix, the frames are not turned."""
    content = bytearray(videos["clip.mp4"].read_bytes())
    place = content.index(b"tkhd") + 4 + 40  # version 0: times, ids, layer, volume
    a, b, c, d = TURNS[quarters]
    content[place : place + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path = tmp_path / "turned.mp4"
    path.write_bytes(content)
    plain, turned = VideoFrames(videos["clip.mp4"]), VideoFrames(path)
    size = (plain.height, plain.width)
    assert (turned.height, turned.width) == (size if quarters == 2 else size[::-1])
    for one, other in zip(plain.read(), turned.read(), strict=True):
        assert np.array_equal(other.rgb, np.rot90(one.rgb, -quarters))
        assert other.rgb.flags.c_contiguous
