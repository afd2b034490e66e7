"""Scores of finished sequences on disk, so that a run that was killed goes on where it stopped."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.safe_names import safe_join
from pointvos.metrics.object_scores import ObjectScores, SequenceScores
from pointvos.metrics.reports import object_record


class PartialResults:
    """A folder with one file a finished method and sequence, and the settings they belong to.

    Args:
        folder: made when the first result is kept.
        settings: JSON values that say what is evaluated, and how.

    Raises:
        InputError: the folder holds results of other settings.
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._folder = folder
        self._settings = dict(settings)
        file = folder / "settings.json"
        if file.is_file():
            found = read_json(file)
            for key in sorted(set(found) | set(settings)):
                if found.get(key) != settings.get(key):
                    raise InputError(
                        f"{folder}: expected the unfinished results of this evaluation, found "
                        f"others: {key} was {found.get(key)!r:.80} and is "
                        f"{settings.get(key)!r:.80}; delete the folder or choose another output"
                    )

    def read(self, method: int, sequence: str) -> dict[str, Any] | None:
        """What was kept for the n-th method on a sequence; None when it is not finished."""
        file = self._file(method, sequence)
        value: dict[str, Any] | None = read_json(file) if file.is_file() else None
        return value

    def keep(self, method: int, sequence: str, value: Mapping[str, Any]) -> None:
        """Store the result of a finished sequence, atomically."""
        file = self._folder / "settings.json"
        if not file.is_file():
            write_json(file, self._settings)
        write_json(self._file(method, sequence), value)

    def remove(self) -> None:
        """Delete the folder, once the results stand elsewhere."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, method: int, sequence: str) -> Path:
        return safe_join(self._folder / str(method), f"{sequence}.json", source="sequence")


def scores_to_json(scores: SequenceScores) -> dict[str, Any]:
    """Scores of a sequence as JSON values; floats keep every digit."""
    return {
        "name": scores.name,
        "objects": [object_record(row) for row in scores.objects],
        "unscored_ids": list(scores.unscored_ids),
    }


def scores_from_json(value: Mapping[str, Any]) -> SequenceScores:
    """What `scores_to_json` gave."""
    objects: Sequence[Mapping[str, Any]] = value["objects"]
    return SequenceScores(
        name=value["name"],
        objects=tuple(
            ObjectScores(
                sequence=row["sequence"],
                object_id=row["object_id"],
                frame_names=tuple(row["frames"]),
                j=np.array(row["j"], dtype=np.float64),
                f=np.array(row["f"], dtype=np.float64),
                proposal=row["proposal"],
            )
            for row in objects
        ),
        unscored_ids=tuple(value["unscored_ids"]),
    )
