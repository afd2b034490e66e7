"""The released folders of PV-Oops and PV-Kinetics.

``<root>/Oops/{train,val}.json``, ``<root>/Kinetics/train.jsonl``, and extracted frames under
``<root>/<dataset>/<split>/JPEGImages/<question hash>/%06d.jpg``: one folder an object.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.frames import FolderFrames
from pointvos.core.safe_names import safe_join
from pointvos.formats.point_vos import PointVosRecord
from pointvos.formats.point_vos_files import SUFFIXES, iterate_records
from pointvos.formats.video_list import read_name_list


@dataclass(frozen=True, eq=False)
class ReleasedObject:
    """One object of the release: its record and the folder of its frames."""

    record: PointVosRecord
    frame_folder: Path

    @cached_property
    def frames(self) -> FolderFrames:
        """The frames of its video.

        Raises:
            InputError: the folder holds no images.
        """
        return FolderFrames(self.frame_folder)


class PointVosRelease:
    """One split of PV-Oops or PV-Kinetics, read record by record.

    Videos vanish from the places where they were published, so that some objects may have no
    frames. They are left out, counted in `missing`, and an error beyond `max_missing` of them.

    Attributes:
        path: the annotation file.
        missing: keys of the objects left out so far because they have no frames, or because the
            subset names them and the annotations do not.
        unnamed: keys of the records left out so far because their video_name is null.
    """

    def __init__(
        self,
        root: str | Path,
        dataset: str,
        split: str,
        *,
        subset: str | Path | None = None,
        max_missing: int = 0,
    ) -> None:
        """Find the files; nothing is read yet.

        Args:
            root: the folder that holds one folder a dataset.
            dataset: "Oops" or "Kinetics".
            split: "train" or "val".
            subset: a list of question hashes to keep (``oops_train_subset.txt``).
            max_missing: how many objects may be missing.

        Raises:
            FileNotFoundError: there is no annotation file, or no such subset.
            InputError: the subset lists nothing or a hash twice.
        """
        folder = safe_join(root, dataset, source="dataset")
        files = [safe_join(folder, f"{split}{suffix}", source="split") for suffix in SUFFIXES]
        present = [file for file in files if file.is_file()]
        if not present:
            raise FileNotFoundError(
                f"{files[0]}: expected annotations (.json or .jsonl), found none"
            )
        self.path = present[0]
        self.missing: list[str] = []
        self.unnamed: list[str] = []
        self._frames = safe_join(folder, f"{split}/JPEGImages", source="split")
        self._subset = None if subset is None else set(read_name_list(subset))
        self._max_missing = max_missing

    def __iter__(self) -> Iterator[ReleasedObject]:
        """Yield the objects that have frames, in the order of the file.

        Raises:
            InputError: the file is damaged, or more than `max_missing` objects are missing.
        """
        self.missing.clear()
        self.unnamed.clear()
        awaited = set(self._subset or ())
        for record in iterate_records(self.path):
            if self._subset is not None and record.key not in self._subset:
                continue
            awaited.discard(record.key)
            folder = safe_join(self._frames, record.key, source=self.path)
            if record.video_name is None:
                self.unnamed.append(record.key)
            elif folder.is_dir():
                yield ReleasedObject(record, folder)
            else:
                self._miss(record.key, f"the frames of {record.video_name} in {folder}")
        for key in sorted(awaited):
            self._miss(key, "the record that the subset names")

    def _miss(self, key: str, what: str) -> None:
        self.missing.append(key)
        if len(self.missing) > self._max_missing:
            raise InputError(
                f"{self.path}: {key}: expected {what}, found none; {len(self.missing)} objects are "
                f"missing, {self._max_missing} are allowed (max_missing)"
            )
