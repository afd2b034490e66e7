"""Which weights a backend's settings stand for, so that masks of different ones are not mixed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from importlib import resources
from pathlib import Path

from pointvos.inference.models import PACKAGED as PACKAGED_MODELS
from pointvos.pseudomask.builders import MaskBackendSettings
from pointvos.pseudomask.interactive_weights import DEFAULT
from pointvos.pseudomask.interactive_weights import PACKAGED as PACKAGED_SEGMENTERS

# Kind -> packaged weights by name, and the name that an empty path stands for.
_PACKAGED: dict[str, tuple[Mapping[str, str], str]] = {
    "interactive": (PACKAGED_SEGMENTERS, DEFAULT),
    "stcn": (PACKAGED_MODELS, "stcn-lite"),
}
_CHUNK = 1 << 20


def weights_sha256(settings: MaskBackendSettings) -> str:
    """A digest of the weights; empty where there are none, or none on disk under a plain path.

    Of a folder it is over the names and contents of all files in it.
    """
    digest = hashlib.sha256()
    files = list(_files(settings))
    for name, path in files:
        if len(files) > 1:
            digest.update(name.encode())
        with path.open("rb") as file:
            while block := file.read(_CHUNK):
                digest.update(block)
    return digest.hexdigest() if files else ""


def _files(settings: MaskBackendSettings) -> Iterator[tuple[str, Path]]:
    packaged, default = _PACKAGED.get(settings.kind, ({}, ""))
    name = settings.path or default
    path = Path(name)
    if name in packaged:
        path = Path(str(resources.files("pointvos") / "weights" / packaged[name]))
    if path.is_file():
        yield path.name, path
    elif name and path.is_dir():
        for file in sorted(path.rglob("*")):
            if file.is_file():
                yield str(file.relative_to(path)), file
