"""The objects that a propagation starts from, read from files and placed in a video."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.frames import FrameSource
from pointvos.core.masks import object_ids, read_index_png
from pointvos.core.points import Points
from pointvos.formats.initial_points import InitialPoints
from pointvos.inference.propagator import GivenObject


@dataclass(frozen=True)
class GivenObjects:
    """What is known of the objects of one video.

    Attributes:
        by_frame: index of a frame -> object id -> its points or bool mask [H, W] on it.
        names: object id -> name, where one was given.
    """

    by_frame: dict[int, dict[int, GivenObject]]
    names: dict[int, str]

    @classmethod
    def from_points(cls, points: InitialPoints, frames: FrameSource) -> GivenObjects:
        """Points that were read for the video `frames`."""
        position = {name: index for index, name in enumerate(frames.names)}
        return cls(
            {position[name]: dict(objects) for name, objects in points.by_frame.items()},
            dict(points.names),
        )

    @classmethod
    def from_mask(
        cls, path: str | Path, frames: FrameSource, *, frame: str | None = None
    ) -> GivenObjects:
        """The objects of a palette PNG; 255 (void) is none.

        Args:
            path: of the mask.
            frames: the video.
            frame: name of the frame it belongs to; None for the frame named like the file, or else
                the first.

        Raises:
            FileNotFoundError: there is no such file.
            InputError: the image has no palette, is of another size than the frames, or shows no
                object; or the video has no such frame.
        """
        file = Path(path)
        if frame is not None:
            index = frame_index(frames, frame)
        else:
            index = frames.names.index(file.stem) if file.stem in frames.names else 0
        mask = read_index_png(file)
        if mask.shape != (frames.height, frames.width):
            raise InputError(
                f"{file}: expected a mask of {frames.width}x{frames.height} like the frames of "
                f"{frames.name}, found {mask.shape[1]}x{mask.shape[0]}"
            )
        objects: dict[int, GivenObject] = {i: mask == i for i in object_ids(mask)}
        if not objects:
            raise InputError(f"{file}: expected a mask with objects, found background alone")
        return cls({index: objects}, {})

    @property
    def object_ids(self) -> list[int]:
        """The ids of all objects, ascending."""
        return sorted({i for objects in self.by_frame.values() for i in objects})

    def label(self, object_id: int) -> str:
        """What an object is called in pictures and tables."""
        return self.names.get(object_id, f"object {object_id}")

    def points_on(self, index: int) -> dict[int, Points]:
        """The points given on a frame, by object id."""
        objects = self.by_frame.get(index, {})
        return {i: what for i, what in objects.items() if isinstance(what, Points)}

    def frames_of(self, object_id: int) -> list[int]:
        """Indices of the frames that an object is given on, ascending."""
        return sorted(t for t, objects in self.by_frame.items() if object_id in objects)


def frame_index(frames: FrameSource, name: str) -> int:
    """The index of the frame called `name`; "40" finds "00040" where names are plain numbers.

    Raises:
        InputError: there is none; the nearest names are told.
    """
    if name in frames.names:
        return frames.names.index(name)
    numbers = {int(known): index for index, known in enumerate(frames.names) if known.isdecimal()}
    if name.isdecimal() and int(name) in numbers:
        return numbers[int(name)]
    near = difflib.get_close_matches(name, frames.names, n=2, cutoff=0.4)
    raise InputError(
        f"{frames.name}: expected a frame of the video ({frames.names[0]} .. {frames.names[-1]}), "
        f"found {name!r}" + (f"; nearest: {', '.join(near)}" if near else "")
    )
