"""Batches for the loop, prepared by worker processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
from torch.utils.data import DataLoader, Dataset

from pointvos.core.errors import InputError
from pointvos.datasets.clips import ClipDataset
from pointvos.datasets.collate import VosBatch, collate_clips
from pointvos.datasets.samples import Clip

# What a user can mend. A worker hands it over as a value: torch would wrap it in a traceback, and
# the one line that names the video would drown.
UserError = InputError | FileNotFoundError


class SamplesFrom(Dataset[Clip | UserError]):
    """The samples of a run from a number on.

    A sample depends on its number alone, so resuming is starting at a later one.
    """

    def __init__(self, clips: ClipDataset, first: int) -> None:
        self.clips = clips
        self.first = first

    def __len__(self) -> int:
        """How many samples are left."""
        return len(self.clips) - self.first

    def __getitem__(self, place: int) -> Clip | UserError:
        """The sample, or why there is none."""
        try:
            return self.clips[self.first + place]
        except (InputError, FileNotFoundError) as error:
            return error


def make_loader(
    clips: ClipDataset, *, first: int, batch_size: int, workers: int
) -> DataLoader[Clip | UserError]:
    """Batches of the samples from number `first` on, in order.

    OpenCV is set to one thread, here and so in the workers: the cores belong to the training, and a
    worker forked off a process whose OpenCV has threads waits for them for ever.
    """
    cv2.setNumThreads(1)
    return DataLoader(
        SamplesFrom(clips, first),
        batch_size=batch_size,
        collate_fn=_collate,
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def batches_of(loader: DataLoader[Clip | UserError]) -> Iterator[VosBatch]:
    """The batches of a loader.

    Raises:
        InputError: a video cannot give a clip; the message names it.
        FileNotFoundError: a file of a video is gone.
    """
    for batch in loader:
        if isinstance(batch, Exception):
            raise batch
        yield batch


def _collate(samples: Sequence[Clip | UserError]) -> VosBatch | UserError:
    clips: list[Clip] = []
    for sample in samples:
        if isinstance(sample, Exception):
            return sample
        clips.append(sample)
    return collate_clips(clips)
