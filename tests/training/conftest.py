"""A network that trains in milliseconds, under the name of the small one."""

import pytest

from pointvos.nn.builders import BUILDERS
from tests.tiny_network import tiny_stcn


@pytest.fixture
def tiny_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``model: stcn_lite`` build a toy."""
    monkeypatch.setitem(BUILDERS, "stcn_lite", tiny_stcn)
