"""What is installed, pinned and shipped agrees with pyproject.toml."""

import tomllib
from importlib.metadata import distributions, requires, version
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import pointvos

INSTALLED_EXTRAS = ("lite", "demo", "plots", "tracking", "dev")  # EXTRAS of the Makefile


@pytest.fixture(scope="module")
def project(checkout: Path) -> dict[str, Any]:
    return tomllib.loads((checkout / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def pins(checkout: Path) -> dict[str, str]:
    text = (checkout / "constraints.txt").read_text()
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return {canonicalize_name(name): pin for name, pin in (line.split("==") for line in lines)}


def test_the_makefile_installs_the_tested_extras(checkout: Path) -> None:
    assert f"EXTRAS := {','.join(INSTALLED_EXTRAS)}\n" in (checkout / "Makefile").read_text()


def test_every_tested_dependency_is_pinned_within_its_range(
    project: dict[str, Any], pins: dict[str, str]
) -> None:
    lines = list(project["dependencies"])
    for extra in INSTALLED_EXTRAS:
        lines += project["optional-dependencies"][extra]

    for requirement in map(Requirement, lines):
        pin = pins[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(pin), f"{requirement} but pinned to {pin}"


def test_what_runs_is_what_is_pinned(pins: dict[str, str]) -> None:
    # Not every platform needs every pin. A local part such as +cpu names a build of one version.
    installed = {canonicalize_name(d.name): Version(d.version).public for d in distributions()}
    pinned = {name: Version(pin).public for name, pin in pins.items() if name in installed}

    assert {"torch", "numpy", "opencv-python-headless", "pytest"} <= set(pinned)
    assert {name: installed[name] for name in pinned} == pinned


def test_optional_dependencies_stay_optional(project: dict[str, Any]) -> None:
    declared = [Requirement(line) for line in requires("pointvos") or []]
    always = {canonicalize_name(r.name) for r in declared if r.marker is None}

    assert always == {canonicalize_name(Requirement(d).name) for d in project["dependencies"]}


def test_the_version_is_the_installed_one() -> None:
    assert version("pointvos") == pointvos.__version__


@pytest.mark.parametrize("package", ["pointvos", "vng"])
def test_the_packages_are_typed(checkout: Path, package: str) -> None:
    assert (checkout / package / "py.typed").is_file()
