"""What is committed names no machine and no package registry, and stays small."""

import re
import subprocess
from pathlib import Path

import pytest

MAX_FILE_BYTES = 16 * 2**20

# Written so that no pattern matches its own text.
MACHINE_PATH = re.compile(r"(?<![\w.*~:/-])/(?:home|mnt|opt|root|Users|work)[/]\w|[A-Z]:[\\]Users")
REGISTRY_HOST = re.compile(
    r"pypi[.]org|pythonhosted[.]org|download[.]pytorch[.]org|npmjs[.]org"
    r"|(?:deb|security|snapshot)[.]debian[.]org|proxy[.]golang[.]org"
)


@pytest.fixture(scope="module")
def tracked_files(checkout: Path) -> list[Path]:
    """Every file that is committed, or would be by the next `git add`."""
    result = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        pytest.skip("not a git checkout")
    files = [checkout / name for name in result.stdout.split("\0") if name]
    return [file for file in files if file.is_file()]


def lines_matching(pattern: re.Pattern[str], files: list[Path]) -> list[str]:
    found = []
    for file in files:
        content = file.read_bytes()
        if b"\0" in content:  # binary
            continue
        for number, line in enumerate(content.decode("utf-8").splitlines(), start=1):
            if pattern.search(line):
                found.append(f"{file}:{number}: {line.strip()[:120]}")
    return found


def test_no_path_of_a_machine(tracked_files: list[Path]) -> None:
    assert lines_matching(MACHINE_PATH, tracked_files) == []


def test_no_package_registry(tracked_files: list[Path]) -> None:
    assert lines_matching(REGISTRY_HOST, tracked_files) == []


def test_no_large_file(tracked_files: list[Path]) -> None:
    sizes = {file: file.stat().st_size for file in tracked_files}

    assert {file: size for file, size in sizes.items() if size > MAX_FILE_BYTES} == {}


@pytest.mark.parametrize("folder", ["home", "root", "Users", "work", "opt"])
def test_a_machine_path_is_found(tmp_path: Path, folder: str) -> None:
    file = tmp_path / "notes.md"
    file.write_text(f"see ../{folder}/data and https://example.org/{folder}/x\nin /{folder}/data\n")

    assert lines_matching(MACHINE_PATH, [file]) == [f"{file}:2: in /{folder}/data"]


def test_a_registry_is_found(tmp_path: Path) -> None:
    file = tmp_path / "notes.md"
    file.write_text("https://" + ".".join(["files", "pythonhosted", "org"]) + "/packages\n")

    assert len(lines_matching(REGISTRY_HOST, [file])) == 1
