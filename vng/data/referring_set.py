"""Referring expressions (Ref-YouTube-VOS, Ref-DAVIS): whole sentences that mean an object each.

The published ``meta_expressions*.json``::

    {"videos": {<video>: {
        "frames": ["00000", ...],
        "expressions": {"0": {"exp": "a brown camel in the front", "obj_id": "1"}, ...}}}}

Each expression becomes a narrative of its own whose one noun is the whole sentence. Masks are those
of the data set that the videos are of, palette PNGs ``<masks>/<video>/<frame>.png``; frames without
a PNG are not annotated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.masks import MAX_OBJECT_ID, read_index_png
from pointvos.core.safe_names import safe_join
from vng.data.expressions import ActorNarrative, Expression, NarratedVideo, parse_video

SENTENCE = "exp"


@dataclass(frozen=True, eq=False)
class ReferringSet:
    """An opened set. PNGs are read when their masks are asked for; use `ReferringSet.open`.

    Attributes:
        path: of the expressions.
        videos: by name, in the order of the file.
        mask_root: holds a folder of PNGs a video.
        ids: name of a video -> the ids that its expressions have in the file.
        sparse: whether some listed frames have no PNG.
    """

    path: Path
    videos: dict[str, NarratedVideo]
    mask_root: Path
    ids: Mapping[str, tuple[str, ...]]
    sparse: bool

    @classmethod
    def open(cls, path: str | Path, masks: str | Path) -> ReferringSet:
        """Open a set.

        Args:
            path: of the expressions.
            masks: folder of PNGs, such as ``Annotations/480p`` of DAVIS.

        Raises:
            FileNotFoundError: a file or folder is missing, or the masks of a video.
            InputError: naming video and field: something is missing or of another type.
        """
        content = read_json(path, unique_keys=True)
        found = content.get("videos") if isinstance(content, dict) else None
        if not isinstance(found, dict) or not found:
            raise InputError(f'{path}: expected {{"videos": {{...}}}} with videos, found none')
        root = Path(masks)
        if not root.is_dir():
            raise FileNotFoundError(f"{root}: expected a folder of masks, found none")
        videos, ids, sparse = {}, {}, False
        for name, value in found.items():
            videos[name], ids[name] = _video(name, value, source=str(path))
            folder = safe_join(root, name, source=path)
            there = [(folder / f"{frame}.png").is_file() for frame in videos[name].frames]
            if not any(there):
                raise FileNotFoundError(
                    f"{folder}: expected masks of the frames of {name!r}, <frame>.png, found none"
                )
            sparse = sparse or not all(there)
        return cls(Path(path), videos, root, ids, sparse)

    def __iter__(self) -> Iterator[tuple[NarratedVideo, int, Expression]]:
        """Every expression with its video and its place in it."""
        for video in self.videos.values():
            for number, expression in enumerate(video.expressions):
                yield video, number, expression

    def has_masks(self, video: NarratedVideo, object_id: int) -> bool:
        """Whether the masks of the video show an object."""
        return any(mask is not None and mask.area for mask in self.masks(video, object_id))

    def masks(self, video: NarratedVideo, object_id: int) -> list[StoredMask | None]:
        """The masks of an object on the frames of its video.

        Raises:
            InputError: a PNG is damaged.
        """
        folder = safe_join(self.mask_root, video.name, source=self.path)
        masks: list[StoredMask | None] = []
        for frame in video.frames:
            file = folder / f"{frame}.png"
            mask = read_index_png(file) == object_id if file.is_file() else None
            masks.append(None if mask is None else StoredMask.from_mask(object_id, frame, mask))
        return masks


def _video(name: str, value: Any, *, source: str) -> tuple[NarratedVideo, tuple[str, ...]]:
    where = f"{source}: {name}"
    listed = value.get("expressions") if isinstance(value, dict) else None
    if not isinstance(listed, dict):
        raise InputError(f"{where}.expressions: expected expressions, found {listed!r:.60}")
    # Names and frames are checked as those of any set.
    bare = parse_video(name, {**value, "actor_narratives": [], "expressions": {}}, source=source)
    narratives, expressions = [], []
    for place, (key, item) in enumerate(listed.items()):
        sentence = item.get(SENTENCE) if isinstance(item, dict) else None
        if not isinstance(sentence, str) or not sentence.strip():
            raise InputError(
                f"{where}.expressions.{key}.{SENTENCE}: expected a sentence, found {sentence!r:.60}"
            )
        start = len(sentence) - len(sentence.lstrip())
        end = len(sentence.rstrip())
        narratives.append(ActorNarrative(place, "", sentence))
        expressions.append(
            Expression(
                place, start, end, _object_id(item.get("obj_id"), f"{where}.expressions.{key}")
            )
        )
    video = NarratedVideo(name, bare.frames, tuple(narratives), tuple(expressions))
    return video, tuple(listed)


def _object_id(value: Any, where: str) -> int:
    """As a number: files have it as text."""
    text = str(value) if isinstance(value, (int, str)) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text) <= MAX_OBJECT_ID:
        raise InputError(
            f"{where}.obj_id: expected the number of an object in the masks, 1 to {MAX_OBJECT_ID}, "
            f"found {value!r:.40}"
        )
    return int(text)
