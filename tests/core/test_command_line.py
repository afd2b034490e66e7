"""Settings from flags and files, the nearest name for a wrong one, and exit codes."""

import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import pytest

from pointvos.core.command_line import parse_settings, run_tool
from pointvos.core.errors import InputError

CHECKOUT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, kw_only=True)
class Inner:
    """Inner settings."""

    strength: float = 0.5
    """How strong."""
    sizes: tuple[int, ...] = (1, 2)
    """Which sizes."""


@dataclass(frozen=True, kw_only=True)
class Item:
    """One of a list."""

    root: Path
    """Where."""
    repeats: int = 1
    """How often."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All settings."""

    output: Path
    """Where to."""
    inner: Inner = Inner(strength=2.0, sizes=(7,))
    """Inner ones."""
    parts: list[Item] = field(default_factory=list)
    """Several."""
    mode: Literal["fast", "slow"] = "fast"
    """Which."""
    limit: int | None = None
    """At most."""

    def __post_init__(self) -> None:
        """Refuse a limit of zero."""
        if self.limit == 0:
            raise InputError("limit: expected at least 1, found 0")


def parse(*arguments: str) -> Settings:
    return parse_settings(Settings, list(arguments))


def yaml(folder: Path, text: str) -> Path:
    path = folder / "run.yaml"
    path.write_text(text)
    return path


def refused(*arguments: str) -> str:
    with pytest.raises(InputError) as caught:
        parse(*arguments)
    (line,) = str(caught.value).splitlines()
    return line


def test_flags() -> None:
    settings = parse(
        "--output", "out", "--inner.strength", "3", "--inner.sizes", "[4, 5]", "--mode", "slow",
        "--parts", "[{root: a}, {root: b, repeats: 5}]", "--limit", "9",
    )  # fmt: skip
    assert settings == Settings(
        output=Path("out"),
        inner=Inner(strength=3.0, sizes=(4, 5)),
        parts=[Item(root=Path("a")), Item(root=Path("b"), repeats=5)],
        mode="slow",
        limit=9,
    )


@dataclass(frozen=True, kw_only=True)
class Stop:
    """When to stop."""

    stop_after: int = 0
    """Steps."""
    part_name: str = ""
    """Text."""


def test_a_flag_may_be_spelled_with_hyphens() -> None:
    seen: list[Stop] = []
    run_tool(seen.append, Stop, "", ["--stop-after=7", "--part-name", "a-b", "--debug"])
    run_tool(seen.append, Stop, "", ["--stop_after", "-3", "--part-name=--a-b=c"])
    assert seen == [
        Stop(stop_after=7, part_name="a-b"),
        Stop(stop_after=-3, part_name="--a-b=c"),
    ]


def test_a_file_and_flags_over_it(tmp_path: Path) -> None:
    path = yaml(tmp_path, "output: there\ninner:\n  strength: 9\nlimit: 3\n")
    settings = parse("--config", str(path), "--limit", "4")
    assert (settings.output, settings.limit) == (Path("there"), 4)
    assert settings.inner == Inner(strength=9.0, sizes=(7,))  # the rest is the default's


@pytest.mark.parametrize("form", ["--config {}", "--config={}"])
@pytest.mark.parametrize(
    ("text", "near"),
    [
        ("output: o\nlimt: 3\n", "limit"),
        ("output: o\ninner:\n  strenght: 3\n", "inner.strength"),
        ("output: o\nparts:\n- root: a\n  repeat: 3\n", "repeats"),
        ("output: o\nprts: []\n", "parts"),
    ],
)
def test_an_unknown_key_of_a_file(tmp_path: Path, form: str, text: str, near: str) -> None:
    path = yaml(tmp_path, text)
    line = refused(*form.format(path).split(" "))
    assert line.startswith(f"{path}: ")
    assert line.endswith(f"; did you mean {near}?")


@pytest.mark.parametrize(
    ("flag", "near"), [("--inner.strengh", "inner.strength"), ("--outptu", "output")]
)
def test_an_unknown_flag(flag: str, near: str) -> None:
    assert refused("--output", "o", flag, "1").endswith(f"; did you mean {near}?")


