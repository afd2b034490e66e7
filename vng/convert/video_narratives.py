"""The narratives of a video by the name that Point-VOS gives it.

PV-Oops has "train/<name>" and "val/<name>" where the narratives have the dataset "oops_train" or
"oops_val" and the video "<name>".
"""

from __future__ import annotations

from pointvos.vidln.index import NarrativeIndex
from pointvos.vidln.narrative import Narrative


def narratives_of(video: str, index: NarrativeIndex) -> list[Narrative]:
    """All narratives of a video, in the order of the file; none if the file does not hold it.

    A video of exactly this name goes before one of the name without its first folder, which must
    be the dataset ("oops_train/...") or the end of its name ("train/...").

    Args:
        video: video_name of Point-VOS records.
        index: of the narratives.

    Raises:
        InputError: a line of the video is damaged.
    """
    exact = index.read(video)
    folder, _, name = video.partition("/")
    if exact or not name:
        return exact
    return [one for one in index.read(name) if _is_of(one.dataset_id, folder)]


def _is_of(dataset: str, folder: str) -> bool:
    return dataset == folder or dataset.lower().endswith(f"_{folder.lower()}")
