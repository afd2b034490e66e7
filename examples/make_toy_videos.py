#!/usr/bin/env python3
"""Draw toy videos with everything that the whole chain begins with (docs/reproduce.md).

    python examples/make_toy_videos.py --output runs/toy

In every video a ball, a box and a kite, or two of one kind, float over a mottled ground, and a
caption names each by its colour and kind. What is written stands for what the paper begins with:

    train/        YouTube-VOS layout: frames, masks, meta.json with the kinds
    vidln.jsonl   a Video Localized Narrative of each, with a mouse trace a noun
    val/          a VNG set with true masks: meta_expressions.json, extra_masks.json, JPEGImages/
    new.mp4       a video that nobody annotated
    caption.txt   and a sentence about it
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pointvos.core.atomic import write_json, write_text
from pointvos.core.command_line import run_tool
from pointvos.core.errors import InputError
from pointvos.core.masks import encode_rle, write_index_png
from pointvos.core.output_folder import output_folder
from pointvos.core.video_writer import write_video

HEIGHT, WIDTH = 144, 240
SIDE = 40  # of a thing, in pixels
COLOURS = {
    "red": (205, 45, 40),
    "green": (40, 165, 60),
    "blue": (45, 80, 210),
    "yellow": (225, 200, 40),
}
KINDS = ("ball", "box", "kite")
CAPTIONS = (
    "We see a {} with a {}, and there is a {}.",
    "There is a {} and there is a {}, and we also see a {}.",
    "There is a {}, there is a {}, and there is a {}.",
)
WORD_MS = 400  # of speech
EPOCH_MS = 1_646_807_046_000

Frame = NDArray[np.uint8]


@dataclass(frozen=True, kw_only=True)
class ToySettings:
    """How much to draw."""

    output: Path
    """folder to write, new or empty"""

    train: int = 12
    """videos to train on"""

    val: int = 4
    """videos to evaluate on"""

    frames: int = 12
    """of each video"""

    seed: int = 0
    """of everything drawn"""

    def __post_init__(self) -> None:
        """Refuse numbers that leave nothing."""
        if min(self.train, self.val, self.frames) < 1 or self.seed < 0:
            raise InputError(
                "expected train, val and frames >= 1 and seed >= 0, found "
                f"{self.train}, {self.val}, {self.frames} and {self.seed}"
            )


class Thing(NamedTuple):
    """What floats through a video, with its shape and its pattern.

    Attributes:
        colour: a key of `COLOURS`.
        kind: one of `KINDS`.
        shape: bool [SIDE, SIDE].
        rgb: uint8 [SIDE, SIDE, 3].
        corners: upper left corner on each frame, int [T, 2], (x, y).
    """

    colour: str
    kind: str
    shape: NDArray[np.bool_]
    rgb: Frame
    corners: NDArray[np.int64]


class ToyVideo(NamedTuple):
    """A video whose things are known.

    Attributes:
        name: of the video.
        frames: uint8 [144, 240, 3] each.
        masks: of the same size, 0 ground, n the n-th thing.
        things: in the order of the caption.
        caption: names each of them.
        spans: [start, end) of their nouns, the kinds alone.
    """

    name: str
    frames: list[Frame]
    masks: list[Frame]
    things: list[Thing]
    caption: str
    spans: list[tuple[int, int]]


def draw_video(name: str, seed: int, frames: int) -> ToyVideo:
    """Draw a video from its seed."""
    rng = np.random.default_rng([seed, *name.encode()])
    kinds = list(rng.permutation(KINDS))
    if rng.random() < 0.35:
        kinds[2] = kinds[0]  # two of a kind: only the colour, and the mouse, tell them apart
    colours = list(rng.permutation(list(COLOURS))[: len(kinds)])
    lanes = rng.permutation(len(kinds))
    things = [
        _thing(colour, kind, lane, frames, rng)
        for colour, kind, lane in zip(colours, kinds, lanes.tolist(), strict=True)
    ]
    caption = str(rng.choice(CAPTIONS)).format(*(f"{one.colour} {one.kind}" for one in things))
    spans, behind = [], 0
    for thing in things:
        start = caption.index(f"{thing.colour} {thing.kind}", behind) + len(thing.colour) + 1
        behind = start + len(thing.kind)
        spans.append((start, behind))
    ground = _mottled(rng)
    rgb, masks = [], []
    for t in range(frames):
        picture, mask = ground.copy(), np.zeros((HEIGHT, WIDTH), np.uint8)
        for number, thing in enumerate(things, 1):
            x, y = thing.corners[t]
            part = slice(y, y + SIDE), slice(x, x + SIDE)
            picture[part][thing.shape] = thing.rgb[thing.shape]
            mask[part][thing.shape] = number
        noisy = picture + rng.normal(0, 3, picture.shape)
        rgb.append(np.clip(noisy, 0, 255).astype(np.uint8))
        masks.append(mask)
    return ToyVideo(name, rgb, masks, things, caption, spans)


def _mottled(rng: np.random.Generator) -> NDArray[np.float64]:
    """A greyish ground with soft spots, float [HEIGHT, WIDTH, 3]."""
    coarse = rng.normal(0, 30, (5, 8, 1)) + rng.normal(0, 8, (5, 8, 3))
    soft = cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return np.asarray(rng.uniform(90, 160) + soft, np.float64)


def _thing(colour: str, kind: str, lane: int, frames: int, rng: np.random.Generator) -> Thing:
    """A thing that crosses its lane, a third of the height, at a constant speed."""
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    if kind == "ball":
        shape, light = np.hypot(x, y) < SIDE / 2, np.hypot(x % 12 - 6, y % 12 - 6) < 3  # dots
    elif kind == "box":
        shape, light = (abs(x) < SIDE * 0.45) & (abs(y) < SIDE * 0.4), y % 10 < 3  # stripes
    else:
        shape, light = abs(x) + abs(y) < SIDE / 2, (x * y) > 0  # quarters
    rgb = np.full((SIDE, SIDE, 3), COLOURS[colour], np.float64)
    rgb[light] = 0.45 * rgb[light] + 0.55 * 255 * (kind != "kite")
    first, last = rng.permutation(
        [rng.uniform(2, 60), rng.uniform(WIDTH - SIDE - 80, WIDTH - SIDE - 2)]
    ).tolist()
    top = lane * HEIGHT / 3 + rng.uniform(1, HEIGHT / 3 - SIDE - 1)
    corners = np.stack([np.linspace(first, last, frames), np.full(frames, top)], axis=1)
    return Thing(colour, kind, shape, rgb.astype(np.uint8), corners.round().astype(np.int64))


def narrative_of(video: ToyVideo, number: int) -> dict[str, Any]:
    """Its Video Localized Narrative: each noun is traced on the first frame while it is said."""
    words, traces, behind = [], [], 0
    begun = {start: n for n, (start, _) in enumerate(video.spans)}
    for place, said in enumerate(video.caption.split()):
        word = said.strip(".,")
        start = video.caption.index(word, behind)
        behind = start + len(word)
        words.append(
            {
                "start_ms": place * WORD_MS,
                "end_ms": (place + 1) * WORD_MS - 50,
                "referenced_word": word,
                "referenced_word_start_idx": start,
                "referenced_word_end_idx": behind,
            }
        )
        if start in begun:
            traces.append(_stroke(video.things[begun[start]], EPOCH_MS + place * WORD_MS))
    actor = {
        "actor_name": video.things[0].kind,
        "keyframe_selection_indices": [0],
        "recording_start_time_ms_since_epoch": EPOCH_MS,
        "traces_start_time_ms_since_epoch": EPOCH_MS,
        "caption": video.caption,
        "noun_segments": [list(span) for span in video.spans],
        "time_alignment": words,
        "traces": traces,
        "recording_filename": f"{video.name}.webm",
    }
    return {
        "vidln_id": number,
        "dataset_id": "toy_train",
        "video_id": video.name,
        "keyframe_names": ["00000"],
        "actor_narratives": [actor],
        "annotator_id": 0,
    }


def _stroke(thing: Thing, since_ms: int) -> list[dict[str, Any]]:
    """The mouse over a thing on the first frame, in a flat zigzag."""
    share = np.linspace(0.25, 0.75, 12)
    x = thing.corners[0, 0] + SIDE * share
    y = thing.corners[0, 1] + SIDE * (0.5 + 0.1 * (-1) ** np.arange(12))
    times = since_ms + 10 + 25 * np.arange(12)
    return [
        {
            "x": round(px / WIDTH, 5),
            "y": round(py / HEIGHT, 5),
            "time_ms_since_epoch": ms,
            "kf_idx": 0,
        }
        for px, py, ms in zip(x.tolist(), y.tolist(), times.tolist(), strict=True)
    ]


def write_frames(folder: Path, video: ToyVideo) -> None:
    """Write its frames as ``<folder>/<video>/00000.jpg``, ..."""
    (folder / video.name).mkdir(parents=True)
    for t, frame in enumerate(video.frames):
        Image.fromarray(frame).save(folder / video.name / f"{t:05d}.jpg", quality=95)


def write_training(folder: Path, videos: list[ToyVideo]) -> None:
    """Frames, masks and kinds as YouTube-VOS has them."""
    meta: dict[str, Any] = {}
    for video in videos:
        write_frames(folder / "JPEGImages", video)
        names = [f"{t:05d}" for t in range(len(video.frames))]
        for name, mask in zip(names, video.masks, strict=True):
            write_index_png(folder / "Annotations" / video.name / f"{name}.png", mask)
        objects = {
            str(number): {"category": thing.kind, "frames": names}
            for number, thing in enumerate(video.things, 1)
        }
        meta[video.name] = {"objects": objects}
    write_json(folder / "meta.json", {"videos": meta})


def write_vng_set(folder: Path, videos: list[ToyVideo]) -> None:
    """Frames, expressions and true masks as VNG sets have them."""
    told, listed, annotations = {}, [], []
    for place, video in enumerate(videos, 1):
        write_frames(folder / "JPEGImages", video)
        names = [f"{t:05d}" for t in range(len(video.frames))]
        told[video.name] = {
            "frames": names,
            "actor_narratives": [
                {"actor_idx": 0, "actor_name": "scene", "description": video.caption}
            ],
            "expressions": {
                str(n): {
                    "narrative_actor_idx": 0,
                    "noun_phrase_start_idx": start,
                    "noun_phrase_end_idx": end,
                    "obj_id": 100 * place + n,
                }
                for n, (start, end) in enumerate(video.spans)
            },
        }
        size = {"height": HEIGHT, "width": WIDTH}
        files = [f"{video.name}/{name}.jpg" for name in names]
        listed.append({"id": place, "length": len(names), "file_names": files, **size})
        annotations += [
            {
                "id": 100 * place + n,
                "video_id": place,
                "video_name": video.name,
                "segmentations": [encode_rle(mask == n + 1) for mask in video.masks],
                **size,
            }
            for n in range(len(video.things))
        ]
    write_json(folder / "meta_expressions.json", {"videos": told})
    masks = {"info": {}, "videos": listed, "annotations": annotations}
    write_json(folder / "extra_masks.json", masks, indent=None)


def videos_of(prefix: str, count: int, settings: ToySettings) -> Iterator[ToyVideo]:
    """Videos named after a prefix."""
    for number in range(count):
        yield draw_video(f"{prefix}{number:02d}", settings.seed, settings.frames)


def main(settings: ToySettings) -> None:
    """Draw everything, then write it."""
    train = list(videos_of("toy", settings.train, settings))
    val = list(videos_of("other", settings.val, settings))
    new = draw_video("new", settings.seed, 2 * settings.frames)
    with output_folder(settings.output) as folder:
        write_training(folder / "train", train)
        lines = [json.dumps(narrative_of(video, n)) + "\n" for n, video in enumerate(train)]
        write_text(folder / "vidln.jsonl", "".join(lines))
        write_vng_set(folder / "val", val)
        write_video(folder / "new.mp4", new.frames, 10)
        write_text(folder / "caption.txt", new.caption + "\n")
    print(
        f"{settings.train} videos to train on, {settings.val} to evaluate on, each of "
        f"{settings.frames} frames of {WIDTH}x{HEIGHT}\n"
        f"new.mp4: {new.caption}\n"
        f"written: {settings.output}"
    )


if __name__ == "__main__":
    run_tool(main, ToySettings, __doc__ or "")
