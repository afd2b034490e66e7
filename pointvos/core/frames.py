"""Where frames come from: a folder of images, a video file, or arrays.

All sources give the same thing, `Frame` after `Frame`, from any index on, without ever holding
more than one decoded frame.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

import av
import numpy as np
from av.container import InputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.images import IMAGE_SUFFIXES, MAX_PIXELS, image_size, read_image

NaturalKey: TypeAlias = tuple[list[tuple[int, str]], str]

_SEEK_MARGIN = 16  # frames; the longest reordering that H.264 and HEVC allow
_TOLERATED_SECONDS = 0.5  # the last frame of a video of variable rate may be shown long


@dataclass(frozen=True, eq=False)
class Frame:
    """One frame: its position in the video, its name and its pixels, uint8 RGB [H, W, 3]."""

    index: int
    name: str
    rgb: NDArray[np.uint8]


class FrameSource(Protocol):
    """A video of known length and size whose frames are decoded on demand.

    Attributes:
        name: what messages and results call the video.
        names: the name of every frame, without suffix, in order.
        height: of every frame, in pixels.
        width: of every frame, in pixels.
        rate: frames per second; of an image folder the 24 that DAVIS was filmed at.
    """

    name: str
    names: Sequence[str]
    height: int
    width: int
    rate: float

    def __len__(self) -> int:
        """The number of frames."""

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Decode frames ``start`` up to, not including, ``stop`` (default: the end), in order."""


def natural_order(name: str) -> NaturalKey:
    """A sort key by which "frame 10" follows "frame 9"; ties ("1", "01") go by their text."""
    parts = re.split(r"(\d+)", name)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], name


def _frame_range(start: int, stop: int | None, length: int) -> range:
    return range(max(start, 0), length if stop is None else min(stop, length))


class ArrayFrames:
    """Frames that are in memory already: uint8 RGB arrays of one size."""

    def __init__(
        self, frames: Sequence[NDArray[np.uint8]], *, name: str = "array", rate: float = 24.0
    ) -> None:
        """Wrap `frames`, each uint8 [H, W, 3]."""
        if not len(frames):
            raise InputError(f"{name}: expected frames, found none")
        self.name = name
        self.names: Sequence[str] = [f"{index:05d}" for index in range(len(frames))]
        self.height, self.width = frames[0].shape[:2]
        self.rate = rate
        self._frames = frames

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._frames)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield frames ``start`` up to ``stop``."""
        for index in _frame_range(start, stop, len(self)):
            yield Frame(index, self.names[index], self._frames[index])


class FolderFrames:
    """A folder of images in natural order of their names, all of one size."""

    def __init__(self, folder: str | Path, *, rate: float = 24.0) -> None:
        """List the folder; images are decoded when read.

        Raises:
            FileNotFoundError: there is no such folder.
            InputError: it holds no images, or two of one name.
        """
        self.folder = Path(folder)
        if not self.folder.is_dir():
            raise FileNotFoundError(f"{self.folder}: expected a folder of frames, found none")
        self.paths = sorted(
            (path for path in self.folder.iterdir() if path.suffix.lower() in IMAGE_SUFFIXES),
            key=lambda path: natural_order(path.stem),
        )
        if not self.paths:
            raise InputError(
                f"{self.folder}: expected frames ({' '.join(IMAGE_SUFFIXES)}), found none"
            )
        self.name = self.folder.name
        self.names: Sequence[str] = [path.stem for path in self.paths]
        if len(set(self.names)) < len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise InputError(f"{self.folder}: expected one image a frame, found two named {twice}")
        self.height, self.width = image_size(self.paths[0])
        self.rate = rate

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.paths)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield frames ``start`` up to ``stop``.

        Raises:
            InputError: a frame is damaged, or of another size than the first.
        """
        for index in _frame_range(start, stop, len(self)):
            rgb = read_image(self.paths[index])
            if rgb.shape[:2] != (self.height, self.width):
                raise InputError(
                    f"{self.paths[index]}: expected {self.width}x{self.height} like the first "
                    f"frame, found {rgb.shape[1]}x{rgb.shape[0]}"
                )
            yield Frame(index, self.names[index], rgb)


