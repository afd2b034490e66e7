"""Masks of many videos from one kind of file to another, one video in memory at a time.

What the target cannot hold is refused, or dropped where the options say so.
"""

from __future__ import annotations

import filecmp
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pointvos.core.errors import InputError
from pointvos.core.frames import FolderFrames
from pointvos.core.mask_store.merging import finish_store
from pointvos.core.mask_store.stored_mask import VideoMasks
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.masks import write_index_png
from pointvos.core.output_folder import output_folder
from pointvos.core.progress import progress
from pointvos.core.safe_names import safe_join
from pointvos.formats.annotation_file import AnnotationFile
from pointvos.formats.annotation_writer import annotation_writer, write_description
from pointvos.formats.index_masks import check_complete, index_mask, png_numbers
from pointvos.formats.mask_sources import DESCRIPTION, MaskKind, MaskSource


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """What may be lost or made up.

    Attributes:
        renumber: give objects the numbers from 1 on: in the order of the file (JSON) or of each
            video (PNG).
        missing_as_absent: PNG: take an object that was not annotated on a frame as absent there.
        smaller_in_front: PNG: where objects overlap, show the one with the smaller mask.
        drop_unseen: PNG: leave out objects that are absent on all frames.
        frames: JSON: folder with a folder of frames for each video, which are then all listed;
            otherwise those with masks are.
    """

    renumber: bool = False
    missing_as_absent: bool = False
    smaller_in_front: bool = False
    drop_unseen: bool = False
    frames: Path | None = None


@dataclass(kw_only=True)
class ConvertCounts:
    """What came out.

    Attributes:
        videos: converted now.
        already: videos that were there.
        objects: of the videos converted now, with a mask or described.
        masks: of an object on a frame.
        empty_masks: those of them that say that the object is absent.
        objects_without_masks: objects that were described but have no mask.
        videos_without_masks: names; of these PNGs keep nothing.
        dropped_objects: absent on all frames and left out of PNGs.
        duplicates: ids of annotations that came again in the source and were left out.
        numbers: video -> object id -> number, where PNGs have numbers other than the ids.
    """

    videos: int = 0
    already: int = 0
    objects: int = 0
    masks: int = 0
    empty_masks: int = 0
    objects_without_masks: int = 0
    videos_without_masks: list[str] = field(default_factory=list)
    dropped_objects: int = 0
    duplicates: list[int] = field(default_factory=list)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)

    def add(self, video: VideoMasks, described: AnnotationFile | None) -> None:
        """Count a video that was converted."""
        names = {*video.objects}
        if described is not None and video.name in described:
            names |= {one.name for one in described.objects_of(video.name)}
        self.videos += 1
        self.objects += len(names)
        self.objects_without_masks += len(names) - len(video.objects)
        self.masks += len(video.masks)
        self.empty_masks += sum(not mask.area for mask in video.masks)
        if not video.masks:
            self.videos_without_masks.append(video.name)


def convert_masks(
    source: MaskSource, output: str | Path, kind: MaskKind, options: ConvertOptions
) -> ConvertCounts:
    """Write all masks of a source as something else.

    A store and folders of PNGs go on where they were stopped; a JSON file appears whole.

    Raises:
        InputError: the source is damaged, the target cannot hold what it has and the options do not
            say that it may be dropped, or something else is at `output`.
    """
    counts = ConvertCounts()
    if source.described is not None:
        counts.duplicates = list(source.described.duplicates)
    if source.kind == kind:
        raise InputError(
            f"expected another kind to convert to than that of the source, found {kind}"
        )
    if kind == "store":
        _to_store(source, Path(output), counts)
    elif kind == "png":
        _to_pngs(source, Path(output), options, counts)
    else:
        with annotation_writer(
            output, kind=kind, described=source.described, renumber=options.renumber
        ) as writer:
            for video in _videos(source, source.names(), counts):
                writer.add(video, _files(options.frames, video.name))
    return counts


