"""Modules import without what they promise not to need."""

import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TORCH_FREE = ("core", "formats", "vidln", "metrics", "simulation")

# Slow to import, so imported inside the functions that need them.
HEAVY = ("spacy", "transformers")

# A None in sys.modules makes the import fail as if the package were not installed. Arguments:
# the blocked names, then the packages whose modules are all imported. Prints each module's name.
IMPORT_EVERYTHING = """
import importlib, pkgutil, sys
blocked, packages = (argument.split(",") for argument in sys.argv[1:])
sys.modules.update(dict.fromkeys(blocked))
for name in packages:
    package = importlib.import_module(name)
    print(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        importlib.import_module(module.name)
        print(module.name)
"""


def import_everything(packages: list[str], without: list[str], checkout: Path) -> list[str]:
    result = subprocess.run(
        [sys.executable, "-c", IMPORT_EVERYTHING, ",".join(without), ",".join(packages)],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def module_files(package: str, checkout: Path) -> set[str]:
    """Module names of a package, from its files."""
    names = set()
    for file in (checkout / package.replace(".", "/")).rglob("*.py"):
        parts = file.relative_to(checkout).with_suffix("").parts
        names.add(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return names


def optional_import_names(checkout: Path) -> list[str]:
    """Top-level import names of what only the extras install.

    Not of "annotate": its web framework is the base of the module that serves the pages.
    """
    project = tomllib.loads((checkout / "pyproject.toml").read_text())["project"]
    required = {canonicalize_name(Requirement(line).name) for line in project["dependencies"]}
    optional = {
        canonicalize_name(Requirement(line).name)
        for extra, lines in project["optional-dependencies"].items()
        for line in lines
        if extra != "annotate"
    }
    return [
        name
        for name, distributions in packages_distributions().items()
        if {canonicalize_name(d) for d in distributions} <= optional - required
    ]


@pytest.mark.parametrize("subpackage", TORCH_FREE)
def test_subpackage_imports_without_torch(subpackage: str, checkout: Path) -> None:
    if not (checkout / "pointvos" / subpackage / "__init__.py").is_file():
        pytest.skip(f"pointvos.{subpackage} is not part of this version")
    package = f"pointvos.{subpackage}"

    imported = import_everything([package], ["torch", "accelerate", *HEAVY], checkout)

    assert set(imported) == module_files(package, checkout)


def test_every_module_imports_without_extras_and_heavy_libraries(checkout: Path) -> None:
    without = optional_import_names(checkout)
    assert {"pytest", "hypothesis", "matplotlib"} <= set(without)

    imported = import_everything(["pointvos", "vng"], [*without, *HEAVY], checkout)

    assert set(imported) == module_files("pointvos", checkout) | module_files("vng", checkout)


def test_the_blocker_blocks(checkout: Path) -> None:
    with pytest.raises(AssertionError, match="torch"):
        import_everything(["torch"], ["torch"], checkout)
