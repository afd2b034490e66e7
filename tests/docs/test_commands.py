"""Every command that a page shows is one that its tool understands; links lead somewhere.

A command is parsed by the settings of its tool, so a flag that was renamed or a value of another
type fails here, with the page and the line.
"""

import re
from pathlib import Path

import pytest

from pointvos.core.command_line import run_tool, settings_parser
from tests.docs.code_blocks import (
    CHECKOUT,
    TOOLS,
    Command,
    commands_of_config,
    commands_of_page,
    shown_files,
    tool_parts,
    tool_words,
    unseen_commands,
)

PAGES = [CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md", *sorted(CHECKOUT.glob("docs/*.md"))]
CARDS = sorted(CHECKOUT.glob("*/weights/*.md"))
CONFIGS = sorted(CHECKOUT.rglob("configs/**/*.yaml"))
COMMANDS = [command for page in PAGES for command in commands_of_page(page)] + [
    command for config in CONFIGS for command in commands_of_config(config)
]


def understood(command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The settings that a command gives; configs are those of the checkout or shown by the page."""
    assert command.tool in TOOLS, f"{command.where}: there is no tools/{command.tool}.py"
    (folder / "configs").symlink_to(CHECKOUT / "configs")
    page = CHECKOUT / command.where.rpartition(":")[0]
    for name, text in shown_files(page.read_text(encoding="utf-8")).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.chdir(folder)
    given: list[object] = []
    _, settings_type = tool_parts(command.tool)
    run_tool(given.append, settings_type, "", tool_words(command))
    return given


def test_there_are_commands_to_check() -> None:
    assert len(COMMANDS) > 60
    assert {command.tool for command in COMMANDS} >= {"ground", "propagate", "train_vng"}


@pytest.mark.parametrize("command", COMMANDS, ids=str)
def test_a_command_is_understood(
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    try:
        assert understood(command, tmp_path, monkeypatch)
    except SystemExit:
        pytest.fail(f"{command.where}: {capsys.readouterr().err}")


@pytest.mark.parametrize("path", [*PAGES, *CONFIGS], ids=lambda path: path.name)
def test_no_command_goes_unseen(path: Path) -> None:
    assert not unseen_commands(path)


@pytest.mark.parametrize(
    ("line", "tool", "words"),
    [
        ("tools/a.py --x 1", "a", ("--x", "1")),
        ("$ python tools/a.py --x '{a: b}'  # two", "a", ("--x", "{a: b}")),
        ("accelerate launch --num_processes 8 tools/a.py --x \\\n  1", "a", ("--x", "1")),
        ("OMP_NUM_THREADS=1 torchrun --nproc_per_node 2 tools/a.py", "a", ()),
        (".venv/bin/python tools/a.py \\\n  --x \\\n 1", "a", ("--x", "1")),
    ],
)
def test_how_commands_are_found(line: str, tool: str, words: tuple[str, ...], tmp_path: Path):
    page = tmp_path / "page.md"
    page.write_text(f"Text: tools/b.py\n\n```\nfirst line\n{line}\n```\n")
    (command,) = commands_of_page(page)
    assert (command.where, command.tool, command.words) == ("page.md:5", tool, words)
    config = tmp_path / "run.yaml"
    config.write_text("".join(f"  # {part}\n" for part in line.splitlines()) + "a: b\n")
    (command,) = commands_of_config(config)
    assert (command.where, command.tool, command.words) == ("run.yaml:1", tool, words)


def test_a_command_that_is_not_recognised_is_told(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("```\nnice tools/a.py --x 1\n# of tools/b.py\n```\n")
    assert unseen_commands(page) == ["page.md:2: nice tools/a.py --x 1"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--video", "a", "--output", "b", "--pionts", "c"), "did you mean points"),
        (("--video", "a"), "output"),
        (("--config", "configs/none.yaml"), "configs/none.yaml"),
    ],
)
def test_a_wrong_command_is_found_out(
    words: tuple[str, ...],
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as refused:
        understood(Command("README.md:1", "propagate", words), tmp_path, monkeypatch)
    assert refused.value.code == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("page", [*PAGES, *CARDS], ids=lambda page: page.name)
def test_flags_in_the_text_of_a_page_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    for told in re.findall(r"`(?:[^`]*? )?tools/(\w+)\.py( [^`]*)?`", text):
        tool, rest = told
        assert tool in TOOLS, f"{page.name}: there is no tools/{tool}.py"
        parser = settings_parser(tool_parts(tool)[1], "")
        for flag in re.findall(r"--[\w.-]+", rest):
            known = f"--{flag[2:].replace('-', '_')}"
            assert known in parser._option_string_actions, f"{page.name}: {tool}.py has no {flag}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_targets_of_make_exist(page: Path) -> None:
    targets = re.findall(r"^([a-z-]+):", (CHECKOUT / "Makefile").read_text(), re.M)
    for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", page.read_text(), re.M):
        assert target in targets


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_exist(page: Path) -> None:
    """Those of the repository in code; weights are a matter of tests/docs/test_weights.py."""
    text = page.read_text(encoding="utf-8")
    top = "pointvos|vng|tests|tools|configs|docs|benchmarks|examples"
    for name in re.findall(rf"`((?:{top})/[\w./]+\.(?:py|md|yaml|json|js|css))`", text):
        assert (CHECKOUT / name).is_file(), f"{page.name}: there is no {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for link in _links(page):
        name, _, heading = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        assert target.exists(), f"{page.name}: there is no {link}"
        assert target.is_relative_to(CHECKOUT), f"{page.name}: {link} is outside of the repository"
        if heading:
            assert heading in _headings(target), f"{page.name}: no heading for {link}"


def test_every_page_is_linked() -> None:
    linked = {
        (page.parent / link.partition("#")[0]).resolve()
        for page in PAGES
        for link in _links(page)
        if not link.startswith("#") and (page.parent / link.partition("#")[0]).resolve() != page
    }
    alone = [page.name for page in PAGES if page.parent.name == "docs" and page not in linked]
    assert not alone, f"no page links to {alone}"


def _links(page: Path) -> list[str]:
    """The relative links and pictures of a page, those in code left out."""
    text = re.sub(
        r"^```.*?^```$|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.M | re.S
    )
    targets = re.findall(r"\]\(([^()\s]+)\)", text)
    return [target for target in targets if not re.match(r"[a-z]+:", target)]


def _headings(page: Path) -> set[str]:
    """What may stand behind "#": headings in lower case, hyphens for blanks, no punctuation."""
    lines = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", line.lower()).replace(" ", "-") for line in lines}
