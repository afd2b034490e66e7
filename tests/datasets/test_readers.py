"""Readers give what exists: masks, points, frames; no more, and never less in silence."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.masks import write_index_png
from pointvos.core.points import Points
from pointvos.datasets.readers import FrameCache, StaticImageReader, VideoReader, shrink
from pointvos.datasets.samples import AnnotatedFrame
from pointvos.formats.davis import read_davis
from pointvos.formats.masked_video import MaskedVideo
from pointvos.formats.static_images import StaticImage, list_static_images
from tests.tiny_clips import BACKGROUND, FOREGROUND, square_frame
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask, two_objects, write_davis, write_frames

POINTS = Points.from_pixels([(10, 12), (40, 30)], [FOREGROUND, BACKGROUND])
ONLY_BACKGROUND = Points.from_pixels([(40, 30)], [BACKGROUND])


@pytest.fixture
def davis(tmp_path: Path) -> list[MaskedVideo]:
    root = write_davis(tmp_path, {"one": two_objects(), "two": two_objects(4)})
    return read_davis(root, "train")


def test_objects_of_every_frame_of_a_mask_video(davis: list[MaskedVideo]) -> None:
    reader = VideoReader("davis", davis)
    assert len(reader) == 2
    assert reader.video_name(1) == "two"
    assert reader.objects(0) == [[1], [1], [1, 5], [1, 5], [1, 5], [1]]


def test_frame_and_mask_belong_together(davis: list[MaskedVideo]) -> None:
    frame = VideoReader("davis", davis).read(0, 3)
    np.testing.assert_array_equal(frame.rgb, next(davis[0].frames.read(3, 4)).rgb)
    assert frame.index is not None
    np.testing.assert_array_equal(frame.index, two_objects()[3])
    assert frame.points == {}


def test_only_frames_with_points_exist_and_masks_stay_unread(davis: list[MaskedVideo]) -> None:
    for path in davis[0].annotated.values():
        path.write_bytes(b"damaged")
    points = {"one": {"00004": {3: ONLY_BACKGROUND}, "00001": {3: POINTS, 7: POINTS}}}
    reader = VideoReader("davis", davis, points=points)
    assert len(reader) == 1
    assert reader.objects(0) == [[3, 7], []]
    frame = reader.read(0, 0)
    np.testing.assert_array_equal(frame.rgb, next(davis[0].frames.read(1, 2)).rgb)
    assert frame.index is None
    assert frame.points == points["one"]["00001"]


def test_masks_beside_points_where_they_are_asked_for(davis: list[MaskedVideo]) -> None:
    points = {"one": {"00002": {5: POINTS}}}
    frame = VideoReader("davis", davis, points=points, masks=True).read(0, 0)
    assert frame.index is not None
    np.testing.assert_array_equal(frame.index, two_objects()[2])
    assert frame.points == points["one"]["00002"]


def test_objects_of_points_are_known_without_decoding(davis: list[MaskedVideo]) -> None:
    reader = VideoReader("davis", davis, points={"one": {"00001": {3: POINTS}}})
    for path in davis[0].frame_folder.iterdir():
        path.write_bytes(path.read_bytes()[:200] if path.stem != "00000" else path.read_bytes())
    assert reader.objects(0) == [[3]]
    with pytest.raises(InputError, match=r"00001.jpg: expected an? .*image"):
        reader.read(0, 0)


def test_points_of_an_unknown_video(davis: list[MaskedVideo]) -> None:
    with pytest.raises(InputError, match="davis: expected points of its videos, found 'three'"):
        VideoReader("davis", davis, points={"one": {}, "three": {}})


def test_points_on_a_frame_that_is_not_there(davis: list[MaskedVideo]) -> None:
    reader = VideoReader("davis", davis, points={"one": {"00001": {1: POINTS}, "00077": {}}})
    with pytest.raises(InputError, match="expected the annotated frame 00077 of davis/one"):
        reader.objects(0)


def test_points_outside_their_frame(davis: list[MaskedVideo]) -> None:
    outside = Points.from_pixels([(10, 12), (WIDTH, 3)], [FOREGROUND, FOREGROUND])
    reader = VideoReader("davis", davis, points={"one": {"00001": {4: outside}}})
    message = rf"00001.jpg: expected points of object 4 inside {WIDTH}x{HEIGHT}, found \(64, 3\)"
    with pytest.raises(InputError, match=message):
        reader.read(0, 0)


def test_a_frame_of_another_size(davis: list[MaskedVideo]) -> None:
    Image.new("RGB", (30, 20)).save(davis[0].frame_folder / "00003.jpg")
    reader = VideoReader("davis", davis, points={"one": {"00003": {1: POINTS}}})
    with pytest.raises(InputError, match=r"00003.jpg: expected 64x48 .* found 30x20"):
        reader.read(0, 0)


def test_a_large_frame_is_kept_smaller_with_mask_and_points() -> None:
    big = square_frame(60, 30, side=40, size=(120, 160))
    frame = AnnotatedFrame(big.rgb, big.index, {1: Points.from_pixels([(79, 49)], [FOREGROUND])})
    small = shrink(frame, 40)
    assert small.rgb.shape == (40, 53, 3)
    assert small.index is not None
    assert small.index.shape == (40, 53)
    rows, columns = np.nonzero(small.index)
    # A third of the size: the square covers 60..100 x 30..70 of 160 x 120.
    assert (columns.min(), columns.max() + 1) == (20, 33)
    assert (rows.min(), rows.max() + 1) == (10, 23)
    np.testing.assert_allclose(small.points[1].xy, [[79.5 * 53 / 160, 49.5 / 3]], rtol=1e-6)
    assert shrink(frame, 120) is frame
    assert shrink(frame, None) is frame


def test_a_shrunk_mask_is_not_half_a_pixel_off() -> None:
    index = np.zeros((90, 90), np.uint8)
    index[:, 45:] = 1
    frame = shrink(AnnotatedFrame(np.zeros((90, 90, 3), np.uint8), index, {}), 30)
    assert frame.index is not None
    assert np.flatnonzero(frame.index[0])[0] == 15
    stripes = np.zeros((90, 90), np.uint8)
    stripes[:, 1::3] = 1  # the pixels under the centres of the 30 columns
    frame = shrink(AnnotatedFrame(np.zeros((90, 90, 3), np.uint8), stripes, {}), 30)
    assert frame.index is not None
    assert frame.index.all()


def test_an_object_that_shrinking_loses_is_no_object(tmp_path: Path) -> None:
    mask = square_mask({1: (10, 10, 20), 2: (40, 3, 1)})
    root = write_davis(tmp_path, {"one": [mask] * 3})
    reader = VideoReader("davis", read_davis(root, "train"), short_side=12)
    shown = [sorted(set(np.unique(reader.read(0, t).index)) - {0}) for t in range(3)]
    assert reader.objects(0) == shown == [[1]] * 3


def test_the_cache_keeps_to_its_budget() -> None:
    frame = square_frame(4, 4)  # 48 x 64 x 4 bytes
    decoded: list[int] = []

    def decode(number: int) -> AnnotatedFrame:
        decoded.append(number)
        return frame

    cache = FrameCache(budget_mb=2.5 * 48 * 64 * 4 / 1e6)
    for _ in range(2):
        for number in range(4):
            cache.get(number, lambda number=number: decode(number))
    assert decoded == [0, 1, 2, 3, 2, 3]


def write_static(root: Path, names: list[str], *, brightness: int = 255) -> Path:
    write_frames(root / "images", names)
    (root / "masks").mkdir()
    for name in names:
        mask = square_mask({brightness: (10, 10, 20)})
        Image.fromarray(mask).save(root / "masks" / f"{name}.png")
    return root


def static_reader(
    root: Path, points: dict[str, dict[int, Points]] | None = None, masks: bool | None = None
) -> StaticImageReader:
    images = list_static_images(root, masks=points is None if masks is None else masks)
    return StaticImageReader(root.name, images, points=points, masks=masks)


def test_static_images_are_videos_of_one_frame(tmp_path: Path) -> None:
    reader = static_reader(write_static(tmp_path / "ecssd", ["b", "a"]))
    assert (reader.name, len(reader), reader.static) == ("ecssd", 2, True)
    assert [reader.video_name(i) for i in range(2)] == ["a", "b"]
    assert reader.objects(0) == [[1]]
    frame = reader.read(0, 0)
    assert frame.index is not None
    np.testing.assert_array_equal(frame.index, square_mask({1: (10, 10, 20)}))


def test_static_images_with_points_need_no_masks(tmp_path: Path) -> None:
    write_frames(tmp_path / "images", ["a", "b", "c"])
    reader = static_reader(tmp_path, points={"b": {1: POINTS}})
    assert [reader.video_name(i) for i in range(len(reader))] == ["b"]
    frame = reader.read(0, 0)
    assert frame.index is None
    assert frame.points == {1: POINTS}


def test_static_images_with_points_and_masks(tmp_path: Path) -> None:
    reader = static_reader(write_static(tmp_path, ["a"]), points={"a": {1: POINTS}}, masks=True)
    frame = reader.read(0, 0)
    assert frame.index is not None
    assert frame.index.sum() == 400
    assert frame.points == {1: POINTS}


def test_faults_of_static_images(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="images: expected a folder"):
        static_reader(tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match=r"images: expected images .* found none"):
        static_reader(tmp_path)
    write_frames(tmp_path / "images", ["a"])
    with pytest.raises(InputError, match=r"a.png: expected the mask of an image, found none"):
        static_reader(tmp_path)
    with pytest.raises(InputError, match="expected the images of the points, found no z"):
        static_reader(tmp_path, points={"z": {1: POINTS}})
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "a.png")
    Image.new("L", (8, 8), 255).save(tmp_path / "masks" / "a.png")
    with pytest.raises(InputError, match="expected one image a name, found two of a"):
        static_reader(tmp_path)


def test_a_static_mask_without_an_object_is_named(tmp_path: Path) -> None:
    reader = static_reader(write_static(tmp_path, ["a"], brightness=100))
    with pytest.raises(InputError, match=r"a.png: expected a mask with an object .* above 100"):
        reader.read(0, 0)


def test_a_static_mask_of_another_size_is_named(tmp_path: Path) -> None:
    root = write_static(tmp_path, ["a"])
    Image.new("L", (10, 10), 255).save(root / "masks" / "a.png")
    with pytest.raises(InputError, match=r"a.png: expected a mask of 64x48 .* found 10x10"):
        static_reader(root).read(0, 0)


def things(tmp_path: Path, squares: dict[int, tuple[int, int, int]]) -> StaticImageReader:
    """An image with things as COCO panoptic has them."""
    write_frames(tmp_path / "images", ["a"])
    write_index_png(tmp_path / "a.png", square_mask(squares))
    image = StaticImage(
        name="a",
        frame_folder=tmp_path / "images",
        annotated={"a": tmp_path / "a.png"},
        categories=dict.fromkeys(squares, "thing"),
        image=tmp_path / "images" / "a.jpg",
    )
    return StaticImageReader("coco", [image])


def test_an_image_with_several_things_has_several_objects(tmp_path: Path) -> None:
    reader = things(tmp_path, {1: (0, 0, 20), 2: (30, 20, 21), 3: (60, 0, 4), 255: (0, 25, 22)})
    assert reader.objects(0) == [[1, 2]]  # the third would be lost in a crop, the last is void
    frame = reader.read(0, 0)
    assert frame.index is not None
    assert set(np.unique(frame.index)) == {0, 1, 2, 3, 255}


def test_a_small_thing_that_is_alone_has_to_do(tmp_path: Path) -> None:
    assert things(tmp_path, {1: (0, 0, 3), 2: (10, 10, 4)}).objects(0) == [[2]]
