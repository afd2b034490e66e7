"""The output folder of a pseudo-mask job: what stands where, and whose settings it belongs to.

::

    settings.json    what the masks are made of and how; a run with other settings is refused
    masks/           mask store (for validation points_1/masks, points_2/masks, ...)
    journal/         reports of videos, while shards are at work
    videos.jsonl     a line a video, once all shards are through
    quality.parquet  a row a mask
    results.json     written last
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointvos.core.atomic import write_json
from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.layout import MANIFEST
from pointvos.core.mask_store.reader import MaskStore
from pointvos.pseudomask.mask_rule import ALL_POINTS

FORMAT_VERSION = 1
_LOCK = ".job.lock"


@dataclass(frozen=True)
class CorpusFolder:
    """The paths of a job's output.

    Attributes:
        root: the folder itself.
    """

    root: Path

    @property
    def settings(self) -> Path:
        """What must be equal for a run to go on."""
        return self.root / "settings.json"

    @property
    def journal(self) -> Path:
        """Reports of videos while the job runs."""
        return self.root / "journal"

    @property
    def videos(self) -> Path:
        """Reports of all videos, in the end."""
        return self.root / "videos.jsonl"

    @property
    def quality(self) -> Path:
        """Quality of all masks, in the end."""
        return self.root / "quality.parquet"

    @property
    def results(self) -> Path:
        """What was done, written last."""
        return self.root / "results.json"

    @property
    def preview(self) -> Path:
        """Some masks with their points."""
        return self.root / "preview.jpg"

    def dataset(self, setting: int) -> Path:
        """The folder that holds the masks of one setting and a link to the frames."""
        return self.root if setting == ALL_POINTS else self.root / f"points_{setting}"

    def store(self, setting: int) -> Path:
        """The mask store of one setting."""
        return self.dataset(setting) / "masks"

    def completed(self, settings: tuple[int, ...]) -> frozenset[str]:
        """The videos that are committed for every one of the settings.

        Raises:
            InputError: a store is damaged or of another version.
        """
        if not all((self.store(setting) / MANIFEST).is_file() for setting in settings):
            return frozenset()
        found = [set(MaskStore.open(self.store(setting)).videos()) for setting in settings]
        return frozenset(set.intersection(*found))

    def check(self, identity: dict[str, Any]) -> None:
        """See that the folder is new or empty, or belongs to a job with these settings.

        Raises:
            InputError: it is a file, holds something else, or belongs to another job.
        """
        if self.root.exists() and not self.root.is_dir():
            raise InputError(f"{self.root}: expected a folder to write to, found a file")
        if not self.settings.is_file():
            held = sorted(entry.name for entry in self.root.iterdir()) if self.root.exists() else []
            foreign = [name for name in held if name != _LOCK and ".tmp" not in name]
            if foreign:
                raise InputError(
                    f"{self.root}: expected a new or empty folder, or one of an earlier run, found "
                    f"{foreign[0]!r}; choose another"
                )
            return
        found = read_json(self.settings)
        version = found.get("version") if isinstance(found, dict) else None
        if version != FORMAT_VERSION:
            raise InputError(
                f"{self.settings}: expected pseudo-masks of version {FORMAT_VERSION}, found "
                f"{version!r:.40}; choose another folder"
            )
        for key in sorted(set(found["job"]) | set(identity)):
            was, now = found["job"].get(key), identity.get(key)
            if was != now:
                raise InputError(
                    f"{self.root}: expected the settings of the masks that are there, found "
                    f"another {key}: it was {was!r:.80} and is {now!r:.80}; choose another folder"
                )

    def begin(self, identity: dict[str, Any]) -> None:
        """Make the folder, and keep the settings where there are none yet.

        Raises:
            InputError: the folder cannot be written to.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            if not self.settings.is_file():
                write_json(self.settings, {"version": FORMAT_VERSION, "job": identity})
        except OSError as error:
            raise InputError(
                f"{self.root}: expected a folder that can be written to, found: "
                f"{error.strerror or error}"
            ) from error
        self.check(identity)  # another shard may have begun another job meanwhile

    def remove_leftovers(self) -> None:
        """Remove temporary files of killed processes; only when no shard is at work."""
        for folder in (self.root, self.journal):
            for path in folder.glob(".*.tmp*"):
                if path.is_symlink() or path.is_file():
                    path.unlink(missing_ok=True)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """While videos are made; several shards may be at once."""
        with self._lock_file() as descriptor:
            fcntl.flock(descriptor, fcntl.LOCK_SH)  # waits for one that is merging
            yield

    @contextmanager
    def alone(self) -> Iterator[bool]:
        """For the end of a job; yields False, and holds nothing, while any shard is at work."""
        with self._lock_file() as descriptor:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                alone = True
            except BlockingIOError:
                alone = False
            yield alone

    @contextmanager
    def _lock_file(self) -> Iterator[int]:
        descriptor = os.open(self.root / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            yield descriptor
        finally:
            os.close(descriptor)
