"""Folders of results that are either whole or absent."""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from pointvos.core.errors import InputError


@contextmanager
def output_folder(path: str | Path, *, replaces: Collection[str] = ()) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it becomes `path` on success.

    On any error the temporary folder is removed and an earlier `path` stays. Where the process was
    killed, the next call for the same `path` removes what was left.

    Args:
        path: the folder to make; it may exist, empty.
        replaces: names of files and folders that an earlier `path` may hold, and with which it is
            replaced.

    Raises:
        InputError: `path` is a file, or a folder that holds something else.
    """
    target = Path(path).resolve()
    check_output_folder(path, replaces=replaces)
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    lock = os.open(temporary, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)  # held as long as the process lives
    try:
        yield temporary
        check_output_folder(path, replaces=replaces)
        if target.exists():
            earlier = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
            target.rename(earlier)
            temporary.rename(target)
            shutil.rmtree(earlier)
        else:
            temporary.rename(target)
    finally:
        os.close(lock)
        shutil.rmtree(temporary, ignore_errors=True)


def check_output_folder(path: str | Path, *, replaces: Collection[str] = ()) -> None:
    """See that `output_folder` may make `path`, before the work begins.

    Raises:
        InputError: it is a file, or a folder that holds something not in `replaces`.
    """
    target = Path(path)
    if target.exists() and not target.is_dir():
        raise InputError(f"{target}: expected a new folder to write to, found a file")
    found = sorted(entry.name for entry in target.iterdir()) if target.exists() else []
    foreign = [name for name in found if name not in replaces]
    if foreign:
        others = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        expected, advice = "a new or empty folder", "choose another, or overwrite an earlier result"
        if replaces:
            expected += f" or an earlier result ({', '.join(sorted(replaces))})"
            advice = "choose another"
        raise InputError(f"{target}: expected {expected}, found {foreign[0]!r}{others}; {advice}")


def _remove_abandoned(target: Path) -> None:
    """Remove temporary folders for `target` that no living process holds."""
    for folder in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        try:
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        except OSError:  # gone already, a file, or another user's
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            continue
        finally:
            os.close(lock)
