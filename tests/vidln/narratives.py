"""Small narratives for the tests: JSON values, and files of them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

RECORDING_START = 1_646_807_046_669
CAPTION = "A dog chases a red ball."
# Word -> its start, end in ms; each lasts until the next one begins.
SPOKEN = {"A": 0, "dog": 500, "chases": 1000, "a": 1500, "red": 1700, "ball": 2000}


def point(x: float, y: float, ms: int, keyframe: int = 0) -> dict[str, Any]:
    """A position at `ms` after the start of the recording."""
    return {"x": x, "y": y, "time_ms_since_epoch": RECORDING_START + ms, "kf_idx": keyframe}


def words(caption: str = CAPTION, spoken: Mapping[str, int] | None = None) -> list[dict[str, Any]]:
    """An alignment: each word where it stands first behind the word before."""
    found, behind = [], 0
    for text, start_ms in (SPOKEN if spoken is None else spoken).items():
        start = caption.index(text, behind)
        behind = start + len(text)
        found.append(
            {
                "end_ms": start_ms + 200,
                "referenced_word": text,
                "referenced_word_end_idx": behind,
                "referenced_word_start_idx": start,
                "start_ms": start_ms,
            }
        )
    return found


def actor(**changed: Any) -> dict[str, Any]:
    """An actor who says `CAPTION`; the dog is traced on key-frames 0 and 2, the ball on 1."""
    return {
        "actor_name": "Dog",
        "keyframe_selection_indices": [0, 1, 2],
        "recording_start_time_ms_since_epoch": RECORDING_START,
        "traces_start_time_ms_since_epoch": RECORDING_START - 300,
        "caption": CAPTION,
        "traces": [
            [point(0.1, 0.1, 450), point(0.2, 0.1, 500), point(0.2, 0.3, 700)],
            [point(0.3, 0.3, 800, 2), point(0.7, 0.6, 999, 2), point(0.8, 0.6, 1000, 2)],
            [point(0.5, 0.5, 2000, 1), point(0.6, 0.5, 90_000, 1)],
        ],
        "noun_segments": [[2, 5], [19, 23]],
        "time_alignment": words(),
        "recording_filename": "recordings/pets/7_0.webm",
    } | changed


def narrative(*actors: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A narrative; with one `actor()` if none are given."""
    return {
        "vidln_id": 7,
        "dataset_id": "pets_train",
        "video_id": "clip 7",
        "keyframe_names": ["000003", "000013", "000023"],
        "actor_narratives": list(actors) or [actor()],
        "annotator_id": 103,
    } | changed


def write_lines(path: Path, values: Iterable[Any]) -> Path:
    """One JSON value a line; bytes are written as they are."""
    path.write_bytes(
        b"".join(
            value if isinstance(value, bytes) else json.dumps(value).encode() + b"\n"
            for value in values
        )
    )
    return path