def test_a_name_that_is_like_no_other_gets_no_suggestion(tmp_path: Path) -> None:
    assert "did you mean" not in refused("--output", "o", "--xyzzy", "1")


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["--output", "o", "--limit", "x"], ["limit", "x"]),
        (["--output", "o", "--mode", "medium"], ["mode", "fast", "medium"]),
        ([], ["output"]),
        (["--output", "o", "--parts", "[{repeats: 3}]"], ["parts", "root"]),
        (["--output", "o", "--limit", "0"], ["limit: expected at least 1, found 0"]),
        (["--config", "none.yaml"], ["none.yaml"]),
    ],
)
def test_wrong_values_are_named_in_one_line(arguments: list[str], parts: list[str]) -> None:
    line = refused(*arguments)
    assert all(part in line for part in parts), line


def test_settings_that_refuse_a_value_name_the_file(tmp_path: Path) -> None:
    path = yaml(tmp_path, "output: o\nlimit: 0\n")
    assert refused("--config", str(path)) == f"{path}: limit: expected at least 1, found 0"


def test_broken_yaml_names_the_file(tmp_path: Path) -> None:
    path = yaml(tmp_path, "output: [o\nlimit: 3\n")
    assert refused("--config", str(path)).startswith(f"{path}: ")


def outcome(
    capsys: pytest.CaptureFixture[str], error: BaseException, *more: str
) -> tuple[int, str]:
    def main(settings: Settings) -> None:
        raise error

    with pytest.raises(SystemExit) as end:
        run_tool(main, Settings, "", ["--output", "o", *more])
    assert isinstance(end.value.code, int)
    return end.value.code, capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (InputError("a.png: expected x,\nfound y"), 2, "error: a.png: expected x, found y"),
        (FileNotFoundError("a.png: expected a file"), 2, "error: a.png: expected a file"),
        (
            RuntimeError("step 3: the loss is nan"),
            1,
            "error: RuntimeError: step 3: the loss is nan",
        ),
        (KeyboardInterrupt(), 130, "error: interrupted"),
    ],
)
def test_exit_codes(
    capsys: pytest.CaptureFixture[str], error: BaseException, code: int, line: str
) -> None:
    assert outcome(capsys, error) == (code, f"{line}\n")


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = outcome(capsys, InputError("bad"), "--debug")
    assert code == 2
    assert text.startswith("Traceback (most recent call last)")
    assert text.endswith("error: bad\n")


def test_a_tool_gets_its_settings() -> None:
    seen: list[Settings] = []
    run_tool(seen.append, Settings, "", ["--output", "o"])
    assert seen == [Settings(output=Path("o"))]


def test_wrong_flags_end_with_two(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run_tool(lambda settings: None, Settings, "", ["--otput", "o"])
    assert end.value.code == 2
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_help_documents_every_setting(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        run_tool(lambda settings: None, Settings, "What it does.", ["--help"])
    assert end.value.code == 0
    text = capsys.readouterr().out
    for part in (
        "What it does.",
        "--debug",
        "--config",
        "How strong.",
        "--inner.sizes",
        "At most.",
    ):
        assert part in text


def test_the_printed_run_can_be_read_back(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--output", "o", "--inner.strength", "4", "--parts", "[{root: a}]"]
    with pytest.raises(SystemExit) as end:
        parse_settings(Settings, [*arguments, "--print_config"])
    assert end.value.code == 0
    path = yaml(tmp_path, capsys.readouterr().out)
    assert parse("--config", str(path)) == parse(*arguments)


def test_a_request_to_stop_ends_a_tool_cleanly(tmp_path: Path) -> None:
    script = tmp_path / "tool.py"
    script.write_text(
        "import time\n"
        "from dataclasses import dataclass\n"
        "from pointvos.core.command_line import run_tool\n"
        "@dataclass(frozen=True)\n"
        "class Settings:\n"
        "    name: str = 'x'\n"
        "def main(settings):\n"
        "    print('started', flush=True)\n"
        "    time.sleep(60)\n"
        "run_tool(main, Settings, '', [])\n"
    )
    tool = subprocess.Popen(
        [sys.executable, script],
        env={"PYTHONPATH": str(CHECKOUT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert tool.stdout is not None
    assert tool.stdout.readline() == "started\n"
    tool.send_signal(signal.SIGTERM)
    _, error = tool.communicate(timeout=30)
    assert (tool.returncode, error) == (130, "error: interrupted\n")
