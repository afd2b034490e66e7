"""Small corpora of masks for tests of the mask store."""

from pathlib import Path

import numpy as np

from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.core.mask_store.writer import MaskStoreWriter

HEIGHT, WIDTH = 12, 17


def masks_of(video: str, *, objects: int = 2, frames: int = 5) -> list[StoredMask]:
    """Masks that depend on the name alone. Object 1 is absent on frame 1, 2 unknown on frame 0."""
    rng = np.random.default_rng(list(video.encode()))
    return [
        StoredMask.from_mask(
            object_id,
            f"{frame:05d}",
            (rng.random((HEIGHT, WIDTH)) < 0.4) & ((object_id, frame) != (1, 1)),
            score=None if frame == 0 else float(rng.random()),
        )
        for object_id in range(1, objects + 1)
        for frame in range(frames)
        if (object_id, frame) != (2, 0)
    ]


def names(count: int) -> list[str]:
    return [f"set/video {number:03d}" for number in range(count)]


def write_store(folder: Path, count: int = 20, *, rows_per_part: int = 40) -> dict[str, VideoMasks]:
    """A store of several parts; what it holds."""
    with MaskStoreWriter(folder, rows_per_part=rows_per_part) as writer:
        for name in names(count):
            writer.add(name, masks_of(name))
    return {name: VideoMasks(name, masks_of(name)) for name in names(count)}


def contents(folder: Path) -> dict[str, VideoMasks]:
    """Everything in a store; fails where a video comes twice."""
    found = list(MaskStore.open(folder).iterate())
    assert len({video.name for video in found}) == len(found)
    return {video.name: video for video in found}
