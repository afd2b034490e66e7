"""Text files that list one name a line: splits of DAVIS, subsets of Point-VOS."""

from __future__ import annotations

from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.safe_names import safe_join


def read_name_list(path: str | Path) -> list[str]:
    """The names in a list file, in order; blank lines are skipped.

    Raises:
        FileNotFoundError: there is no such file.
        InputError: it is no text, lists nothing, a name twice, or a name that would leave the data
            folder.
    """
    file = Path(path)
    if not file.is_file():
        raise FileNotFoundError(f"{file}: expected a list of names, one a line, found none")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: expected UTF-8 text, found {error.reason}") from error
    names: dict[str, int] = {}
    for number, line in enumerate(lines, start=1):
        name = line.strip()
        if not name:
            continue
        safe_join(file.parent, name, source=f"{file}:{number}")
        if name in names:
            raise InputError(
                f"{file}:{number}: expected every name once, found {name!r} on line "
                f"{names[name]} as well"
            )
        names[name] = number
    if not names:
        raise InputError(f"{file}: expected names, one a line, found none")
    return list(names)
