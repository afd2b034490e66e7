"""COCO panoptic images, with their narratives where there are any, as dataset dicts.

``<split>/<image>.jpg``, ``annotations/panoptic_<split>.json`` and the PNGs of segments in
``annotations/panoptic_<split>/``. Things are annotations with masks, for instance segmentation;
things and stuff are ``segments_info`` beside ``pan_seg_file_name``, for panoptic segmentation.
COCO-PNG (Panoptic Narrative Grounding) adds captions whose words name segments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.safe_names import safe_join
from pointvos.formats.coco_panoptic import read_segment_ids
from pointvos.formats.coco_png import read_coco_png
from pointvos.interop.dataset_dicts import (
    COUNTS,
    DatasetDicts,
    box_of_mask,
    image_dict,
    mask_annotation,
)

IGNORE_LABEL = 255  # detectron2: what its own COCO panoptic sets say for pixels without a label


@dataclass(frozen=True, kw_only=True)
class PanopticImages:
    """One split of COCO panoptic annotations.

    Categories are numbered from 0, things first, each in the order of their COCO ids, so that a
    thing has one number as an instance and as a segment. ``image_id`` is COCO's.

    Attributes:
        root: holds ``annotations`` and the folders of images.
        split: ``train``, ``val``, or in full, ``train2017``.
        narratives: a COCO-PNG file, ``png_coco_<split>.json``. Then the images that it tells of
            are given and no others, each with ``narratives``: a list of ``caption`` and
            ``segments``, whose ``utterance``, ``noun`` and ``segment_ids`` are those of the file.
            Several ids of one word are one union.
        masks: whether to decode the PNGs for the annotations of things; without, panoptic
            segmentation alone is possible, and nothing but JSON and image headers is read.
    """

    root: str | Path
    split: str
    narratives: str | Path | None = None
    masks: bool = True

    @property
    def json_file(self) -> Path:
        """The file of segments."""
        return Path(self.root) / "annotations" / f"panoptic_{self._name}.json"

    @property
    def _name(self) -> str:
        return self.split if any(one.isdigit() for one in self.split) else f"{self.split}2017"

    def known_metadata(self) -> dict[str, Any]:
        """Where the files are."""
        return {
            "image_root": str((Path(self.root) / self._name).absolute()),
            "panoptic_root": str(self.json_file.with_suffix("").absolute()),
            "panoptic_json": str(self.json_file.absolute()),
            "ignore_label": IGNORE_LABEL,
        }

    def read(self, box_mode: int) -> DatasetDicts:
        """Read the split.

        Args:
            box_mode: ``BoxMode.XYXY_ABS``.

        Raises:
            FileNotFoundError: a file is missing.
            InputError: a JSON file is not as expected, a PNG does not show a segment that is
                listed or is of another size than its image, a narrative tells of an image or
                segment that is not there, or there are no images.
        """
        content = read_json(self.json_file)
        narratives = None if self.narratives is None else _by_image(self.narratives)
        counts = Counter(images=0, objects=0, images_without_things=0, images_without_narrative=0)
        dicts = []
        try:
            numbers = _Numbers(content["categories"])
            names = {row["id"]: row["file_name"] for row in content["images"]}
            for row in sorted(content["annotations"], key=lambda row: int(row["image_id"])):
                image_id = int(row["image_id"])
                told = None if narratives is None else narratives.pop(image_id, None)
                if narratives is not None and told is None:
                    counts["images_without_narrative"] += 1
                    continue
                one = self._image(names[row["image_id"]], row, numbers, box_mode)
                if told is not None:
                    one["narratives"] = _checked(told, one, source=self.narratives)
                counts["images"] += 1
                counts["objects"] += len(one.get("annotations", ()))
                counts["images_without_things"] += not any(
                    segment["isthing"] for segment in one["segments_info"]
                )
                dicts.append(one)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(
                f"{self.json_file}: expected COCO panoptic annotations, found "
                f"{type(error).__name__}: {error}"
            ) from error
        if narratives:
            raise InputError(
                f"{self.narratives}: expected narratives of images in {self.json_file}, found "
                f"image {next(iter(narratives))} and {len(narratives) - 1} more that are not there"
            )
        if not dicts:
            raise InputError(f"{self.json_file}: expected images, found none")
        return DatasetDicts(
            dicts, {**self.known_metadata(), **numbers.metadata(), COUNTS: dict(counts)}
        )

    def _image(
        self, file_name: str, row: Mapping[str, Any], numbers: _Numbers, box_mode: int
    ) -> dict[str, Any]:
        folder = Path(self.root) / self._name
        one = image_dict(safe_join(folder, file_name, source=self.json_file), int(row["image_id"]))
        png = safe_join(self.json_file.with_suffix(""), row["file_name"], source=self.json_file)
        segments = [numbers.segment(segment) for segment in row["segments_info"]]
        if self.masks:
            one["annotations"] = _annotations(segments, png, one, box_mode)
        elif not png.is_file():
            raise FileNotFoundError(f"{png}: expected the segments of an image, found none")
        return {**one, "pan_seg_file_name": str(png.absolute()), "segments_info": segments}


class _Numbers:
    """Contiguous numbers of categories, things before stuff."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        ordered = sorted(rows, key=lambda row: (not row["isthing"], row["id"]))
        self._names = [str(row["name"]) for row in ordered]
        self._things = {int(r["id"]): n for n, r in enumerate(ordered) if r["isthing"]}
        self._stuff = {int(r["id"]): n for n, r in enumerate(ordered) if not r["isthing"]}

    def segment(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """One of ``segments_info``."""
        category = row["category_id"]
        thing = category in self._things
        return {
            "id": int(row["id"]),
            "category_id": self._things[category] if thing else self._stuff[category],
            "iscrowd": int(row["iscrowd"]),
            "isthing": thing,
        }

    def metadata(self) -> dict[str, Any]:
        """What detectron2 calls the categories; stuff is looked up among all of them."""
        return {
            "thing_classes": self._names[: len(self._things)],
            "stuff_classes": self._names,
            "thing_dataset_id_to_contiguous_id": self._things,
            "stuff_dataset_id_to_contiguous_id": self._stuff,
        }


def _by_image(path: str | Path) -> dict[int, list[dict[str, Any]]]:
    """Image id -> its narratives."""
    found: dict[int, list[dict[str, Any]]] = {}
    for narrative in read_coco_png(path):
        segments = [
            {"utterance": one.text, "noun": one.noun, "segment_ids": list(one.segment_ids)}
            for one in narrative.utterances
        ]
        found.setdefault(narrative.image_id, []).append(
            {"caption": narrative.caption, "segments": segments}
        )
    return found


def _checked(
    narratives: list[dict[str, Any]], image: Mapping[str, Any], *, source: str | Path | None
) -> list[dict[str, Any]]:
    known = {segment["id"] for segment in image["segments_info"]}
    for narrative in narratives:
        for segment in narrative["segments"]:
            unknown = set(segment["segment_ids"]) - known
            if unknown:
                raise InputError(
                    f"{source}: image {image['image_id']}: expected segments of "
                    f"{image['pan_seg_file_name']}, found {min(unknown)} for "
                    f"{segment['utterance']!r:.60}"
                )
    return narratives


def _annotations(
    segments: Sequence[Mapping[str, Any]], png: Path, image: Mapping[str, Any], box_mode: int
) -> list[dict[str, Any]]:
    """The things of an image with their masks; crowds are marked as such."""
    ids = read_segment_ids(png)
    size = (image["height"], image["width"])
    if ids.shape != size:
        raise InputError(
            f"{png}: expected segments of {size[1]}x{size[0]} as {image['file_name']}, found "
            f"{ids.shape[1]}x{ids.shape[0]}"
        )
    found = []
    for segment in segments:
        if not segment["isthing"]:
            continue
        mask = StoredMask.from_mask(segment["id"], png.stem, ids == segment["id"])
        box = box_of_mask(mask)
        if box is None:
            raise InputError(
                f"{png}: expected pixels of segment {segment['id']}, which is listed, found none"
            )
        annotation = mask_annotation(
            mask, box, box_mode=box_mode, category_id=segment["category_id"]
        )
        found.append({**annotation, "iscrowd": segment["iscrowd"]})
    return found
