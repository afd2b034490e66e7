"""A Video Narrative Grounding set: expressions with the masks of their objects.

A folder holds ``meta_expressions.json`` and the masks, in a mask store ``masks`` or in
``extra_masks.json``, or in both. The published sets (OVIS-VNG, UVO-VNG) leave most masks in the
annotation file of the data set that they are of: `original_masks`. The training annotations of OVIS
serve both of its splits.

Which frames are annotated is what the masks say: a frame of an object without a mask is not, and an
empty mask means that the object is absent. Whether a set is sparse is declared: by its
``set.json``, or by the ``ytid`` of UVO's videos.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.reader import MaskStore
from pointvos.core.mask_store.stored_mask import StoredMask, VideoMasks
from pointvos.formats.vng_masks import VngMasks
from vng.data.expressions import Expression, NarratedVideo, read_expressions

EXPRESSIONS = "meta_expressions.json"
EXTRA_MASKS = "extra_masks.json"
MASK_STORE = "masks"
DECLARATION = "set.json"


@dataclass(frozen=True, eq=False)
class VngSet:
    """An opened set. Masks are read when they are asked for; use `VngSet.open`.

    Attributes:
        folder: of the set.
        videos: by name, in the order of the file.
        files: mask files, the set's own first.
        store: the mask store, where there is one.
        sparse: whether only some frames are annotated.
    """

    folder: Path
    videos: dict[str, NarratedVideo]
    files: tuple[VngMasks, ...]
    store: MaskStore | None
    sparse: bool
    _latest: dict[str, VideoMasks] = field(default_factory=dict, init=False, repr=False)

    @classmethod
    def open(cls, folder: str | Path, *, original_masks: str | Path | None = None) -> VngSet:
        """Open a set.

        Args:
            folder: of the set.
            original_masks: the OVIS or UVO annotation file, for objects that the set's own masks
                do not hold.

        Raises:
            FileNotFoundError: the expressions, or all masks, are missing.
            InputError: a file is damaged, or an object is in both mask files.
        """
        root = Path(folder)
        videos = {video.name: video for video in read_expressions(root / EXPRESSIONS)}
        files = [VngMasks(root / EXTRA_MASKS)] if (root / EXTRA_MASKS).is_file() else []
        if original_masks is not None:
            files.append(VngMasks(original_masks))
        store = MaskStore.open(root / MASK_STORE) if (root / MASK_STORE).is_dir() else None
        if not files and store is None:
            raise FileNotFoundError(
                f"{root}: expected masks, in {MASK_STORE}/ or {EXTRA_MASKS} or given as original "
                "masks, found none"
            )
        if len(files) > 1 and (twice := files[0].objects.keys() & files[1].objects.keys()):
            raise InputError(
                f"{files[1].path}: expected other objects than in {files[0].path}, found "
                f"{min(twice)} and {len(twice) - 1} more in both"
            )
        sparse = _declared_sparse(root / DECLARATION, any(file.sparse for file in files))
        return cls(root, videos, tuple(files), store, sparse)

    def __iter__(self) -> Iterator[tuple[NarratedVideo, int, Expression]]:
        """Every expression with its video and its id in it."""
        for video in self.videos.values():
            for number, expression in enumerate(video.expressions):
                yield video, number, expression

    def has_masks(self, video: NarratedVideo, object_id: int) -> bool:
        """Whether a mask file or the store holds an object; `masks` refuses the others."""
        if any(object_id in file for file in self.files):
            return True
        if self.store is None or video.name not in self.store:
            return False
        return str(object_id) in self._stored(self.store, video.name).objects

    def masks(self, video: NarratedVideo, object_id: int) -> list[StoredMask | None]:
        """The masks of an object on the frames of its video.

        Returns:
            One for each frame: None where not annotated, empty where the object is absent.

        Raises:
            InputError: no mask file holds the object, or it is of another video or has masks on
                frames that the video does not have.
        """
        for file in self.files:
            if object_id in file:
                return _of_file(file, video, object_id)
        if self.store is not None and video.name in self.store:
            by_frame = self._stored(self.store, video.name).objects.get(str(object_id))
            if by_frame is not None:
                unknown = sorted(set(by_frame) - set(video.frames))
                if unknown:
                    raise InputError(
                        f"{self.store.folder}: {video.name}: expected masks on the frames of the "
                        f"video, found {unknown[0]!r} of object {object_id}"
                    )
                return [by_frame.get(frame) for frame in video.frames]
        places = [str(file.path) for file in self.files]
        if self.store is not None:
            places.append(str(self.store.folder))
        raise InputError(
            f"{self.folder / EXPRESSIONS}: {video.name}: expected masks of object {object_id} in "
            f"{' or '.join(places)}, found none"
        )

    def _stored(self, store: MaskStore, name: str) -> VideoMasks:
        """The masks of a video; the latest are kept, since objects are asked for singly."""
        found = self._latest.get(name)
        if found is None:
            found = store.read(name)
            self._latest.clear()
            self._latest[name] = found
        return found


def _of_file(file: VngMasks, video: NarratedVideo, object_id: int) -> list[StoredMask | None]:
    # The official evaluator matches by id alone: names differ between OVIS and its folders.
    try:
        return file.masks(object_id, frames=len(video.frames))
    except InputError as error:
        raise InputError(f"{video.name}: {error}") from error


def _declared_sparse(path: Path, by_files: bool) -> bool:
    if not path.is_file():
        return by_files
    content = read_json(path)
    frames = content.get("frames") if isinstance(content, dict) else None
    if frames not in ("dense", "sparse"):
        raise InputError(f"{path}: expected frames dense or sparse, found {frames!r:.40}")
    return bool(frames == "sparse")
