"""Names that come from data files never lead out of their folder."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from pointvos.core.errors import InputError


def safe_join(root: str | Path, name: str, *, source: str | Path = "input") -> Path:
    """`root` / `name` for a name that was read from `source`.

    Video names of PV-Oops hold slashes ("train/…"), so a name may have several parts; what it may
    not do is leave `root`.

    Raises:
        InputError: the name is empty or absolute, or has a part ``..``, a backslash, a NUL or a
            drive letter.
    """
    parts = PurePosixPath(name).parts
    unsafe = (
        not name.strip()
        or not parts
        or PurePosixPath(name).is_absolute()
        or ".." in parts
        or "\\" in name
        or any(ord(character) < 32 for character in name)
        or (name[0].isalpha() and name[1:2] == ":")
    )
    if unsafe:
        raise InputError(f"{source}: expected a name inside the data folder, found {name!r}")
    return Path(root).joinpath(*parts)
