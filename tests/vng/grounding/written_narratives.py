"""Narratives that people write down themselves, and files of them."""

import json
from pathlib import Path
from typing import Any

WRITTEN: list[dict[str, Any]] = [
    {
        "caption": "A \U0001f415 dog chases a ball.",
        "nouns": ["ball"],
        "video": "a/clip",
        "name": "D",
    },
    {"caption": "A \U0001f415 dog chases a ball.", "spans": [[17, 21], [4, 7]]},
    {"caption": "A dog chases a ball on the left."},
    {"caption": None, "nouns": ["dog", "red ball"], "spans": None, "video": None, "name": None},
]


def written(path: Path, *values: Any) -> Path:
    path.write_text(json.dumps(list(values)), encoding="utf-8")
    return path
