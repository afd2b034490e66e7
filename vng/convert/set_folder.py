"""The output folder of a VNG set: what stands where.

::

    meta_expressions.json  videos, narratives and expressions, as published sets have them
    masks/                 mask store; object ids are the obj_id of expressions
    extra_masks.json       the same masks as published sets have them, if asked for
    set.json               what the set is: its name, dense or sparse, from what
    linking.jsonl          a line a record: its noun, or why it has none
    splits/                names of videos, if there are splits
    pseudo_masks/          masks of all objects, where a backend made them
    points.jsonl           records, where they were made from traces
    trace_counts.json      what became of the nouns then
    settings.json          a run with other settings is refused
    journal/               videos, while shards are at work
    results.json           written last
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pointvos.pseudomask.corpus_folder import CorpusFolder
from pointvos.pseudomask.mask_rule import ALL_POINTS


@dataclass(frozen=True)
class SetFolder:
    """The paths of a set.

    Attributes:
        root: the folder itself.
    """

    root: Path

    @property
    def job(self) -> CorpusFolder:
        """Settings, journal, locks and results, which are those of any corpus job."""
        return CorpusFolder(self.root)

    @property
    def masks(self) -> Path:
        """The mask store."""
        return self.job.store(ALL_POINTS)

    @property
    def expressions(self) -> Path:
        """Videos, narratives and expressions."""
        return self.root / "meta_expressions.json"

    @property
    def official_masks(self) -> Path:
        """The masks as JSON."""
        return self.root / "extra_masks.json"

    @property
    def declaration(self) -> Path:
        """What the set is."""
        return self.root / "set.json"

    @property
    def linking(self) -> Path:
        """A line a record."""
        return self.root / "linking.jsonl"

    @property
    def splits(self) -> Path:
        """Lists of videos."""
        return self.root / "splits"

    @property
    def points(self) -> Path:
        """Records made from traces."""
        return self.root / "points.jsonl"

    @property
    def trace_counts(self) -> Path:
        """What became of the nouns then; written when the records are whole."""
        return self.root / "trace_counts.json"

    @property
    def pseudo_masks(self) -> CorpusFolder:
        """Masks made by a backend, a job of its own."""
        return CorpusFolder(self.root / "pseudo_masks")
