"""How every tool reads its settings and ends.

The fields of a frozen dataclass become the flags; ``--config FILE.yaml`` gives a whole run,
``--a.b value`` overrides one value, ``--print_config`` prints the resolved run. A tool exits with
0, with 2 after one line on stderr when the user can mend the cause, and with 1 when the run failed.
"""

from __future__ import annotations

import dataclasses
import difflib
import errno
import re
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, TypeVar, get_args, get_type_hints

from jsonargparse import ArgumentError, ArgumentParser, set_parsing_settings

from pointvos.core.allocator import keep_freed_memory
from pointvos.core.errors import InputError

Settings = TypeVar("Settings")

USER_ERROR = 2
RUN_FAILED = 1
# A full disk, one that may not be written, names that no file can have: the user can mend that.
MENDABLE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EACCES,
    errno.EPERM,
    errno.EROFS,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ENAMETOOLONG,
)


def settings_parser(settings_type: type[Settings], description: str) -> ArgumentParser:
    """A parser whose flags are the fields of `settings_type`, nested dataclasses as groups."""
    set_parsing_settings(docstring_parse_attribute_docstrings=True)
    parser = ArgumentParser(
        description=description,
        epilog="--debug shows the traceback of an error.",
        exit_on_error=False,
        allow_abbrev=False,  # a mistyped flag is an error, not another flag
    )
    parser.add_argument("--config", action="config", help="a YAML file with a whole run")
    parser.add_class_arguments(settings_type, as_group=False)
    for action in parser._actions:
        if getattr(action, "_typehint", None) is bool:  # "--flag" alone says true
            action.nargs, action.const = "?", True
    return parser


def parse_settings(
    settings_type: type[Settings], arguments: Sequence[str], description: str = ""
) -> Settings:
    """The settings that `arguments` (and a ``--config`` among them) give.

    Raises:
        InputError: a flag, key or value does not fit; for an unknown one the nearest is named.
    """
    parser = settings_parser(settings_type, description)
    try:
        parsed = parser.parse_args(list(arguments))
        parsed.pop("config", None)
        values = parser.instantiate(parsed)
        return settings_type(**dict(vars(values)))
    except (ArgumentError, InputError, TypeError) as error:
        # An InputError comes from settings that refuse a value themselves.
        text = str(error) if isinstance(error, InputError) else _explain(str(error), settings_type)
        config = _config_file(arguments)
        named = config is None or config in text
        raise InputError(text if named else f"{config}: {text}") from error


def run_tool(
    main: Callable[[Settings], None],
    settings_type: type[Settings],
    description: str,
    arguments: Sequence[str] | None = None,
) -> None:
    """Parse the command line, call `main` with the settings, leave with the right exit code."""
    given = [_underscored(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    debug = "--debug" in given
    keep_freed_memory()
    try:
        with _termination_as_interrupt():
            main(
                parse_settings(
                    settings_type, [word for word in given if word != "--debug"], description
                )
            )
    except KeyboardInterrupt:
        _leave("interrupted", 130, debug)
    except (InputError, FileNotFoundError) as error:
        _leave(str(error), USER_ERROR, debug)
    except OSError as error:
        if error.errno not in MENDABLE:
            _leave(f"{type(error).__name__}: {error}", RUN_FAILED, debug)
        _leave(f"{error.filename or 'output'}: {error.strerror}", USER_ERROR, debug)
    except Exception as error:
        _leave(f"{type(error).__name__}: {error}", RUN_FAILED, debug)


def _underscored(word: str) -> str:
    """A flag spelled as its field: --shard-id is --shard_id."""
    if not word.startswith("--"):
        return word
    flag, equals, value = word.partition("=")
    return f"--{flag[2:].replace('-', '_')}{equals}{value}"


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """A request to stop (SIGTERM) ends the run as Ctrl-C does, so that nothing half done stays."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # only there may it be set
        yield
        return
    earlier = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


def _leave(message: str, code: int, debug: bool) -> None:
    if debug:
        traceback.print_exc()
    sys.stderr.write(f"error: {' '.join(message.split())}\n")
    sys.exit(code)


def _config_file(arguments: Sequence[str]) -> str | None:
    """The last file given with ``--config FILE`` or ``--config=FILE``."""
    words = [part for word in arguments for part in re.split(r"(?<=^--config)=", word, maxsplit=1)]
    places = [place for place, word in enumerate(words[:-1]) if word == "--config"]
    return words[places[-1] + 1] if places else None


def _explain(message: str, settings_type: type[Any]) -> str:
    """The parser's message on one line, with the nearest known name for an unknown one."""
    text = " ".join(message.split())
    unknown = re.search(
        r"unrecognized arguments: --(?P<flag>[\w.]+)"
        r"|(?:Group '(?P<group>[\w.]+)' does not accept option|Option) '(?P<key>[\w.]+)'",
        text,
    )
    if not unknown:
        return text
    name = unknown["flag"] or ".".join(filter(None, (unknown["group"], unknown["key"])))
    element = re.search(r"class_path '[\w.]*?(\w+)'", text)  # the key of one element of a list
    known = list(_names(settings_type, within=element[1] if element else None))
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return text + (f"; did you mean {near[0]}?" if near else "")


def _names(settings_type: type[Any], *, within: str | None, prefix: str = "") -> Iterator[str]:
    """The dotted names of all settings, or those of the class `within` alone."""
    hints = get_type_hints(settings_type)
    for field in dataclasses.fields(settings_type):
        if within in (None, settings_type.__name__):
            yield f"{prefix}{field.name}" if within is None else field.name
        for inner in (hints[field.name], *get_args(hints[field.name])):
            if isinstance(inner, type) and dataclasses.is_dataclass(inner):
                yield from _names(inner, within=within, prefix=f"{prefix}{field.name}.")
