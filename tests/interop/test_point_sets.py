"""PV sets as dataset dicts."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.mask_store.stored_mask import StoredMask
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.formats.davis import read_davis
from pointvos.formats.point_vos_files import read_records, write_records
from pointvos.interop.dataset_dicts import COUNTS
from pointvos.interop.point_sets import PointSet
from pointvos.simulation.point_sets import PointSampling, training_records
from tests.interop.standard_format import XYXY_ABS, check_points
from tests.tiny_datasets import HEIGHT, WIDTH, write_frames
from tests.tiny_point_set import record, write_json, write_point_set


@pytest.fixture
def tiny(tmp_path: Path) -> tuple[Path, Path]:
    return write_point_set(tmp_path)


def write_one(root: Path, *points: tuple[int, int, str, str], **more: Any) -> PointSet:
    """A set of one object of a video of two frames."""
    write_frames(root / "frames" / "bike", ["00000", "00005"])
    write_json(root / "points.json", record("a", "bike", points, **more))
    return PointSet(points=root / "points.json", frames=root / "frames")


def test_every_object_with_a_foreground_point_is_an_annotation(tiny: tuple[Path, Path]) -> None:
    points, frames = tiny
    found = PointSet(points=points, frames=frames).read(XYXY_ABS)

    objects = check_points(found.dicts, found.metadata)
    records = read_records(points).values()
    with_foreground = [
        (one.video_name, frame, of_frame)
        for one in records
        for frame, of_frame in one.by_frame().items()
        if len(of_frame.foreground)
    ]
    assert objects == len(with_foreground)
    assert found.metadata[COUNTS]["objects"] == objects
    assert [image["image_id"] for image in found.dicts] == sorted(
        {f"{video}/{frame}" for video, frame, _ in with_foreground}
    )
    first = found.dicts[0]
    assert first["image_id"] == "bike/00000"
    assert first["file_name"] == str(frames / "bike" / "00000.jpg")
    listed = next(of for video, frame, of in with_foreground if f"{video}/{frame}" == "bike/00000")
    assert first["annotations"][0]["point_coords"] == listed.pixels().tolist()
    assert first["annotations"][0]["point_labels"] == listed.labels.tolist()


def test_the_same_every_time(tiny: tuple[Path, Path]) -> None:
    source = PointSet(points=tiny[0], frames=tiny[1])
    assert source.read(XYXY_ABS) == source.read(XYXY_ABS)


def test_boxes_are_those_of_masks_where_there_are_any(tiny: tuple[Path, Path]) -> None:
    points, frames = tiny
    masks = frames.parents[1] / "Annotations" / "480p"
    found = PointSet(points=points, frames=frames, masks=masks).read(XYXY_ABS)

    objects = check_points(found.dicts, found.metadata)
    counts = found.metadata[COUNTS]
    assert (counts["boxes_from_masks"], counts["boxes_from_points"]) == (objects, 0)
    assert found.dicts[0]["annotations"][0]["bbox"] == [2.0, 5.0, 22.0, 25.0]  # of its square


@pytest.mark.parametrize("named", ["key", "video/number", "number"])
def test_masks_of_a_store_are_found_by_key_or_number(tmp_path: Path, named: str) -> None:
    source = write_one(tmp_path, (3, 5, "00000", "ACCEPTED"), (3, 5, "00005", "ACCEPTED"))
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[4:9, 2:12] = True
    name = {"key": "a", "video/number": "bike/1", "number": "1"}[named]
    with MaskStoreWriter(tmp_path / "masks") as writer:
        absent = StoredMask.from_mask(name, "00005", np.zeros_like(mask))
        writer.add("bike", [StoredMask.from_mask(name, "00000", mask), absent])

    found = PointSet(points=source.points, frames=source.frames, masks=tmp_path / "masks").read(
        XYXY_ABS
    )

    boxes = [image["annotations"][0]["bbox"] for image in found.dicts]
    assert boxes == [[2.0, 4.0, 12.0, 9.0], [3.0, 5.0, 4.0, 6.0]]  # empty mask: from the point
    counts = found.metadata[COUNTS]
    assert (counts["boxes_from_masks"], counts["boxes_from_points"]) == (1, 1)


def test_what_has_no_use_is_left_out_and_counted(tmp_path: Path) -> None:
    source = write_one(
        tmp_path,
        (3, 5, "00000", "ACCEPTED"),
        (9, 9, "00000", "AMBIGUOUS"),
        (8, 9, "00000", "REJECTED"),
        (8, 9, "00005", "REJECTED"),
    )
    found = source.read(XYXY_ABS)
    assert check_points(found.dicts, found.metadata) == 1
    assert found.dicts[0]["annotations"][0]["point_coords"] == [[3, 5], [8, 9]]
    assert found.metadata[COUNTS] == {
        "images": 1,
        "objects": 1,
        "boxes_from_masks": 0,
        "boxes_from_points": 1,
        "ambiguous_points": 1,
        "objects_without_foreground": 1,
        "frames_without_object": 1,
        "videos_without_frames": 0,
        "records_without_video": 0,
    }


def test_names_become_sorted_categories(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames" / "bike", ["00000"])
    write_json(
        tmp_path / "points.json",
        record("a", "bike", [(3, 5, "00000", "ACCEPTED")], object_name="wheel"),
        record("b", "bike", [(9, 5, "00000", "ACCEPTED")], object_name="man"),
    )
    files = {"points": tmp_path / "points.json", "frames": tmp_path / "frames"}
    named = PointSet(**files, categories="names").read(XYXY_ABS)
    assert named.metadata["thing_classes"] == ["man", "wheel"]
    assert [one["category_id"] for one in named.dicts[0]["annotations"]] == [1, 0]

    agnostic = PointSet(**files).read(XYXY_ABS)
    assert agnostic.metadata["thing_classes"] == ["object"]
    assert [one["category_id"] for one in agnostic.dicts[0]["annotations"]] == [0, 0]

    with pytest.raises(InputError, match="bike: a: expected a name among 1 categories, found 'whe"):
        PointSet(**files, categories=["man"]).read(XYXY_ABS)


def test_the_layout_of_the_release(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames" / "a", ["000000"])
    write_json(tmp_path / "points.json", record("a", "train/x", [(3, 5, "000000", "ACCEPTED")]))
    found = PointSet(points=tmp_path / "points.json", frames=tmp_path / "frames").read(XYXY_ABS)
    assert [image["image_id"] for image in found.dicts] == ["a/000000"]


def test_frames_are_found_by_their_number(tmp_path: Path) -> None:
    source = write_one(tmp_path, (3, 5, "5", "ACCEPTED"))
    assert source.read(XYXY_ABS).dicts[0]["image_id"] == "bike/00005"


def test_only_some_videos(tiny: tuple[Path, Path]) -> None:
    found = PointSet(points=tiny[0], frames=tiny[1], videos=["dog"]).read(XYXY_ABS)
    assert {image["image_id"].split("/")[0] for image in found.dicts} == {"dog"}


def test_missing_videos_are_bounded_and_counted(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames" / "bike", ["00000"])
    write_json(
        tmp_path / "points.json",
        record("a", "bike", [(3, 5, "00000", "ACCEPTED")]),
        record("b", "gone", [(3, 5, "00000", "ACCEPTED")]),
    )
    files = {"points": tmp_path / "points.json", "frames": tmp_path / "frames"}
    with pytest.raises(InputError, match=r"gone: .*1 videos are missing, 0 are allowed"):
        PointSet(**files).read(XYXY_ABS)
    found = PointSet(**files, max_missing=1).read(XYXY_ABS)
    assert found.metadata[COUNTS]["videos_without_frames"] == 1


def test_a_video_file_cannot_be_registered(tmp_path: Path) -> None:
    write_json(tmp_path / "points.json", record("a", "bike", [(3, 5, "00000", "ACCEPTED")]))
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "bike.mp4").touch()
    with pytest.raises(InputError, match=r"bike\.mp4: expected a folder of images.*extract its fr"):
        PointSet(points=tmp_path / "points.json", frames=tmp_path / "frames").read(XYXY_ABS)


@pytest.mark.parametrize(
    ("point", "message"),
    [
        ((3, 5, "00007", "ACCEPTED"), "bike: a: expected frame '00007' in"),
        (
            (WIDTH, 5, "00000", "ACCEPTED"),
            r"object a, frame 00000: .*inside 64x48, found \(64, 5\)",
        ),
        ((3, 5, "00000", "REJECTED"), "expected frames with foreground points .*, found none"),
    ],
)
def test_points_that_cannot_be_used(
    tmp_path: Path, point: tuple[int, int, str, str], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        write_one(tmp_path, point).read(XYXY_ABS)


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    source = write_one(tmp_path, (3, 5, "00000", "ACCEPTED"))
    with MaskStoreWriter(tmp_path / "masks") as writer:
        writer.add("bike", [StoredMask.from_mask("a", "00000", np.ones((4, 5), bool))])
    with pytest.raises(InputError, match=r"expected a mask of 64x48 as .*00000\.jpg, found 5x4 of"):
        PointSet(points=source.points, frames=source.frames, masks=tmp_path / "masks").read(
            XYXY_ABS
        )


@pytest.mark.data
def test_points_on_real_videos(data_dir: Path, tmp_path: Path) -> None:
    videos = ["blackswan", "dog"]
    root = data_dir / "davis16"
    write_records(
        tmp_path / "points.json",
        (
            one
            for video in read_davis(root, "val", videos=videos)
            for one in training_records(video, PointSampling())
        ),
    )
    found = PointSet(
        points=tmp_path / "points.json",
        frames=root / "JPEGImages" / "480p",
        masks=root / "Annotations" / "480p",
    ).read(XYXY_ABS)
    assert check_points(found.dicts, found.metadata) == len(found.dicts) == 20
    assert found.metadata[COUNTS]["boxes_from_masks"] == 20
    for image in found.dicts:
        (one,) = image["annotations"]
        left, top, right, bottom = one["bbox"]
        labelled = zip(one["point_coords"], one["point_labels"], strict=True)
        on_object = [xy for xy, label in labelled if label == 1]
        assert all(left <= x < right and top <= y < bottom for x, y in on_object)
    json.dumps(found.metadata)
