"""Every n-th frame: names, rates, parts, and pixels that are those of the video."""

import numpy as np
import pytest

from pointvos.core.frame_stride import StridedFrames
from pointvos.core.frames import ArrayFrames


def video(count: int) -> ArrayFrames:
    return ArrayFrames([np.full((4, 6, 3), t, np.uint8) for t in range(count)], rate=30)


@pytest.mark.parametrize("count", [1, 2, 3, 7, 9])
@pytest.mark.parametrize("stride", [1, 2, 3, 20])
def test_every_nth_frame(count: int, stride: int) -> None:
    frames = StridedFrames(video(count), stride)
    expected = list(range(count))[::stride]
    assert list(frames.names) == [f"{t:05d}" for t in expected]
    assert len(frames) == len(expected)
    assert frames.rate == pytest.approx(30 / stride)
    for start, stop in [(0, None), (1, None), (0, 1), (1, 3), (2, 2), (5, 99)]:
        found = list(frames.read(start, stop))
        assert [frame.index for frame in found] == list(range(len(expected)))[start:stop]
        assert [int(frame.rgb[0, 0, 0]) for frame in found] == expected[start:stop]
        assert [frame.name for frame in found] == frames.names[start:stop]


def test_a_stride_below_one() -> None:
    with pytest.raises(ValueError, match="stride: expected at least 1, found 0"):
        StridedFrames(video(3), 0)
