"""The image files of a video's frames, by the names that annotations give them."""

from __future__ import annotations

from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.frame_lookup import FrameNames
from pointvos.core.frames import FolderFrames


class FrameFiles:
    """The frames of one video, every one an image file."""

    def __init__(self, path: Path) -> None:
        """List the folder.

        Raises:
            InputError: it is a video file, or holds no images.
        """
        if path.is_file():
            raise InputError(
                f"{path}: expected a folder of images, as detectron2 reads image files, found a "
                f"video file; extract its frames into {path.with_suffix('')} first"
            )
        self._frames = FolderFrames(path)
        self._names = FrameNames(self._frames.names)

    def index(self, frame: str, *, source: str | Path) -> int:
        """The position of a frame.

        Raises:
            InputError: naming `source`: there is no such frame.
        """
        index = self._names.index(frame)
        if index is None:
            raise InputError(
                f"{source}: expected frame {frame!r} in {self._frames.folder}, found none among "
                f"{len(self._frames)}"
            )
        return index

    def file(self, index: int) -> Path:
        """The image at a position."""
        return self._frames.paths[index]

    def name(self, index: int) -> str:
        """The name of the frame at a position."""
        return self._frames.names[index]
