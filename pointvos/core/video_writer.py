"""Pictures to an H.264 video that every player and browser shows."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorPrimaries, ColorRange, Colorspace, ColorTrc
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pointvos.core.atomic import atomic_path

# Nearly indistinguishable from the pictures at a few megabits a second. Without mbtree: its AVX-512
# code gives other bytes at every run, and equal results shall be equal files.
_CODEC_OPTIONS = {"crf": "19", "preset": "veryfast", "x264-params": "mbtree=0"}


def write_video(path: str | Path, frames: Iterable[NDArray[np.uint8]], rate: float) -> int:
    """Encode frames as they arrive; one is held at a time.

    H.264 in the pixel format yuv420p, which halves the colour resolution: where a side is odd, its
    last row or column is repeated. The file appears when it is complete, or not at all.

    Args:
        path: an .mp4 file.
        frames: uint8 RGB [H, W, 3], all of one size.
        rate: frames per second.

    Returns:
        The number of frames.

    Raises:
        ValueError: there are no frames, they differ in size or dtype, or the rate is not positive.
    """
    if not rate > 0:
        raise ValueError(f"{path}: expected a positive frame rate, found {rate}")
    count = 0
    first_shape: tuple[int, ...] | None = None
    with atomic_path(path) as temporary:
        # faststart: the index stands first, so that a browser can begin to play.
        with av.open(str(temporary), "w", options={"movflags": "+faststart"}) as container:
            stream = container.add_stream(
                "libx264",
                rate=Fraction(rate).limit_denominator(1001),  # 29.97 is 30000/1001
                options=_CODEC_OPTIONS,
            )
            for rgb in frames:
                _check(rgb, first_shape, path, count)
                if first_shape is None:
                    first_shape = rgb.shape
                    _set_format(stream, *rgb.shape[:2])
                container.mux(stream.encode(_yuv(rgb)))
                count += 1
            if count:
                container.mux(stream.encode())
        if not count:
            raise ValueError(f"{path}: expected frames to write, found none")
    return count


def _check(
    rgb: NDArray[np.uint8], first_shape: tuple[int, ...] | None, path: str | Path, index: int
) -> None:
    if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
        raise ValueError(
            f"{path}: expected RGB [H, W, 3] of uint8, found {rgb.shape} of {rgb.dtype} at frame "
            f"{index}"
        )
    if first_shape is not None and rgb.shape != first_shape:
        raise ValueError(
            f"{path}: expected frames of one size, found {first_shape[1]}x{first_shape[0]} and "
            f"{rgb.shape[1]}x{rgb.shape[0]} at frame {index}"
        )


def _set_format(stream: VideoStream, height: int, width: int) -> None:
    stream.height, stream.width = height + height % 2, width + width % 2
    stream.pix_fmt = "yuv420p"
    # Said explicitly: players guess the colour matrix by the size of the video, and differ.
    context = stream.codec_context
    context.colorspace = Colorspace.ITU709
    context.color_primaries = ColorPrimaries.BT709
    context.color_trc = ColorTrc.BT709
    context.color_range = ColorRange.MPEG


def _yuv(rgb: NDArray[np.uint8]) -> av.VideoFrame:
    height, width = rgb.shape[:2]
    even = np.pad(rgb, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(even), format="rgb24")
    return frame.reformat(
        format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
    )
