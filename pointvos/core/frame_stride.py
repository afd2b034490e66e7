"""Every n-th frame of a video, as a video."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pointvos.core.frames import Frame, FrameSource


class StridedFrames:
    """A `FrameSource` of every n-th frame of another, the first included; names are kept.

    All frames between are decoded and passed over: most codecs leave no choice.

    Args:
        frames: the video.
        stride: n, at least 1.
    """

    def __init__(self, frames: FrameSource, stride: int) -> None:
        if stride < 1:
            raise ValueError(f"stride: expected at least 1, found {stride}")
        self._frames, self._stride = frames, stride
        self.name = frames.name
        self.names: Sequence[str] = list(frames.names)[::stride]
        self.height, self.width = frames.height, frames.width
        self.rate = frames.rate / stride

    def __len__(self) -> int:
        """The number of frames."""
        return len(self.names)

    def read(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
        """Yield frames ``start`` up to ``stop``, counted in strides.

        Raises:
            InputError: as the video does.
        """
        first, last = max(start, 0), len(self) if stop is None else min(stop, len(self))
        if first >= last:
            return
        stop_at = (last - 1) * self._stride + 1
        for frame in self._frames.read(first * self._stride, stop_at):
            if frame.index % self._stride == 0:
                yield Frame(frame.index // self._stride, frame.name, frame.rgb)
