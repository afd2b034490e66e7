"""The training data of a run from its settings."""

from __future__ import annotations

from pointvos.training.loop import OpenedSamples
from vng.data.dataset import NarratedDataset
from vng.training.settings import VngSettings
from vng.training.sources import open_source


def open_samples(settings: VngSettings, *, samples: int) -> OpenedSamples:
    """The mixture of a run.

    Args:
        settings: of the run.
        samples: the length of the whole run over all processes.

    Raises:
        FileNotFoundError: a folder or file is missing.
        InputError: a data set is empty or damaged, or too many of its videos cannot be used.
    """
    cache_mb = settings.cache_mb / len(settings.data) / max(1, settings.workers)
    readers, left_out = [], {}
    for source in settings.data:
        reader, without = open_source(source, cache_mb)
        readers.append((reader, source.repeats))
        left_out[without.source] = without.reasons
    dataset = NarratedDataset(readers, settings.clips, samples=samples, seed=settings.seed)
    return OpenedSamples(dataset, len(dataset.items), left_out)
