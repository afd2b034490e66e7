"""Point sets, masks and panoptic images as datasets of detectron2.

detectron2 has no release that could be depended on: whoever uses this has installed it from its
source. It is imported when `register` is called, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pointvos.core.errors import InputError
from pointvos.interop.dataset_dicts import DictSource
from pointvos.interop.mask_sets import MaskSet
from pointvos.interop.panoptic_images import PanopticImages
from pointvos.interop.point_sets import PointSet

__all__ = ["MaskSet", "PanopticImages", "PointSet", "register"]

# Its build needs the torch that is installed, which pip otherwise hides from it.
INSTALL = (
    "pip install --no-build-isolation 'git+https://github.com/facebookresearch/detectron2.git'"
)


def register(name: str, source: DictSource) -> None:
    """Put annotations into detectron2's DatasetCatalog and MetadataCatalog.

    Nothing is read until detectron2 asks for the dataset. Then the MetadataCatalog also gets
    ``pointvos_counts``: how much was taken, and what was left out.

    Args:
        name: what ``cfg.DATASETS.TRAIN`` calls the dataset.
        source: a `PointSet`, `MaskSet` or `PanopticImages`.

    Raises:
        InputError: detectron2 is not installed or cannot be imported; the name is taken; the
            categories are no names.
    """
    datasets, metadata, box_mode = _detectron2()
    if name in datasets.list():
        raise InputError(
            f"{name}: expected a name that is not registered yet, found it in the DatasetCatalog"
        )
    _describe(metadata, name, source.known_metadata())
    datasets.register(name, partial(_read, name, source, metadata, box_mode))


def _read(name: str, source: DictSource, metadata: Any, box_mode: int) -> list[dict[str, Any]]:
    """What the DatasetCatalog calls."""
    found = source.read(box_mode)
    _describe(metadata, name, found.metadata)
    return found.dicts


def _describe(catalog: Any, name: str, values: Mapping[str, Any]) -> None:
    """Set metadata, which detectron2 does not let change.

    Raises:
        InputError: something else is known of a dataset of this name.
    """
    entry = catalog.get(name)
    for key, value in values.items():
        known = getattr(entry, key, value)
        if known != value:
            raise InputError(
                f"{name}: expected the {key} that the MetadataCatalog holds, {known!r:.80}, found "
                f"{value!r:.80}; the files have changed, or the name was used before: choose "
                f"another, or call MetadataCatalog.remove({name!r})"
            )
    entry.set(**values)


def _detectron2() -> tuple[Any, Any, int]:
    """DatasetCatalog, MetadataCatalog and the mode of our boxes.

    Raises:
        InputError: detectron2 cannot be imported.
    """
    try:
        from detectron2.data import DatasetCatalog, MetadataCatalog
        from detectron2.structures import BoxMode
    except ImportError as error:  # also where its compiled part was built for another torch
        found = str(error).partition("\n")[0]
        raise InputError(
            f"detectron2: expected it to be installed, found: {found}; install it with {INSTALL}"
        ) from error
    return DatasetCatalog, MetadataCatalog, BoxMode.XYXY_ABS
