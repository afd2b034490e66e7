"""The mask datasets by name."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from pointvos.core.errors import InputError
from pointvos.formats.coco_panoptic import read_coco_panoptic
from pointvos.formats.davis import read_davis
from pointvos.formats.mask_store_dataset import read_mask_store
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.static_images import read_static_images
from pointvos.formats.youtube_vos import read_youtube_vos


class DatasetReader(Protocol):
    """Reads one split of a dataset from its folder."""

    def __call__(
        self,
        root: str | Path,
        split: str,
        *,
        videos: Sequence[str] | None = None,
        masks_only: bool = False,
    ) -> list[MaskedVideo]:
        """The videos of the split; see `read_davis`."""


# A new dataset is a function of this signature and a row here.
DATASETS: dict[str, DatasetReader] = {
    "davis": read_davis,
    "youtube_vos": read_youtube_vos,
    "static": read_static_images,
    "coco_panoptic": read_coco_panoptic,
    "mask_store": read_mask_store,
}


def open_dataset(
    dataset: str,
    root: str | Path,
    split: str,
    *,
    videos: Sequence[str] | None = None,
    masks_only: bool = False,
) -> list[MaskedVideo]:
    """The videos of one split of a dataset.

    Args:
        dataset: a key of `DATASETS`.
        root: the folder of the dataset.
        split: "train", "val", ...; for DAVIS "2016/val" chooses the year.
        videos: keep only these.
        masks_only: do not look at the frames (scoring needs none).

    Raises:
        FileNotFoundError: a folder or list is missing.
        InputError: the dataset is unknown or its files are not as expected.
    """
    if dataset not in DATASETS:
        near = difflib.get_close_matches(dataset, DATASETS, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"dataset: expected {' or '.join(DATASETS)}, found {dataset!r}{hint}")
    return DATASETS[dataset](root, split, videos=videos, masks_only=masks_only)
