"""Folders of images with saliency masks, as videos of one frame."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.formats.open_dataset import open_dataset
from pointvos.formats.static_images import list_static_images, read_static_images
from pointvos.simulation.point_sets import PointSampling, training_records
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask, write_frames


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_frames(tmp_path / "images", ["a", "b"])
    Image.new("RGB", (20, 30)).save(tmp_path / "images" / "c.png")  # of another size
    (tmp_path / "masks").mkdir()
    for name in ("a", "b"):
        Image.fromarray(square_mask({200: (10, 12, 20)})).save(tmp_path / "masks" / f"{name}.png")
    Image.new("L", (20, 30), 255).save(tmp_path / "masks" / "c.png")
    return tmp_path


def test_every_image_is_a_video_of_one_frame(root: Path) -> None:
    videos = open_dataset("static", root, "train")
    assert [video.name for video in videos] == ["a", "b", "c"]
    for video in videos:
        assert list(video.annotated) == [video.name]
        assert list(video.frames.names) == [video.name]
        assert len(video.frames) == 1
    assert videos[0].size == (HEIGHT, WIDTH)
    assert videos[2].size == (30, 20)
    np.testing.assert_array_equal(videos[1].read_mask("b"), square_mask({1: (10, 12, 20)}))
    (frame,) = videos[1].frames.read()
    assert (frame.index, frame.name, frame.rgb.shape) == (0, "b", (HEIGHT, WIDTH, 3))


def test_some_images_only(root: Path) -> None:
    assert [video.name for video in read_static_images(root, videos=["c", "a"])] == ["a", "c"]
    with pytest.raises(InputError, match="found no z"):
        read_static_images(root, videos=["z"])


def test_points_drawn_from_an_image(root: Path) -> None:
    (video,) = open_dataset("static", root, "train", videos=["b"])
    (record,) = training_records(video, PointSampling(points=3, min_distance=4))
    assert (record.key, record.video_name, record.object_id) == ("b/1", "b", 1)
    assert record.frame_ids == ["b"]
    assert len(record.points("b").foreground) == 3
    assert len(record.points("b").background) == 10


def test_masks_need_not_be_there_where_none_are_read(root: Path) -> None:
    for mask in (root / "masks").iterdir():
        mask.unlink()
    (root / "masks").rmdir()
    assert [image.name for image in list_static_images(root, masks=False)] == ["a", "b", "c"]
    with pytest.raises(FileNotFoundError, match="masks: expected a folder, found none"):
        list_static_images(root)


def test_faults_are_named(root: Path) -> None:
    Image.fromarray(square_mask({100: (10, 12, 20)})).save(root / "masks" / "a.png")
    Image.new("L", (8, 8), 255).save(root / "masks" / "b.png")
    dark, small, _ = read_static_images(root)
    with pytest.raises(InputError, match=r"a.png: expected a mask with an object .* above 100"):
        dark.read_mask("a")
    with pytest.raises(InputError, match=r"b.png: expected a mask of 64x48 .* found 8x8"):
        small.read_mask("b")
    (root / "masks" / "b.png").unlink()
    with pytest.raises(InputError, match=r"b.png: expected the mask of an image, found none"):
        read_static_images(root)


@pytest.mark.data
@pytest.mark.parametrize(("name", "count"), [("ecssd", 1000), ("duts_part", 499)])
def test_real_folders(data_dir: Path, name: str, count: int) -> None:
    images = read_static_images(data_dir / name)
    assert len(images) == count
    for image in images[:: count // 10]:
        mask = image.read_mask(image.name)
        assert 0 < mask.mean() < 1
