"""Fixtures that find the real data and the reference vectors, or skip with a reason."""

import os
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[1]


def _folder_or_skip(variable: str, beside: str) -> Path:
    folder = Path(os.environ.get(variable) or CHECKOUT.parent / beside)
    if not folder.is_dir():
        pytest.skip(f"needs {folder}; set {variable} to where it is")
    return folder


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Real videos and annotations."""
    return _folder_or_skip("POINTVOS_DATA", "shared/data")


@pytest.fixture(scope="session")
def golden_dir() -> Path:
    """Reference vectors of the public implementations."""
    return _folder_or_skip("POINTVOS_GOLDEN", "shared/golden/public")