def _videos(
    source: MaskSource, names: Sequence[str], counts: ConvertCounts
) -> Iterator[VideoMasks]:
    for name in progress(names, description="videos", unit="video"):
        video = source.read(name)
        yield video
        counts.add(video, source.described)


def _files(frames: Path | None, video: str) -> list[str] | None:
    if frames is None:
        return None
    return [path.name for path in FolderFrames(safe_join(frames, video, source="video name")).paths]


def _to_store(source: MaskSource, output: Path, counts: ConvertCounts) -> None:
    with MaskStoreWriter(output) as writer:
        if source.described is not None:
            _describe(output, source.described)
        done = writer.completed()
        names = [name for name in source.names() if name not in done]
        counts.already = len(source.names()) - len(names)
        for video in _videos(source, names, counts):
            writer.add(video.name, video.masks)
    finish_store(output)


def _describe(output: Path, described: AnnotationFile) -> None:
    """Keep what the JSON says beside masks, and see that it is the same if there is one already."""
    path = output / DESCRIPTION
    fresh = path.with_name(f".{path.name}.new") if path.exists() else path
    write_description(fresh, described)
    if fresh != path:
        same = filecmp.cmp(fresh, path, shallow=False)
        fresh.unlink()
        if not same:
            raise InputError(
                f"{output}: expected a new store or one made from {described.path}, found masks of "
                "another file; choose another"
            )


def _to_pngs(
    source: MaskSource, output: Path, options: ConvertOptions, counts: ConvertCounts
) -> None:
    folders = {name: safe_join(output, name, source="video name") for name in source.names()}
    names = [name for name, folder in folders.items() if not _holds_something(folder)]
    counts.already = len(folders) - len(names)
    for video in _videos(source, names, counts):
        if not video.masks:
            continue
        shown = _seen(video, options, counts)
        if not options.missing_as_absent:
            check_complete(shown)
        numbers = _numbers(shown, options)
        if options.renumber:
            counts.numbers[video.name] = dict(numbers)
        with output_folder(folders[video.name]) as temporary:
            for frame in shown.frames:
                index = index_mask(
                    shown, frame, front_first=_order(shown, frame, options), numbers=numbers
                )
                write_index_png(temporary / f"{frame}.png", index)


def _holds_something(folder: Path) -> bool:
    return folder.is_dir() and any(folder.iterdir())


def _seen(video: VideoMasks, options: ConvertOptions, counts: ConvertCounts) -> VideoMasks:
    """The objects that PNGs can show; frames stay."""
    unseen = {
        name
        for name, masks in video.objects.items()
        if not any(mask.area for mask in masks.values())
    }
    if unseen and not options.drop_unseen:
        raise InputError(
            f"{video.name}: expected objects that are seen on some frame, as PNGs show no other, "
            f"found {min(unseen)!r:.80} absent on all; drop_unseen leaves them out"
        )
    counts.dropped_objects += len(unseen)
    if len(unseen) == len(video.objects):  # empty PNGs
        return video
    frames = {mask.frame for mask in video.masks if mask.object_id not in unseen}
    kept = [
        mask for mask in video.masks if mask.object_id not in unseen or mask.frame not in frames
    ]
    return VideoMasks(video.name, kept)


def _numbers(video: VideoMasks, options: ConvertOptions) -> Mapping[str, int]:
    if not options.renumber:
        try:
            return png_numbers(video)
        except InputError as error:
            raise InputError(f"{error}; renumber gives them numbers in their order") from error
    return {name: number for number, name in enumerate(video.objects, start=1)}


def _order(video: VideoMasks, frame: str, options: ConvertOptions) -> list[str]:
    if not options.smaller_in_front:
        return []
    shown = [masks[frame] for masks in video.objects.values() if frame in masks]
    return [mask.object_id for mask in sorted(shown, key=lambda mask: mask.area)]
