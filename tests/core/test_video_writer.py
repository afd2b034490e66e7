"""Written videos play anywhere, and are whole or absent."""

import av
import numpy as np
import pytest

from pointvos.core.frames import VideoFrames
from pointvos.core.video_writer import write_video

LEFT, RIGHT = (200, 30, 40), (10, 90, 220)


def picture(index: int, *, height: int = 48, width: int = 64) -> np.ndarray:
    """Two colours whose border moves right, 4 pixels a frame, from pixel 16 on."""
    rgb = np.empty((height, width, 3), np.uint8)
    rgb[:, : 16 + 4 * index] = LEFT
    rgb[:, 16 + 4 * index :] = RIGHT
    return rgb


@pytest.mark.parametrize(
    ("height", "width", "written"),
    [
        (48, 64, (48, 64)),
        (47, 64, (48, 64)),
        (48, 63, (48, 64)),
        (97, 65, (98, 66)),
        (1, 1, (2, 2)),
    ],
)
def test_frames_come_back_at_even_size(tmp_path, height, width, written):
    pictures = [picture(index, height=height, width=width) for index in range(7)]

    count = write_video(tmp_path / "clip.mp4", pictures, 25)

    frames = VideoFrames(tmp_path / "clip.mp4")
    read = [frame.rgb for frame in frames.read()]
    assert count == len(read) == 7
    assert (frames.height, frames.width, frames.rate) == (*written, 25)
    for original, rgb in zip(pictures, read, strict=True):
        middle = (height - 1) // 2
        assert np.abs(rgb[middle, 0].astype(int) - original[middle, 0]).max() < 12
        assert np.abs(rgb[-1, -1].astype(int) - original[-1, -1]).max() < 12


def test_every_player_can_show_it(tmp_path):
    write_video(tmp_path / "clip.mp4", map(picture, range(5)), 29.97)

    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
        assert str(stream.average_rate) == "2997/100"
    data = (tmp_path / "clip.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # the index first: plays while it loads


def test_equal_pictures_are_equal_files_whatever_the_memory_held(tmp_path):
    rng = np.random.default_rng(0)
    pictures = [picture(index, height=163, width=192) for index in range(10)]
    for rgb in pictures:
        rgb[140:] = rng.integers(0, 255, (23, 192, 3))
    path, written = tmp_path / "clip.mp4", set()
    for _ in range(20):
        left_behind = [rng.bytes(int(size)) for size in rng.integers(10, 3_000_000, 5)]
        del left_behind[::2]
        write_video(path, pictures, 10)
        written.add(path.read_bytes())
    assert len(written) == 1


def test_the_rate_of_television_is_exact(tmp_path):
    write_video(tmp_path / "clip.mp4", map(picture, range(3)), 30000 / 1001)

    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert str(container.streams.video[0].average_rate) == "30000/1001"


def test_frames_are_taken_one_by_one(tmp_path):
    alive = 0
    most = 0

    class Counted(np.ndarray):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def frames():
        nonlocal alive, most
        for index in range(40):
            alive += 1
            most = max(most, alive)
            yield picture(index % 8).view(Counted)

    write_video(tmp_path / "clip.mp4", frames(), 25)
    assert most <= 3


def failing():
    yield picture(0)
    yield picture(1)
    raise OSError("the source broke")


@pytest.mark.parametrize(
    ("frames", "rate", "error", "message"),
    [
        (failing(), 25, OSError, "the source broke"),
        ([], 25, ValueError, "expected frames to write, found none"),
        ([picture(0), picture(1, width=66)], 25, ValueError, "64x48 and 66x48 at frame 1"),
        ([picture(0).astype(np.float32)], 25, ValueError, "of float32 at frame 0"),
        ([picture(0)[..., 0]], 25, ValueError, r"found \(48, 64\)"),
        ([picture(0)], 0, ValueError, "positive frame rate, found 0"),
    ],
)
def test_a_failure_leaves_the_earlier_file_and_nothing_else(tmp_path, frames, rate, error, message):
    (tmp_path / "clip.mp4").write_bytes(b"earlier")

    with pytest.raises(error, match=message):
        write_video(tmp_path / "clip.mp4", frames, rate)

    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]
    assert (tmp_path / "clip.mp4").read_bytes() == b"earlier"
