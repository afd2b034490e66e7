"""The overlay video and the strip of a grounded video."""

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from pointvos.core.frames import FolderFrames, VideoFrames
from pointvos.core.masks import read_index_png
from pointvos.visualize.colours import object_colour
from tests.vng.grounding.grounded_squares import (
    GREY,
    HEIGHT,
    QUESTION,
    WIDTH,
    grounded_squares,
)
from vng.grounding.grounded import GroundedFrame, NounQuestion
from vng.grounding.pictures import CAPTION_SHARE, write_pictures


def near(pixels: np.ndarray, colour: np.ndarray | tuple[int, int, int]) -> np.ndarray:
    """Where pixels of a video have a colour; H.264 changes them a little."""
    return np.abs(pixels.astype(float) - np.array(colour, float)).max(axis=-1) < 24


def mixed(number: int) -> np.ndarray:
    return 0.55 * GREY + 0.45 * np.array(object_colour(number), float)


def test_the_video_shows_masks_and_below_them_the_narrative(tmp_path):
    write_pictures(lambda: grounded_squares(6), QUESTION, tmp_path, rate=12, count=6)

    video = VideoFrames(tmp_path / "overlay.mp4")
    assert (len(video), video.width, video.rate) == (6, WIDTH, 12)
    assert HEIGHT < video.height <= HEIGHT * (1 + CAPTION_SHARE) + 1
    for frame in video.read():
        assert near(frame.rgb[40, 10 + 8 * frame.index + 30], mixed(1))
        assert near(frame.rgb[5, 5], (GREY,) * 3)
        of_shirt = frame.rgb[68:92, 20 + 8 * frame.index : 60 + 8 * frame.index]
        striped = near(of_shirt, mixed(2)).mean()
        assert 0.2 < striped < 0.8 if frame.index < 3 else striped == 0
        band = frame.rgb[HEIGHT:]
        assert near(band[0], (255, 255, 255)).mean() > 0.9
        for number in (1, 2, 3):
            assert near(band, object_colour(number)).sum() > 30


def test_the_strip_shows_evenly_spaced_frames_over_one_narrative(tmp_path):
    write_pictures(lambda: grounded_squares(9), QUESTION, tmp_path, rate=12, count=9)

    strip = np.asarray(Image.open(tmp_path / "strip.png"))

    assert strip.dtype == np.uint8
    assert strip.shape[1] > 4 * WIDTH
    grey = (strip[:HEIGHT] == GREY).all(axis=2).any(axis=0)
    starts = np.flatnonzero(np.diff(grey.astype(int)) == 1)
    assert len(starts) == 4
    squares = [
        np.flatnonzero(near(strip[30, at + 1 : at + 1 + WIDTH], mixed(1))).min() for at in starts
    ]
    assert np.abs(np.array(squares) - (10 + 8 * np.array([0, 3, 5, 8]))).max() <= 3
    patches = [(strip[HEIGHT + 20 :] == object_colour(n)).all(axis=2).sum() for n in (1, 2, 3)]
    assert min(patches) > 100
    assert (strip[-1] == 255).all()


def test_frames_are_asked_for_once_and_one_at_a_time(tmp_path):
    alive: weakref.WeakSet[GroundedFrame] = weakref.WeakSet()
    calls, most = [], 0

    def frames() -> Iterator[GroundedFrame]:
        nonlocal most
        calls.append(1)
        for frame in grounded_squares(30):
            alive.add(frame)
            most = max(most, len(alive))
            yield frame

    write_pictures(frames, QUESTION, tmp_path, rate=12, count=30)
    gc.collect()

    assert len(calls) == 1
    assert most <= 3
    assert not alive


@pytest.mark.parametrize("count", [1, 2])
def test_the_shortest_videos(tmp_path, count):
    write_pictures(lambda: grounded_squares(count), QUESTION, tmp_path, rate=12, count=count)

    assert len(VideoFrames(tmp_path / "overlay.mp4")) == count
    assert (tmp_path / "strip.png").is_file()


def test_a_narrative_of_two_thousand_words_leaves_the_frame_its_room(tmp_path):
    text = QUESTION.text + " word" * 2000
    asked = NounQuestion(text, QUESTION.spans)

    write_pictures(lambda: grounded_squares(2), asked, tmp_path, rate=12, count=2)

    assert VideoFrames(tmp_path / "overlay.mp4").height <= HEIGHT * (1 + CAPTION_SHARE) + 1
    assert Image.open(tmp_path / "strip.png").height < 2.5 * HEIGHT


def test_no_frames_or_frames_of_several_sizes_are_refused(tmp_path):
    with pytest.raises(ValueError, match="expected frames to write, found none"):
        write_pictures(lambda: iter(()), QUESTION, tmp_path, rate=12, count=0)

    def sizes() -> Iterator[GroundedFrame]:
        yield from grounded_squares(1)
        rgb = np.zeros((HEIGHT, WIDTH + 2, 3), np.uint8)
        masks = np.zeros((3, HEIGHT, WIDTH + 2), bool)
        yield GroundedFrame(1, "00001", rgb, masks, np.zeros(3, np.float32))

    with pytest.raises(ValueError, match="frames of one size"):
        write_pictures(sizes, QUESTION, tmp_path, rate=12, count=2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.data
def test_a_real_video(tmp_path, data_dir):
    source = FolderFrames(data_dir / "davis16" / "JPEGImages" / "480p" / "blackswan")
    folder = data_dir / "davis16" / "Annotations" / "480p" / "blackswan"
    asked = NounQuestion("A black swan glides over the water.", ((2, 12),))

    def frames() -> Iterator[GroundedFrame]:
        for frame in source.read(0, 12):
            mask = read_index_png(folder / f"{frame.name}.png") > 0
            yield GroundedFrame(
                frame.index, frame.name, frame.rgb, mask[None], np.ones(1, np.float32)
            )

    write_pictures(frames, asked, tmp_path, rate=24, count=12)

    video = VideoFrames(tmp_path / "overlay.mp4")
    assert (len(video), video.width) == (12, 854)
    for frame, original in zip(video.read(), source.read(0, 12), strict=True):
        mask = read_index_png(folder / f"{original.name}.png") > 0
        change = frame.rgb[:480].astype(float) - original.rgb
        # Where the swan is, red rises or green falls; elsewhere the picture is as it was.
        redder = change[..., 0] - change[..., 1]
        assert redder[mask].mean() > 20
        assert abs(redder[~mask].mean()) < 3
