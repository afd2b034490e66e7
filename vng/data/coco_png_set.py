"""COCO-PNG as a set of narrated videos, each of one frame.

An expression is a noun that names segments of the panoptic PNG of its image. Several segments are
one object, their union (a plural). Objects are numbered within their image in the order in which
nouns name them; two nouns that name the same segments mean the same object.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pointvos.core.errors import InputError
from pointvos.core.jsonfile import read_json
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.safe_names import safe_join
from pointvos.formats.coco_panoptic import read_segment_ids
from pointvos.formats.coco_png import ImageNarrative, read_coco_png
from vng.data.expressions import ActorNarrative, Expression, NarratedVideo


@dataclass(frozen=True, eq=False)
class CocoPngSet:
    """An opened set. PNGs are read when their masks are asked for; use `CocoPngSet.open`.

    Attributes:
        videos: by the stem of the image file, one frame each.
        images: name of a video -> its image file.
        segments: name of a video -> object id -> ids of the segments that it is the union of.
        panoptic: name of a video -> its panoptic PNG.
        sparse: False, every object has a mask on its only frame.
        nouns_not_in_text: nouns with segments that their caption does not hold; left out.
    """

    videos: dict[str, NarratedVideo]
    images: Mapping[str, Path]
    segments: Mapping[str, Mapping[int, tuple[int, ...]]]
    panoptic: Mapping[str, Path]
    nouns_not_in_text: int
    sparse: bool = False

    @classmethod
    def open(cls, narratives: str | Path, root: str | Path, split: str) -> CocoPngSet:
        """Open a set.

        Args:
            narratives: ``png_coco_<split>.json``.
            root: COCO, with ``annotations/panoptic_<split>.json``, the PNGs beside it and the
                images in ``<split>``.
            split: ``train2017`` or ``val2017``, also without the year.

        Raises:
            FileNotFoundError: a file is missing.
            InputError: a file is damaged, or narratives name an image or a segment that is not
                there.
        """
        split = split if any(digit.isdigit() for digit in split) else f"{split}2017"
        source = Path(root) / "annotations" / f"panoptic_{split}.json"
        annotated = _annotations(source)
        by_image: dict[int, list[ImageNarrative]] = {}
        for narrative in read_coco_png(narratives):
            by_image.setdefault(narrative.image_id, []).append(narrative)
        videos, images, segments, panoptic = {}, {}, {}, {}
        lost = 0
        for image_id, told in by_image.items():
            if image_id not in annotated:
                raise InputError(
                    f"{narratives}: expected narratives of images in {source}, found image "
                    f"{image_id}, which is not there"
                )
            file_name, row = annotated[image_id]
            image = safe_join(Path(root) / split, file_name, source=source)
            known = {int(segment["id"]) for segment in row["segments_info"]}
            video, objects = _video(image.stem, told, known, source=f"{narratives}: {image_id}")
            lost += sum(
                bool(one.noun and one.segment_ids and not one.span)
                for narrative in told
                for one in narrative.utterances
            )
            videos[image.stem], images[image.stem], segments[image.stem] = video, image, objects
            panoptic[image.stem] = safe_join(
                source.with_suffix(""), row["file_name"], source=source
            )
        return cls(videos, images, segments, panoptic, lost)

    def __iter__(self) -> Iterator[tuple[NarratedVideo, int, Expression]]:
        """Every expression with its video and its id in it."""
        for video in self.videos.values():
            for number, expression in enumerate(video.expressions):
                yield video, number, expression

    def has_masks(self, video: NarratedVideo, object_id: int) -> bool:
        """Whether an object is one of the image, which has the masks of all of them."""
        return object_id in self.segments[video.name]

    def masks(self, video: NarratedVideo, object_id: int) -> list[StoredMask | None]:
        """The mask of an object on the only frame.

        Raises:
            FileNotFoundError: the PNG is missing.
            InputError: it is damaged, or does not show a segment of the object.
        """
        path = self.panoptic[video.name]
        segment_of_pixel = read_segment_ids(path)
        wanted = self.segments[video.name][object_id]
        missing = [one for one in wanted if not (segment_of_pixel == one).any()]
        if missing:
            raise InputError(
                f"{path}: expected pixels of segment {missing[0]}, which is listed, found none"
            )
        return [StoredMask.from_mask(object_id, video.frames[0], np.isin(segment_of_pixel, wanted))]


def _annotations(source: Path) -> dict[int, tuple[str, Mapping[str, Any]]]:
    """Image id -> file name and annotation."""
    content = read_json(source)
    try:
        names = {int(row["id"]): str(row["file_name"]) for row in content["images"]}
        found = {}
        for row in content["annotations"]:
            list(row["segments_info"]), row["file_name"]
            found[int(row["image_id"])] = (names[int(row["image_id"])], row)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{source}: expected COCO panoptic annotations, found {type(error).__name__}: {error}"
        ) from error
    return found


def _video(
    name: str, told: Sequence[ImageNarrative], known: set[int], *, source: str
) -> tuple[NarratedVideo, dict[int, tuple[int, ...]]]:
    numbers: dict[tuple[int, ...], int] = {}
    expressions = []
    for index, narrative in enumerate(told):
        for noun in narrative.grounded:
            unknown = set(noun.segment_ids) - known
            if unknown:
                raise InputError(
                    f"{source}: expected segments of the image, found {min(unknown)} for "
                    f"{noun.text!r:.60}"
                )
            assert noun.span is not None  # of a grounded noun
            segments = tuple(sorted(set(noun.segment_ids)))
            object_id = numbers.setdefault(segments, len(numbers) + 1)
            plural = {"plural": True} if noun.plural else {}
            expressions.append(Expression(index, *noun.span, object_id, plural))
    narratives = tuple(
        ActorNarrative(index, "", narrative.caption) for index, narrative in enumerate(told)
    )
    video = NarratedVideo(name, (name,), narratives, tuple(expressions))
    return video, {number: segments for segments, number in numbers.items()}
