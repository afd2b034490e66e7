"""Finding videos in a folder of videos, and frames by the names that annotations give them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pointvos.core.safe_names import safe_join

VIDEO_SUFFIXES = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v")


def find_video(root: str | Path, name: str, *, source: str | Path = "input") -> Path | None:
    """The folder of frames or the video file of a video; None where there is neither.

    Args:
        root: holds one folder (``<name>/``) or video file (``<name>.mp4``, ...) a video.
        name: of the video, with or without the suffix of a file; it may have folders.
        source: where the name was read, for messages.

    Raises:
        InputError: the name would leave the folder.
    """
    path = safe_join(root, name, source=source)
    if path.is_dir():
        return path
    candidates = [path.with_name(path.name + suffix) for suffix in VIDEO_SUFFIXES]
    if path.suffix.lower() in VIDEO_SUFFIXES:
        candidates.insert(0, path)
    return next((file for file in candidates if file.is_file()), None)


class FrameNames:
    """The frames of a video by the names that annotations use.

    Args:
        names: of all frames, in order.
    """

    def __init__(self, names: Sequence[str]) -> None:
        self._index = {name: index for index, name in enumerate(names)}
        self._by_number = {int(name): i for i, name in enumerate(names) if name.isdecimal()}

    def index(self, name: str) -> int | None:
        """The position of the frame that is meant, None without one.

        Where names are plain numbers, "000009" is "00009".

        >>> frames = FrameNames(["00000", "00005"])
        >>> frames.index("00005"), frames.index("5"), frames.index("1")
        (1, 1, None)
        """
        if name in self._index:
            return self._index[name]
        return self._by_number.get(int(name)) if name.isdecimal() else None
