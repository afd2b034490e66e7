"""The frames of narrated videos: one folder of images or one video file each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import FrameNames, find_video
from pointvos.core.frames import FolderFrames, FrameSource, open_frames
from vng.data.expressions import NarratedVideo


class VideoFolder:
    """Frames by the names that a set gives them. The latest video stays open.

    Args:
        root: holds one folder (``<video>/``) or video file (``<video>.mp4``, ...) a video.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = Path(root)
        if not self.root.is_dir():
            raise FileNotFoundError(f"{self.root}: expected a folder of videos, found none")
        self._latest: tuple[str, FrameSource] | None = None

    def holds(self, video: NarratedVideo) -> bool:
        """Whether there is a folder or a file of a video; it is not opened."""
        return find_video(self.root, video.name, source=self.root) is not None

    def open(self, video: NarratedVideo) -> FrameSource:
        """The frames of a video.

        Raises:
            FileNotFoundError: there is neither a folder nor a file of this name.
            InputError: it cannot be opened.
        """
        if self._latest is None or self._latest[0] != video.name:
            path = find_video(self.root, video.name, source=self.root)
            if path is None:
                raise FileNotFoundError(
                    f"{self.root}: expected the frames of {video.name!r}, a folder or a video "
                    "file, found neither"
                )
            self._latest = video.name, open_frames(path)
        return self._latest[1]

    def read(self, video: NarratedVideo, index: int) -> NDArray[np.uint8]:
        """A frame by its index among those of the set, uint8 RGB [H, W, 3].

        Images are found by their names; a video file must have as many frames as the set says.

        Raises:
            FileNotFoundError: there is no such video.
            InputError: it has no such frame, or one that cannot be decoded.
        """
        source = self.open(video)
        position = index
        if isinstance(source, FolderFrames):
            found = FrameNames(source.names).index(video.frames[index])
            if found is None:
                raise InputError(
                    f"{self.root / video.name}: expected the frame {video.frames[index]!r}, found "
                    "none of this name"
                )
            position = found
        elif len(source) != len(video.frames):
            raise InputError(
                f"{self.root}: {video.name}: expected {len(video.frames)} frames, found "
                f"{len(source)}"
            )
        (frame,) = source.read(position, position + 1)
        return frame.rgb
