"""Tiny inputs of a VNG set: squares that move, points on them, narratives that name them.

In every video a dog (object 1, from the first frame on) chases a ball (object 5, on frames 2 to 4).
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from PIL import Image

from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from tests.tiny_datasets import HEIGHT, WIDTH, Mask, two_objects
from tests.tiny_point_set import frame_of, record, write_json
from tests.vidln.narratives import actor, narrative, point, write_lines

VIDEOS = ("bike", "camel", "dog", "train/eagle")
FRAMES = 6
NAMES = {1: "dog", 5: "ball"}
POINTS = {1: [(8, 9), (16, 18), (12, 12)], 5: [(38, 27), (48, 36), (44, 30)]}  # on frames 2 and 3
OFF = [(2, 46), (60, 4)]
ANNOTATED = ("00002", "00003")
TRACES = {1: [(6, 8), (12, 14), (18, 20)], 5: [(38, 26), (44, 32), (48, 36)]}


def masks_of(video: str) -> list[Mask]:
    """The true masks, one a frame."""
    return two_objects(FRAMES)


def key_of(video: str, number: int) -> str:
    return f"{video.replace('/', '-')}-{NAMES[number]}"


def write_video_frames(folder: Path, video: str) -> None:
    (folder / video).mkdir(parents=True, exist_ok=True)
    for index, mask in enumerate(masks_of(video)):
        picture = Image.fromarray(frame_of(mask, index))
        picture.save(folder / video / f"{index:05d}.jpg", quality=95)


def object_record(video: str, number: int, **changed: Any) -> dict[str, Any]:
    """The record of the dog or the ball, as a one-key object."""
    points = [
        (x, y, frame, status)
        for frame in ANNOTATED
        for pixels, status in ((POINTS[number], "ACCEPTED"), (OFF, "REJECTED"))
        for x, y in pixels
    ]
    key = changed.pop("key", key_of(video, number))
    name = changed.pop("object_name", NAMES[number])
    return record(key, changed.pop("video_name", video), points, object_name=name, **changed)


def told_actor(**changed: Any) -> dict[str, Any]:
    """Who says that a dog chases a red ball, pointing at both on frame 2."""
    traces = [
        [point(x / WIDTH, y / HEIGHT, ms + place, 0) for place, (x, y) in enumerate(TRACES[number])]
        for number, ms in ((1, 500), (5, 2000))
    ]
    return actor(**{"traces": traces, **changed})


def told_video(video: str, number: int, **changed: Any) -> dict[str, Any]:
    folder, _, name = video.rpartition("/")
    return narrative(
        *changed.pop("actors", [told_actor()]),
        **{
            "vidln_id": number,
            "dataset_id": f"oops_{folder or 'train'}",
            "video_id": name,
            "keyframe_names": ["000002", "000003"],
            **changed,
        },
    )


def write_masks(folder: Path, videos: Iterable[str], *, frames: Sequence[int] = (2, 3)) -> Path:
    """A mask store as make_pseudo_masks.py writes it; the ball is absent on the last frame."""
    with MaskStoreWriter(folder) as writer:
        for video in videos:
            writer.add(
                video,
                [
                    StoredMask.from_mask(
                        key_of(video, number), f"{index:05d}", mask == number, score=0.9
                    )
                    for index, mask in enumerate(masks_of(video))
                    for number in NAMES
                    if index in frames
                ],
            )
    finish_store(folder)
    return folder


def write_inputs(root: Path, videos: Sequence[str] = VIDEOS) -> Path:
    """points.json, vidln.jsonl, frames/ and masks/ below `root`, and a quick backend.yaml."""
    root.mkdir(parents=True, exist_ok=True)
    for video in videos:
        write_video_frames(root / "frames", video)
    write_json(
        root / "points.json",
        *(object_record(video, number) for video in videos for number in NAMES),
    )
    write_lines(root / "vidln.jsonl", (told_video(video, i) for i, video in enumerate(videos)))
    write_masks(root / "masks", videos)
    (root / "backend.yaml").write_text("kind: grabcut\nside: 64\niterations: 1\n")
    return root
