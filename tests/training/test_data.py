"""The training data of a run: mask sets, point sets, the releases, static images."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.datasets.samples import UNKNOWN
from pointvos.formats.point_vos import AnnotatedPoint, PointStatus, PointVosRecord
from pointvos.formats.point_vos_files import write_records
from pointvos.training.data import draw_points_apart, make_dataset, open_source
from pointvos.training.settings import DataSource
from tests.tiny_datasets import square_mask, two_objects, write_davis, write_frames
from tests.tiny_runs import tiny_run, write_points, write_videos


def record(
    key: str,
    frames: list[str],
    *,
    video: str | None = "train/a video.mp4",
    status: PointStatus = PointStatus.ACCEPTED,
    object_id: int | None = None,
) -> PointVosRecord:
    """Two points on each frame, the second of them background."""
    points = tuple(
        AnnotatedPoint(x, 10, frame, kind, is_fg_candidate=True)
        for frame in frames
        for x, kind in ((5, status), (30, PointStatus.REJECTED))
    )
    keys = ("video_name", "object_id", "annotated_points")
    return PointVosRecord(
        key=key, video_name=video, annotated_points=points, object_id=object_id, keys=keys
    )


def write_release(root: Path, records: list[PointVosRecord], *, without_frames: str = "") -> Path:
    """PV-Oops as it is extracted: annotations, and a folder of frames for each object."""
    (root / "Oops").mkdir(parents=True)
    write_records(root / "Oops" / "train.json", records)
    for item in records:
        if item.key != without_frames:
            names = [f"{number:06d}" for number in range(5)]
            write_frames(root / "Oops" / "train" / "JPEGImages" / item.key, names)
    return root


FRAMES = ["000000", "000001", "000003"]


def test_masks_of_a_video_set(tmp_path: Path) -> None:
    source = DataSource(kind="davis", root=write_videos(tmp_path), max_span=4)
    reader, left_out = open_source(source, 10)
    assert len(reader) == 3
    assert reader.max_span == 4
    assert reader.objects(0)[3] == [1, 5]
    assert left_out.reasons == {}


def test_points_of_a_video_set(tmp_path: Path) -> None:
    root = write_videos(tmp_path / "davis")
    points = write_points(root, tmp_path / "points.json")
    source = DataSource(kind="davis", root=root, points=points)
    reader, _ = open_source(source, 10, masks=False)
    assert len(reader) == 3
    assert reader.objects(0)[3] == [1, 5]
    frame = reader.read(0, 3)
    assert frame.index is None
    assert len(frame.points[5].foreground) == 4
    # The background points of a frame stand with every object, also where it is not.
    assert len(frame.points[1].background) == 4
    assert len(reader.read(0, 0).points[5].background) == 4
    with_masks, _ = open_source(source, 10, masks=True)
    assert with_masks.read(0, 3).index is not None


def test_a_release_has_one_video_an_object(tmp_path: Path) -> None:
    root = write_release(tmp_path, [record("a" * 32, FRAMES), record("b" * 32, FRAMES)])
    reader, left_out = open_source(DataSource(kind="pv_oops", root=root), 10, masks=False)
    assert [reader.video_name(i) for i in range(len(reader))] == ["a" * 32, "b" * 32]
    assert reader.objects(1) == [[1], [1], [1]]
    frame = reader.read(1, 2)
    assert frame.index is None
    assert frame.points[1].foreground.xy.tolist() == [[5.5, 10.5]]
    assert left_out.reasons == {}


def test_what_a_release_lacks_is_counted_and_bounded(tmp_path: Path) -> None:
    records = [
        record("good", FRAMES),
        record("gone", FRAMES),
        record("short", FRAMES[:2]),
        record("nameless", FRAMES, video=None),
        record("pointless", FRAMES, status=PointStatus.AMBIGUOUS),
    ]
    root = write_release(tmp_path, records, without_frames="gone")
    source = DataSource(kind="pv_oops", root=root, max_left_out=4)
    reader, left_out = open_source(source, 10, masks=False)
    assert [reader.video_name(i) for i in range(len(reader))] == ["good"]
    assert left_out.reasons == {
        "gone": "none, not its frames",
        "nameless": "null, not a video_name",
        "short": "2, not 3 annotated frames",
        "pointless": "none, not a foreground point",
    }
    for allowed in range(4):
        with pytest.raises(InputError, match=rf"{allowed} (are allowed|may be left out)"):
            open_source(replace(source, max_left_out=allowed), 10, masks=False)


def test_both_releases_under_one_folder(tmp_path: Path) -> None:
    root = write_release(tmp_path, [record("a", FRAMES), record("b", FRAMES[:1])])
    (tmp_path / "Kinetics").mkdir()
    write_records(tmp_path / "Kinetics" / "train.jsonl", [record("k", FRAMES)])
    write_frames(tmp_path / "Kinetics" / "train" / "JPEGImages" / "k", FRAMES)
    oops = DataSource(kind="pv_oops", root=root, repeats=5, max_left_out=1)
    kinetics = DataSource(kind="pv_kinetics", root=root)
    run = replace(tiny_run(tmp_path, "points"), data=[oops, kinetics])
    clips, left_out = make_dataset(run, point_radius=0, samples=6)
    assert [reader.name for reader, _ in clips.videos] == ["Oops"] * 5 + ["Kinetics"]
    assert {name: len(reasons) for name, reasons in left_out.items()} == {
        f"pv_oops {root} train": 1,
        f"pv_kinetics {root} train": 0,
    }


def test_a_subset_of_a_release(tmp_path: Path) -> None:
    root = write_release(tmp_path / "pv", [record("a", FRAMES), record("b", FRAMES)])
    subset = tmp_path / "oops_train_subset.txt"
    subset.write_text("b\n")
    source = DataSource(kind="pv_oops", root=root, subset=subset)
    reader, _ = open_source(source, 10, masks=False)
    assert [reader.video_name(i) for i in range(len(reader))] == ["b"]


def test_kinetics_is_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "Kinetics").mkdir()
    write_records(tmp_path / "Kinetics" / "train.jsonl", [record("k", FRAMES)])
    write_frames(tmp_path / "Kinetics" / "train" / "JPEGImages" / "k", FRAMES)
    reader, _ = open_source(DataSource(kind="pv_kinetics", root=tmp_path), 10, masks=False)
    assert reader.objects(0) == [[1], [1], [1]]


def test_videos_too_short_for_a_clip(tmp_path: Path) -> None:
    root = write_davis(tmp_path, {"long": two_objects(4), "short": two_objects(2)})
    with pytest.raises(InputError, match="short: expected 3 annotated frames, found 2; 1 videos"):
        open_source(DataSource(kind="davis", root=root), 10)
    reader, left_out = open_source(DataSource(kind="davis", root=root, max_left_out=1), 10)
    assert len(reader) == 1
    assert set(left_out.reasons) == {"short"}


@pytest.mark.parametrize(
    ("records", "message"),
    [
        ([], "expected records, found none"),
        ([record("one/1", ["00000"], video=None)], "one/1: expected a video_name, found null"),
        (
            [record(key, FRAMES, video="one", object_id=2) for key in ("x", "y")],
            "expected every object of one once, found 2 twice",
        ),
    ],
)
def test_faults_of_a_points_file(
    tmp_path: Path, records: list[PointVosRecord], message: str
) -> None:
    root = write_davis(tmp_path / "davis", {"one": two_objects(4)})
    write_records(tmp_path / "points.json", records)
    source = DataSource(kind="davis", root=root, points=tmp_path / "points.json")
    with pytest.raises(InputError, match=message):
        open_source(source, 10)


def test_objects_without_an_id_are_numbered(tmp_path: Path) -> None:
    root = write_davis(tmp_path / "davis", {"one": two_objects(4)})
    names = ["00000", "00001", "00002"]
    records = [record("x", names, video="one"), record("y", names[1:], video="one")]
    write_records(tmp_path / "points.json", records)
    source = DataSource(kind="davis", root=root, points=tmp_path / "points.json")
    reader, _ = open_source(source, 10, masks=False)
    assert reader.objects(0) == [[1], [1, 2], [1, 2]]


def write_static(root: Path) -> Path:
    write_frames(root / "images", ["a", "b"])
    (root / "masks").mkdir()
    for name in ("a", "b"):
        Image.fromarray(square_mask({255: (10, 10, 20)})).save(root / "masks" / f"{name}.png")
    return root


def test_a_video_whose_records_hold_no_points_is_named(tmp_path: Path) -> None:
    root = write_davis(tmp_path, {"full": two_objects(4), "empty": two_objects(4)})
    frames = ["00000", "00001", "00002"]
    write_records(
        tmp_path / "points.json",
        [record("full/1", frames, video="full"), record("empty/1", [], video="empty")],
    )
    source = DataSource(kind="davis", root=root, points=tmp_path / "points.json", max_left_out=1)
    _, left_out = open_source(source, 10)
    assert left_out.reasons == {"empty": "0, not 3 annotated frames"}


def test_static_images_with_and_without_points(tmp_path: Path) -> None:
    root = write_static(tmp_path / "ecssd")
    reader, _ = open_source(DataSource(kind="static", root=root), 10)
    assert len(reader) == 2
    assert reader.read(0, 0).index is not None
    write_records(tmp_path / "points.json", [record("b/1", ["b"], video="b", object_id=1)])
    source = DataSource(kind="static", root=root, points=tmp_path / "points.json")
    reader, _ = open_source(source, 10, masks=False)
    assert [reader.video_name(i) for i in range(len(reader))] == ["b"]
    assert reader.read(0, 0).index is None
    assert reader.read(0, 0).points[1].foreground.xy.tolist() == [[5.5, 10.5]]


@pytest.mark.parametrize("frames", [["b", "c"], []])
def test_a_static_image_has_points_on_one_frame(tmp_path: Path, frames: list[str]) -> None:
    root = write_static(tmp_path / "ecssd")
    write_records(tmp_path / "points.json", [record("b/1", frames, video="b")])
    source = DataSource(kind="static", root=root, points=tmp_path / "points.json")
    with pytest.raises(InputError, match=f"one frame of image b.* found {len(frames)} frames"):
        open_source(source, 10)


def test_drawn_points_keep_their_distance_and_lie_on_pixels() -> None:
    mask = np.zeros((40, 60), bool)
    mask[5:35, 10:50] = True
    xy = draw_points_apart(8.0)(mask, 6, np.random.default_rng(0))
    assert xy.shape == (6, 2)
    assert xy.dtype == np.float32
    assert (xy % 1 == 0.5).all()
    assert mask[xy[:, 1].astype(int), xy[:, 0].astype(int)].all()
    apart = np.linalg.norm(xy[:, None] - xy[None], axis=2) + 100 * np.eye(6)
    assert apart.min() >= 8


@pytest.mark.parametrize("regime", ["points", "masks", "pseudo_masks", "hybrid"])
def test_the_data_of_every_regime(tmp_path: Path, regime: Any) -> None:
    run = tiny_run(tmp_path, regime)
    clips, left_out = make_dataset(run, point_radius=0, samples=6)
    assert len(clips) == 6
    assert left_out == {f"davis {tmp_path / 'davis'} train": {}}
    for number in range(6):
        clip = clips[number]
        sizes = clip.reference.sum(axis=(1, 2))
        if regime in ("points", "hybrid"):
            assert 1 <= sizes.min() <= sizes.max() <= 10
        else:
            assert sizes.sum() == np.isin(clip.index[0], (1, 2)).sum()
        assert (set(np.unique(clip.index)) == {UNKNOWN}) == (regime == "points")


def test_hybrid_from_annotated_points(tmp_path: Path) -> None:
    points = tiny_run(tmp_path, "points")
    run = replace(points, regime="hybrid", clips=replace(points.clips, reference="points"))
    clips, _ = make_dataset(run, point_radius=0, samples=6)
    for number in range(6):
        clip = clips[number]
        assert 1 <= clip.reference[0].sum() <= 4
        assert (clip.index[0][clip.reference[0]] == 1).all()
        assert UNKNOWN not in clip.index


def test_the_memory_for_frames_is_shared_out(tmp_path: Path) -> None:
    run = tiny_run(tmp_path, workers=2, cache_mb=0.2)
    run = replace(run, data=run.data * 2)
    clips, _ = make_dataset(run, point_radius=0, samples=4)
    readers = {id(reader): reader for reader, _ in clips.videos}
    assert [reader.cache._left for reader in readers.values()] == [0.05e6] * 2  # type: ignore[attr-defined]
