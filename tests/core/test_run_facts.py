"""What a run says of itself."""

import json
import mmap
import time
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np

from pointvos.core.run_facts import RunFacts, peak_memory_mb, plain, resident_memory_mb


class Color(Enum):
    RED = 1


@dataclass(frozen=True)
class Inner:
    path: Path = Path("a/b")
    counts: tuple[int, ...] = (1, 2)


@dataclass(frozen=True)
class Settings:
    inner: Inner
    color: Color = Color.RED
    limit: float | None = None
    flag: bool = True


def test_settings_become_plain_values() -> None:
    assert plain(Settings(Inner())) == {
        "inner": {"path": "a/b", "counts": [1, 2]},
        "color": "Color.RED",
        "limit": None,
        "flag": True,
    }
    assert plain({3: [Path("x")]}) == {"3": ["x"]}


def test_facts_are_json_with_seconds_memory_and_versions() -> None:
    facts = RunFacts(Settings(Inner()))
    time.sleep(0.02)
    found = json.loads(json.dumps(facts.as_dict()))
    assert found["settings"]["inner"]["path"] == "a/b"
    assert 0.02 <= found["seconds"] < 5
    assert found["versions"]["numpy"] == np.__version__
    assert set(found["versions"]) >= {"python", "torch"}
    assert found["processors"] >= 1
    assert found["peak_memory_mb"] > 10


def test_memory_is_counted_in_megabytes() -> None:
    before = resident_memory_mb()
    block = mmap.mmap(-1, 100_000_000)  # past the allocator, which may have as much to spare
    for _ in range(100):  # not at once: 100 MB more, which the allocator may keep
        block.write(b"1" * 1_000_000)
    grown = resident_memory_mb() - before
    assert 90 < grown < 150
    assert peak_memory_mb() >= before + 90
    assert block[-1] == ord("1")
