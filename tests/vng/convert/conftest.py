"""The pipeline is loaded once: that takes seconds."""

import pytest

from pointvos.vidln.nouns import NounFinder


@pytest.fixture(scope="session")
def finder() -> NounFinder:
    return NounFinder()
