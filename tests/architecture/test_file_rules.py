"""Names and sizes of source files."""

import ast
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 60  # without the docstring
VAGUE_NAMES = {"utils", "util", "misc", "common", "helpers", "helper"}
SOURCE_FOLDERS = ("pointvos", "vng", "tools", "benchmarks")


def source_files(checkout: Path) -> list[Path]:
    return sorted(file for folder in SOURCE_FOLDERS for file in (checkout / folder).rglob("*.py"))


def function_lengths(source: str) -> Iterator[tuple[str, int]]:
    """Yields every function's name and its lines, the docstring not counted."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        lines = (node.end_lineno or node.lineno) - node.lineno + 1
        if ast.get_docstring(node) is not None:
            docstring = node.body[0]
            lines -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
        yield node.name, lines


def test_there_is_something_to_check(checkout: Path) -> None:
    assert checkout / "pointvos" / "core" / "points.py" in source_files(checkout)


def test_modules_are_named_after_what_they_hold(checkout: Path) -> None:
    vague = [file for file in source_files(checkout) if VAGUE_NAMES & {file.stem, file.parent.name}]

    assert vague == []


def test_files_are_short(checkout: Path) -> None:
    lengths = {file: len(file.read_text().splitlines()) for file in source_files(checkout)}

    assert {file: n for file, n in lengths.items() if n > MAX_FILE_LINES} == {}


def test_functions_are_short(checkout: Path) -> None:
    long = [
        f"{file.relative_to(checkout)}: {name} has {lines} lines"
        for file in source_files(checkout)
        for name, lines in function_lengths(file.read_text())
        if lines > MAX_FUNCTION_LINES
    ]

    assert long == []


def test_docstrings_do_not_count_as_function_lines() -> None:
    source = 'def f():\n    """One.\n\n    Two.\n    """\n    return 1\n'

    assert list(function_lengths(source)) == [("f", 2)]


def test_no_docstring_example_is_skipped(checkout: Path) -> None:
    skipped = [file for file in source_files(checkout) if "doctest: +SKIP" in file.read_text()]

    assert skipped == []
