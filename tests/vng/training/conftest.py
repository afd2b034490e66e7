"""Fixtures of trainings of RF-VNG."""

import pytest

from tests.vng.training.tiny_vng import use_generated_clips, use_tiny_network


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A toy network and generated clips under the names of the real ones."""
    use_tiny_network(monkeypatch)
    use_generated_clips(monkeypatch, varied=True)
