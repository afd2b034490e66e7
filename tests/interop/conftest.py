"""A stand-in for detectron2."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

STAND_IN = Path(__file__).parent / "stand_in"


def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "detectron2"]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def detectron2(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """Its documented interface with empty catalogs, also where the real one is installed."""
    with monkeypatch.context() as patch:
        _forget(patch)
        patch.syspath_prepend(STAND_IN)
        import detectron2.data
        import detectron2.structures

        assert Path(detectron2.__file__).parent.parent == STAND_IN
        yield detectron2
        for name in ("detectron2", "detectron2.data", "detectron2.structures"):
            sys.modules.pop(name)
