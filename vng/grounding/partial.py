"""What was found in a video so far, so that a run that was killed goes on where it stopped.

One JSON line a frame, before them one that says of which run they are, and behind them, once the
video has ended, one that says so. A method can go on only behind some frames
(`FrameGrounding.memory`); in a video that has not ended, lines behind the last of these are cut off
when the file is opened again, as is half a line that a kill left.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import parse_json_line
from pointvos.core.mask_store.stored_mask import StoredMask
from vng.grounding.grounded import NounLabel
from vng.inference.grounding import FrameGrounding, Memory

SYNCED_EVERY = 32  # frames without a memory
ENDED = {"ended": True}


class PartialGrounding:
    """The frames of a video that were grounded, on disk. A context manager.

    Args:
        path: of the file; made where there is none.
        identity: of the run: what it is of, and how. A file of another run is begun anew.

    Attributes:
        frames: how many are there.
        ended: whether they are all.
        memory: with which the method goes on behind them; None at the start of a video.

    Raises:
        InputError: another process writes the file, or it is damaged.
    """

    def __init__(self, path: Path, identity: dict[str, Any]) -> None:
        self.path = path
        self._identity = json.loads(json.dumps(identity))
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._file.close()
            raise InputError(
                f"{path}: expected a run that nobody else works on, found another process doing so"
            ) from error
        self.frames = 0
        self.ended = False
        self.memory: Memory | None = None
        self._unsynced = 0
        self._keep_what_can_go_on()

    def __enter__(self) -> PartialGrounding:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._file.close()

    def add(self, name: str, found: FrameGrounding, labels: Sequence[NounLabel]) -> None:
        """Add the next frame; one with a memory is on disk when this returns.

        Raises:
            OSError: the disk is full. What was there before stays.
        """
        masks = [
            StoredMask.from_mask(label.folder, name, mask)
            for label, mask in zip(labels, found.masks, strict=True)
        ]
        line = {
            "frame": name,
            "size": list(found.masks.shape[1:]),
            "counts": [mask.counts.decode("latin-1") for mask in masks],
            "scores": [round(float(score), 6) for score in found.scores],
            "memory": found.memory,
        }
        self._write(line)
        self.frames += 1
        self.memory = found.memory
        self._unsynced += 1
        if found.memory is not None or self._unsynced >= SYNCED_EVERY:
            self._sync()

    def end(self) -> None:
        """Say that all frames of the video are there."""
        self._write(ENDED)
        self.ended = True
        self._sync()

    def _sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._unsynced = 0

    def read(self, labels: Sequence[NounLabel]) -> Iterator[list[StoredMask]]:
        """Yield the masks of each frame, in order, one for each noun, with their scores.

        Raises:
            InputError: a line is damaged.
        """
        for line in self._lines():
            if len(line["counts"]) != len(labels):
                raise InputError(
                    f"{self.path}: expected masks of {len(labels)} nouns on every frame, found "
                    f"{len(line['counts'])} on {line['frame']}; remove the file to begin anew"
                )
            yield [_mask_of(line, label) for label in labels]

    def read_noun(self, label: NounLabel) -> Iterator[StoredMask]:
        """Yield the mask of one noun on each frame, in order.

        Raises:
            InputError: a line is damaged.
        """
        for line in self._lines():
            yield _mask_of(line, label)

    def _lines(self) -> Iterator[dict[str, Any]]:
        self._file.flush()
        with self.path.open("rb") as file:
            next(file, None)
            for number, line in enumerate(file, 2):
                value = self._parsed(line, number)
                if value == ENDED:
                    return
                yield value

    def _keep_what_can_go_on(self) -> None:
        """Cut the file behind the last frame that can be gone on from."""
        self._file.seek(0)
        first = self._file.readline()
        if not first.endswith(b"\n") or self._parsed(first, 1) != self._identity:
            self._file.truncate(0)
            self._write(self._identity)
            self._sync()
            return
        kept = self._file.tell()
        for seen, line in enumerate(iter(self._file.readline, b""), 1):
            if not line.endswith(b"\n"):
                break
            value = self._parsed(line, seen + 1)
            if value == ENDED:
                kept, self.frames, self.ended = self._file.tell(), seen - 1, True
            elif value["memory"] is not None:
                kept, self.frames, self.memory = self._file.tell(), seen, value["memory"]
        self._file.truncate(kept)

    def _write(self, value: dict[str, Any]) -> None:
        self._file.write(json.dumps(value, ensure_ascii=False).encode() + b"\n")

    def _parsed(self, line: bytes, number: int) -> dict[str, Any]:
        try:
            value = parse_json_line(line, source=f"{self.path}:{number}")
        except InputError as error:
            raise InputError(f"{error}; remove the file to begin anew") from error
        assert isinstance(value, dict), "written by this class"
        return value


def _mask_of(line: dict[str, Any], label: NounLabel) -> StoredMask:
    height, width = line["size"]
    place = label.number - 1
    counts = line["counts"][place].encode("latin-1")
    return StoredMask(label.folder, line["frame"], height, width, counts, line["scores"][place])
