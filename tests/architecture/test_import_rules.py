"""The import rules hold, and each of them notices a violation."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

# module that breaks a rule, what it says, the contract that must notice
VIOLATIONS = [
    ("pointvos/core/bad.py", "import pointvos.nn.net", "Layers of pointvos"),
    ("pointvos/metrics/bad.py", "from pointvos.nn import net", "Layers of pointvos"),
    ("pointvos/extra/bad.py", "", "Layers of pointvos"),
    ("vng/text/bad.py", "import vng.data", "Layers of vng"),
    ("pointvos/training/bad.py", "import vng", "vng stands on pointvos"),
    ("vng/data/bad.py", "import tools.propagate", "neither tools nor tests"),
    ("pointvos/losses/bad.py", "from pathlib import Path", "read no files"),
    ("vng/nn/bad.py", "from pointvos.core import jsonfile", "read no files"),
    ("pointvos/inference/bad.py", "import accelerate", "Only training imports accelerate"),
    ("vng/text/bad.py", "def f():\n    import spacy", "Only vidln.nouns imports spaCy"),
    ("pointvos/nn/bad.py", "import transformers", "import transformers"),
    ("pointvos/benchmark/bad.py", "import fastapi", "Only annotation.web"),
    ("pointvos/interop/bad.py", "import detectron2.data", "Only interop.detectron2"),
]

# what the rules allow, all at once
ALLOWED = {
    "pointvos/training/loop.py": "import accelerate\nimport pointvos.nn.net",
    "pointvos/vidln/nouns.py": "import spacy",
    "pointvos/nn/backbones/swin.py": "import transformers",
    "pointvos/pseudomask/sam2.py": "import transformers\nimport pointvos.inference",
    "pointvos/annotation/web/app.py": "import fastapi, uvicorn",
    "pointvos/interop/detectron2.py": "import detectron2.data\nimport pointvos.pseudomask.sam2",
    "vng/text/encoder.py": "import transformers",
    "vng/training/step.py": "import accelerate\nimport pointvos.training.loop",
}


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    script = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(script), "--no-logo", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def skeleton(tmp_path: Path, checkout: Path) -> Path:
    """A copy of the import rules over empty packages that have every layer."""
    shutil.copy(checkout / "pyproject.toml", tmp_path)
    rules = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["importlinter"]
    for contract in rules["contracts"]:
        for container in contract.get("containers", []):
            names = " | ".join(contract["layers"]).replace("(", "").replace(")", "").split(" | ")
            for name in names:
                write_module(tmp_path, f"{container}/{name}/__init__.py", "")
    for name in ("atomic", "command_line", "frames", "images", "jsonfile"):
        write_module(tmp_path, f"pointvos/core/{name}.py", "")
    write_module(tmp_path, "pointvos/nn/net.py", "")
    return tmp_path


def write_module(root: Path, path: str, text: str) -> None:
    """Writes a module and the __init__.py of the packages above it."""
    module = root / path
    module.parent.mkdir(parents=True, exist_ok=True)
    for package in module.relative_to(root).parents[:-1]:
        (root / package / "__init__.py").touch()
    module.write_text(text + "\n")


def test_the_packages_keep_the_import_rules(checkout: Path) -> None:
    result = lint_imports(checkout)

    assert result.returncode == 0, result.stdout + result.stderr


def test_the_rules_allow_what_they_should(skeleton: Path) -> None:
    for path, text in ALLOWED.items():
        write_module(skeleton, path, text)

    result = lint_imports(skeleton)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(("path", "text", "contract"), VIOLATIONS)
def test_a_violation_is_noticed(skeleton: Path, path: str, text: str, contract: str) -> None:
    write_module(skeleton, path, text)

    result = lint_imports(skeleton)

    broken = [line for line in result.stdout.splitlines() if "BROKEN" in line]
    assert result.returncode == 1, result.stdout + result.stderr
    assert any(contract in line for line in broken), broken
