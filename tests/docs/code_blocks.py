"""What stands in the code blocks of a page: commands that start a tool, and files that it shows.

A block of Markdown is fenced by three backticks. Its first word is the language; a name behind it
is that of a file which the reader is to write.
"""

import inspect
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_type_hints

from tools.convert_masks import with_source

CHECKOUT = Path(__file__).resolve().parents[2]
TOOLS = sorted(path.stem for path in (CHECKOUT / "tools").glob("*.py"))

_FENCE = re.compile(r"^```(?P<language>\w*)[ ]*(?P<file>\S*)\n(?P<text>.*?)^```$", re.M | re.S)
# What may stand before a tool: a prompt, variables, an interpreter, a launcher with its own flags.
_COMMAND = re.compile(
    r"^(?:\$ )?(?:\w+=\S+ )*"
    r"(?:(?:\S*python3?|accelerate launch|torchrun)(?: .*?)?[ ])?"
    r"(?:\./)?tools/(?P<tool>\w+)\.py(?= |$)(?P<rest>.*)$"
)


@dataclass(frozen=True)
class Block:
    """A code block: its language, the file that it shows ("" for none), and its text."""

    language: str
    file: str
    text: str


@dataclass(frozen=True)
class Command:
    """One start of a tool: the page and line of it, the name of the tool, and its words."""

    where: str
    tool: str
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.where} {self.tool}"


def blocks_of(page: str) -> list[Block]:
    """The code blocks of a page of Markdown."""
    return [Block(one["language"], one["file"], one["text"]) for one in _FENCE.finditer(page)]


def shown_files(page: str) -> dict[str, str]:
    """The files that a page shows, by name."""
    return {block.file: block.text for block in blocks_of(page) if block.file}


def commands_of_page(path: Path) -> list[Command]:
    """All starts of tools in the code blocks of a page, with the lines where they stand."""
    return [one for one in _told(path, _lines_of_page(path)) if isinstance(one, Command)]


def commands_of_config(path: Path) -> list[Command]:
    """All starts of tools in the comments of a YAML file."""
    return [one for one in _told(path, _lines_of_config(path)) if isinstance(one, Command)]


def unseen_commands(path: Path) -> list[str]:
    """Lines of a page or YAML file that name a tool with flags and are no command to us."""
    lines = _lines_of_page(path) if path.suffix == ".md" else _lines_of_config(path)
    return [one for one in _told(path, lines) if isinstance(one, str)]


def tool_words(command: Command) -> list[str]:
    """The words of a command as the tool gives them to its settings."""
    words = list(command.words)
    return with_source(words) if command.tool == "convert_masks" else words


def _lines_of_page(path: Path) -> Iterator[tuple[int, str]]:
    page = path.read_text(encoding="utf-8")
    for block in _FENCE.finditer(page):
        first = page.count("\n", 0, block.start("text")) + 1
        yield from _joined(block["text"].splitlines(), first)


def _lines_of_config(path: Path) -> Iterator[tuple[int, str]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    comments = (re.match(r"\s*#\s*(.*)", line) for line in lines)
    return _joined([comment[1] if comment else "" for comment in comments], 1)


def _told(path: Path, lines: Iterator[tuple[int, str]]) -> Iterator[Command | str]:
    """Commands, and as text what looks like one and is none."""
    name = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path.name
    for number, text in lines:
        if told := _COMMAND.match(text):
            words = tuple(shlex.split(told["rest"], comments=True))
            yield Command(f"{name}:{number}", told["tool"], words)
        elif not text.startswith("#") and re.search(r"tools/\w+\.py +-", text):
            yield f"{name}:{number}: {text}"


def _joined(lines: list[str], first: int) -> Iterator[tuple[int, str]]:
    """Lines with those that continue them, and the number of the first of each."""
    held, since = "", first
    for number, line in enumerate(lines, first):
        since = since if held else number
        if line.endswith("\\"):
            held += f"{line.removesuffix(chr(92)).strip()} "
            continue
        yield since, held + line.strip()
        held = ""
    if held:
        yield since, held.strip()


def tool_parts(name: str) -> tuple[Callable[[Any], None], type[Any]]:
    """What a tool does with its settings, and the type of these."""
    module = import_module(f"tools.{name}")
    (parameter,) = inspect.signature(module.main).parameters
    return module.main, get_type_hints(module.main)[parameter]
