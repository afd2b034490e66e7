"""Batches for the loop, prepared by worker processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import cv2
from torch.utils.data import DataLoader, Dataset

from pointvos.core.errors import InputError

# What a user can mend. A worker hands it over as a value: torch would wrap it in a traceback, and
# the one line that names the video would drown.
UserError = InputError | FileNotFoundError


class Samples(Protocol):
    """Sample number -> sample, for a whole run; a sample depends on its number alone."""

    def __len__(self) -> int:
        """The number of samples of the run."""

    def __getitem__(self, number: int) -> Any:
        """The sample of a number."""


class SamplesFrom(Dataset[Any]):
    """The samples of a run from a number on.

    A sample depends on its number alone, so resuming is starting at a later one.
    """

    def __init__(self, samples: Samples, first: int) -> None:
        self.samples = samples
        self.first = first

    def __len__(self) -> int:
        """How many samples are left."""
        return len(self.samples) - self.first

    def __getitem__(self, place: int) -> Any:
        """The sample, or the `UserError` why there is none."""
        try:
            return self.samples[self.first + place]
        except (InputError, FileNotFoundError) as error:
            return error


class Collate:
    """Samples to a batch, or the first error among them."""

    def __init__(self, collate: Callable[[Sequence[Any]], Any]) -> None:
        self.collate = collate

    def __call__(self, samples: Sequence[Any]) -> Any:
        """The batch, or the `UserError` why there is none."""
        for sample in samples:
            if isinstance(sample, Exception):
                return sample
        return self.collate(samples)


def make_loader(
    samples: Samples,
    collate: Callable[[Sequence[Any]], Any],
    *,
    first: int,
    batch_size: int,
    workers: int,
) -> DataLoader[Any]:
    """Batches of the samples from number `first` on, in order.

    OpenCV is set to one thread, here and so in the workers: the cores belong to the training, and a
    worker forked off a process whose OpenCV has threads waits for them for ever.
    """
    cv2.setNumThreads(1)
    return DataLoader(
        SamplesFrom(samples, first),
        batch_size=batch_size,
        collate_fn=Collate(collate),
        num_workers=workers,
        persistent_workers=workers > 0,
    )


def batches_of(loader: DataLoader[Any]) -> Iterator[Any]:
    """The batches of a loader.

    Raises:
        InputError: a video cannot give a sample; the message names it.
        FileNotFoundError: a file of a video is gone.
    """
    for batch in loader:
        if isinstance(batch, Exception):
            raise batch
        yield batch
