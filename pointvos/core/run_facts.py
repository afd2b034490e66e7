"""What a run says of itself in results.json: settings, versions, seconds, peak memory."""

from __future__ import annotations

import dataclasses
import os
import platform
import resource
import sys
import time
from importlib import metadata
from pathlib import Path
from typing import Any

PACKAGES = ("pointvos", "torch", "numpy", "opencv-python-headless", "av", "transformers")


def peak_memory_mb() -> float:
    """The largest resident memory of this process so far, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6  # macOS counts bytes, Linux KiB


def resident_memory_mb() -> float:
    """The resident memory of this process now, in MB; the peak where the system does not say."""
    statm = Path("/proc/self/statm")
    if not statm.exists():
        return peak_memory_mb()
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def plain(value: Any) -> Any:
    """Settings as JSON values: dataclasses become objects, paths and enums text."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [plain(item) for item in value]
    return value if isinstance(value, (bool, int, float, str, type(None))) else str(value)


class RunFacts:
    """Started at the start of a run; `as_dict` at its end goes into results.json."""

    def __init__(self, settings: Any) -> None:
        """Remember the settings and the time."""
        self._settings = settings
        self._start = time.perf_counter()

    def as_dict(self) -> dict[str, Any]:
        """Settings, versions, wall-clock seconds so far, peak memory in MB, processor count."""
        versions = {"python": platform.python_version()}
        for package in PACKAGES:
            try:
                versions[package] = metadata.version(package)
            except metadata.PackageNotFoundError:
                continue
        return {
            "settings": plain(self._settings),
            "versions": versions,
            "seconds": round(time.perf_counter() - self._start, 3),
            "peak_memory_mb": round(peak_memory_mb(), 1),
            "processors": os.cpu_count(),
        }
