"""A tiny VNG set with squares for objects, written as published sets are."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from pointvos.core.masks import encode_rle

HEIGHT, WIDTH = 24, 32
FRAMES = 4
TEXT = "A dog chases the red ball."
DOG, BALL = 7, 900000000000000013


def square(column: int, size: int = 10) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[6 : 6 + size, column : column + size] = True
    return mask


def truth(object_id: int) -> list[np.ndarray | None]:
    """The dog on all frames; the ball unknown on one, and gone from the last."""
    if object_id == DOG:
        return [square(2 + t) for t in range(FRAMES)]
    return [square(18, 6), None, square(20, 6), np.zeros((HEIGHT, WIDTH), bool)]


def annotation(object_id: int, masks: list[np.ndarray | None]) -> dict[str, Any]:
    return {
        "id": object_id,
        "video_id": 1,
        "height": HEIGHT,
        "width": WIDTH,
        "video_name": "clip",
        "segmentations": [None if mask is None else encode_rle(mask) for mask in masks],
    }


def masks_file(path: Path, *object_ids: int, **video: Any) -> Path:
    record = {
        "id": 1,
        "width": WIDTH,
        "height": HEIGHT,
        "length": FRAMES,
        "file_names": [f"clip/{t:05d}.jpg" for t in range(FRAMES)],
        **video,
    }
    annotations = [annotation(one, truth(one)) for one in object_ids]
    path.write_text(json.dumps({"info": {}, "videos": [record], "annotations": annotations}))
    return path


def expressions_file(path: Path, **changes: Any) -> Path:
    def expression(noun: str, object_id: int) -> dict[str, int]:
        start = TEXT.index(noun)
        return {
            "narrative_actor_idx": 0,
            "noun_phrase_start_idx": start,
            "noun_phrase_end_idx": start + len(noun),
            "obj_id": object_id,
        }

    video = {
        "frames": [f"{t:05d}" for t in range(FRAMES)],
        "actor_narratives": [{"actor_idx": 0, "actor_name": "dog", "description": TEXT}],
        "expressions": {"0": expression("dog", DOG), "1": expression("ball", BALL)},
        **changes,
    }
    path.write_text(json.dumps({"videos": {"clip": video}}))
    return path


def write_set(folder: Path) -> Path:
    """A set whose own masks are those of the ball; the dog is in `folder`/original.json."""
    folder.mkdir(parents=True, exist_ok=True)
    expressions_file(folder / "meta_expressions.json")
    masks_file(folder / "extra_masks.json", BALL)
    masks_file(folder / "original.json", DOG)
    return folder