class VideoFrames:
    """A video file, through PyAV. Frames are counted by their packets when it is opened.

    Frames are turned as the file says that they are to be shown, which phones make use of.
    """

    def __init__(self, path: str | Path) -> None:
        """Open the file and index its packets; only the first frame is decoded.

        Raises:
            FileNotFoundError: there is no such file.
            InputError: it is no video, has no frames, or ends before its index says.
        """
        self.path = Path(path)
        if not self.path.is_file():
            raise FileNotFoundError(f"{self.path}: expected a video file, found none")
        self.name = self.path.stem
        try:
            with av.open(str(self.path)) as container:
                if not container.streams.video:
                    raise InputError(f"{self.path}: expected a video stream, found none")
                stream = container.streams.video[0]
                self.rate = float(stream.average_rate or 24)
                self.height, self.width = stream.codec_context.height, stream.codec_context.width
                self._times = self._index_packets(container, stream)
            self._quarter_turns = self._turned()
            if self._quarter_turns % 2:
                self.height, self.width = self.width, self.height
        except (av.FFmpegError, OSError) as error:
            raise InputError(f"{self.path}: expected a video, found: {error}") from error
        if self.height * self.width > MAX_PIXELS:
            raise InputError(
                f"{self.path}: expected at most {MAX_PIXELS} pixels, found "
                f"{self.width}x{self.height}"
            )
        self.names: Sequence[str] = [f"{index:05d}" for index in range(len(self._times))]

    def __len__(self) -> int:
        """The number of frames."""
        return len(self._times)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield frames ``start`` up to ``stop``, decoding from a key frame before ``start``.

        Raises:
            InputError: the file is damaged, or ends before the frames its packets promise.
        """
        wanted = _frame_range(start, stop, len(self))
        if not wanted:
            return
        following = wanted.start
        try:
            for index, decoded in self._decode(wanted.start):
                if index < wanted.start:
                    continue
                rgb = decoded.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
                if self._quarter_turns:
                    rgb = np.ascontiguousarray(np.rot90(rgb, self._quarter_turns))
                if rgb.shape[:2] != (self.height, self.width):
                    raise InputError(
                        f"{self.path}: expected frames of {self.width}x{self.height}, found "
                        f"{rgb.shape[1]}x{rgb.shape[0]} at frame {index}"
                    )
                yield Frame(index, self.names[index], rgb)
                following = index + 1
                if following == wanted.stop:
                    return
        except (av.FFmpegError, OSError) as error:
            raise InputError(
                f"{self.path}: expected frame {following} of {len(self)}, found: {error}"
            ) from error
        raise InputError(
            f"{self.path}: expected {len(self)} frames, found that it ends after {following}"
        )

    def _turned(self) -> int:
        """By how many quarters, counterclockwise, the frames are turned before they are shown."""
        with av.open(str(self.path)) as container:
            try:
                first = next(container.decode(container.streams.video[0]), None)
            except av.FFmpegError:  # reading it will tell
                return 0
            return 0 if first is None else round(first.rotation / 90) % 4

    def _index_packets(self, container: InputContainer, stream: VideoStream) -> list[int]:
        """The presentation times of all frames, ascending (0 where the file tells none)."""
        promised, tag = stream.frames, stream.metadata.get("DURATION", "")
        times, count, corrupt = [], 0, False
        for packet in container.demux(stream):
            if packet.size:  # the last one, empty, only ends the stream
                count, corrupt = count + 1, packet.is_corrupt
                if not packet.is_discard:
                    times.append(packet.pts or 0)
        if not times:
            raise InputError(f"{self.path}: expected a video with frames, found none")
        times.sort()
        if count < promised or corrupt:
            raise InputError(
                f"{self.path}: expected {f'{promised} frames' if promised else 'a whole video'}, "
                f"found {count} frames and a file that is cut off"
            )
        said = re.fullmatch(r"(\d+):(\d+):(\d+\.\d+)", tag)
        if said and stream.time_base:  # Matroska tells no frame count but when the last frame ends
            expected = 3600 * int(said[1]) + 60 * int(said[2]) + float(said[3])
            ends = float(times[-1] * stream.time_base)
            if ends < expected - max(_TOLERATED_SECONDS, 2 / self.rate):
                raise InputError(
                    f"{self.path}: expected {expected:.1f} s of video as its index says, found "
                    f"{ends:.1f} s; the file is cut off"
                )
        return times

    def _decode(self, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
        """Decode from a frame at or before `start` on; yields (index, frame).

        After a jump the first frame must be one whose time the index knows and which is not past
        `start`; with any doubt everything is decoded from the beginning and counted.
        """
        position = {time: index for index, time in enumerate(self._times)}
        if start > _SEEK_MARGIN and len(position) == len(self._times):  # every time is known
            with av.open(str(self.path)) as container:
                stream = container.streams.video[0]
                stream.thread_type = "AUTO"
                container.seek(self._times[start - _SEEK_MARGIN], stream=stream)
                frames = container.decode(stream)
                first = next(frames, None)
                index = None if first is None else position.get(first.pts or 0)
                if first is not None and index is not None and index <= start:
                    yield index, first
                    yield from enumerate(frames, start=index + 1)
                    return
        with av.open(str(self.path)) as container:
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            yield from enumerate(container.decode(stream))


def open_frames(path: str | Path) -> FrameSource:
    """The frames of a folder of images or of a video file.

    Raises:
        FileNotFoundError: there is neither.
        InputError: it holds no frames.
    """
    return FolderFrames(path) if Path(path).is_dir() else VideoFrames(path)
