"""Generated corpora for `benchmarks.benchmark_vng_sets`: records, narratives, frames and masks.

Objects are the blobs of `benchmarks.benchmark_mask_store`, points and traces lie on them, and all
frames are one gray picture. In some captions two objects have one name, which their traces tell
apart.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.benchmark_mask_store import BenchmarkSettings as MaskSettings
from benchmarks.benchmark_mask_store import draw_track
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter

CAPTIONS = (
    (
        "A man in blue throws a red ball to another man while a dog runs past a tree.",
        ("man", "ball", "man", "dog", "tree"),
    ),
    (
        "A girl on a brown horse waves at a boy who holds a kite in front of a house.",
        ("girl", "horse", "boy", "kite", "house"),
    ),
    (
        "The cat jumps from the table, hits a bottle and lands on a chair beside another cat.",
        ("cat", "table", "bottle", "chair", "cat"),
    ),
    (
        "Two bikes pass a car, then the woman on the bridge drops her umbrella into the river.",
        ("bikes", "car", "woman", "umbrella", "river"),
    ),
)
OBJECTS_PER_VIDEO = 5  # as many as each caption names
WORD_MS = 400
EPOCH_MS = 1_646_807_046_000


@dataclass(frozen=True, kw_only=True)
class CorpusSettings:
    """What a video of the corpus holds."""

    frames: int = 10
    """of each video, all with points and masks; an object is absent on the last"""

    points: int = 10
    """foreground points of an object on a frame, and as many background points"""

    positions: int = 40
    """of the mouse for each noun"""

    height: int = 480
    """of the frames, in pixels"""

    width: int = 854
    """of the frames, in pixels"""


class Track(NamedTuple):
    """An object on all frames.

    Attributes:
        masks: one a frame.
        points: annotated_points of its record, as JSON.
        stroke: mouse positions on the middle frame, float [P, 2], as shares of width and height.
    """

    masks: list[StoredMask]
    points: str
    stroke: NDArray[np.float64]


def make_track(rng: np.random.Generator, settings: CorpusSettings) -> Track:
    """Draw an object, its points and its stroke."""
    masks = draw_track(
        rng, MaskSettings(frames=settings.frames, height=settings.height, width=settings.width)
    )
    points: list[dict[str, Any]] = []
    for mask in masks:
        pixels = mask.decode()
        for status, where in (("ACCEPTED", pixels), ("REJECTED", ~pixels)):
            points += [
                {
                    "x": int(x),
                    "y": int(y),
                    "frame_id": mask.frame,
                    "status": status,
                    "is_fg_candidate": status == "ACCEPTED",
                }
                for x, y in _some_pixels(rng, where, settings.points)
            ]
    middle = masks[settings.frames // 2].decode()
    stroke = _some_pixels(rng, middle, settings.positions) / (settings.width, settings.height)
    return Track(masks, json.dumps(points), stroke[np.argsort(stroke[:, 0], kind="stable")])


def _some_pixels(
    rng: np.random.Generator, where: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """(x, y) of so many different pixels, [P, 2]; none if there are none."""
    found = np.flatnonzero(where)
    chosen = rng.choice(found, min(count, found.size), replace=False)
    return np.stack([chosen % where.shape[1], chosen // where.shape[1]], axis=1)


def narrative(number: int, tracks: Sequence[Track], settings: CorpusSettings) -> dict[str, Any]:
    """The narrative of a video: a word lasts `WORD_MS`, a noun is traced while it is said."""
    caption, nouns = CAPTIONS[number % len(CAPTIONS)]
    words, behind = [], 0
    for place, word in enumerate(caption.replace(",", "").replace(".", "").split()):
        start = caption.index(word, behind)
        behind = start + len(word)
        words.append(
            {
                "start_ms": place * WORD_MS,
                "end_ms": (place + 1) * WORD_MS - 100,
                "referenced_word": word,
                "referenced_word_start_idx": start,
                "referenced_word_end_idx": behind,
            }
        )
    spoken = [word["referenced_word"] for word in words]
    traces, place = [], -1
    for noun, track in zip(nouns, tracks, strict=True):
        place = spoken.index(noun, place + 1)
        times = place * WORD_MS + np.linspace(0, WORD_MS - 150, len(track.stroke)).astype(int)
        traces.append(
            [
                {"x": round(x, 5), "y": round(y, 5), "time_ms_since_epoch": EPOCH_MS + ms}
                | {"kf_idx": 0}
                for (x, y), ms in zip(track.stroke.tolist(), times.tolist(), strict=True)
            ]
        )
    actor = {
        "actor_name": nouns[0],
        "keyframe_selection_indices": [0],
        "recording_start_time_ms_since_epoch": EPOCH_MS,
        "traces_start_time_ms_since_epoch": EPOCH_MS,
        "caption": caption,
        "traces": traces,
        "time_alignment": words,
    }
    return {
        "vidln_id": number,
        "dataset_id": "generated",
        "video_id": video_name(number),
        "keyframe_names": [f"{settings.frames // 2:05d}"],
        "actor_narratives": [actor],
        "annotator_id": 1,
    }


def video_name(number: int) -> str:
    """Of a video."""
    return f"video_{number:06d}"


def write_corpus(
    root: Path, videos: int, tracks: Sequence[Track], settings: CorpusSettings
) -> None:
    """Write points.jsonl, vidln.jsonl, frames/ and masks/ below `root`."""
    picture = root / "gray.jpg"
    root.mkdir(parents=True)
    cv2.imwrite(str(picture), np.full((settings.height, settings.width, 3), 128, np.uint8))
    with (
        (root / "points.jsonl").open("w", encoding="ascii") as points,
        (root / "vidln.jsonl").open("w", encoding="ascii") as narratives,
        MaskStoreWriter(root / "masks", rows_per_part=20_000) as writer,
    ):
        for number in range(videos):
            name = video_name(number)
            folder = root / "frames" / name
            folder.mkdir(parents=True)
            for frame in range(settings.frames):
                os.link(picture, folder / f"{frame:05d}.jpg")
            chosen = [tracks[(5 * number + i) % len(tracks)] for i in range(OBJECTS_PER_VIDEO)]
            masks: list[StoredMask] = []
            for i, (noun, track) in enumerate(zip(CAPTIONS[number % 4][1], chosen, strict=True)):
                key = hashlib.md5(f"{name}/{i}".encode(), usedforsecurity=False).hexdigest()
                points.write(
                    f'{{"{key}": {{"question_hash": "{key}", "question": "What is it?", '
                    f'"object_name": "{noun}", "video_name": "{name}", "annotated_points": '
                    f"{track.points}}}}}\n"
                )
                masks += [
                    StoredMask(key, one.frame, one.height, one.width, one.counts, one.score)
                    for one in track.masks
                ]
            writer.add(name, masks)
            narratives.write(json.dumps(narrative(number, chosen, settings)) + "\n")
    finish_store(root / "masks")
