"""Mask stores and palette PNGs as dataset dicts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.mask_store.writer import MaskStoreWriter
from pointvos.core.masks import read_index_png, write_index_png
from pointvos.formats.stored_masks import store_palette_folders
from pointvos.interop.dataset_dicts import COUNTS
from pointvos.interop.mask_sets import MaskSet
from tests.interop.standard_format import XYXY_ABS, check_masks
from tests.mask_corpus import masks_of
from tests.tiny_datasets import HEIGHT, WIDTH, square_mask, two_objects, write_davis, write_frames


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_davis(tmp_path, {"bike": two_objects(6), "train/dog": two_objects(4)})


def folders(root: Path) -> dict[str, Path]:
    return {"masks": root / "Annotations" / "480p", "frames": root / "JPEGImages" / "480p"}


def test_every_object_that_is_seen_is_an_annotation(root: Path) -> None:
    found = MaskSet(**folders(root)).read(XYXY_ABS)
    assert check_masks(found.dicts, found.metadata) == 6 + 3 + 4 + 1  # object 5 comes and goes
    assert [image["image_id"] for image in found.dicts] == [
        *(f"bike/{frame:05d}" for frame in range(6)),
        *(f"train/dog/{frame:05d}" for frame in range(4)),
    ]
    assert found.dicts[0]["annotations"][0]["bbox"] == [2.0, 5.0, 22.0, 25.0]
    assert found.metadata["thing_classes"] == ["object"]
    assert found.metadata[COUNTS] == {
        "images": 10,
        "objects": 14,
        "objects_absent": 6,
        "frames_without_object": 0,
        "videos_without_object": 0,
    }


def test_a_store_gives_what_its_pngs_give(root: Path, tmp_path: Path) -> None:
    with MaskStoreWriter(tmp_path / "store") as writer:
        store_palette_folders(root / "Annotations" / "480p", writer)
    of_store = MaskSet(masks=tmp_path / "store", frames=root / "JPEGImages" / "480p")
    assert of_store.read(XYXY_ABS) == MaskSet(**folders(root)).read(XYXY_ABS)


def test_masks_of_a_store_may_overlap(tmp_path: Path) -> None:
    masks = masks_of("bike")
    with MaskStoreWriter(tmp_path / "store") as writer:
        writer.add("bike", masks)
    height, width = masks[0].height, masks[0].width
    (tmp_path / "frames" / "bike").mkdir(parents=True)
    for frame in range(5):
        Image.new("RGB", (width, height)).save(tmp_path / "frames" / "bike" / f"{frame:05d}.png")
    found = MaskSet(masks=tmp_path / "store", frames=tmp_path / "frames").read(XYXY_ABS)
    # Object 1 is absent on frame 1, object 2 not annotated on frame 0.
    assert [len(image["annotations"]) for image in found.dicts] == [1, 1, 2, 2, 2]
    assert check_masks(found.dicts, found.metadata) == 8
    assert found.metadata[COUNTS]["objects_absent"] == 1


def test_void_and_frames_without_objects_are_left_out(tmp_path: Path) -> None:
    write_frames(tmp_path / "frames" / "bike", ["00000", "00001"])
    write_frames(tmp_path / "frames" / "empty", ["00000"])
    shown = square_mask({3: (2, 5, 20), 255: (40, 5, 9)})
    write_index_png(tmp_path / "masks" / "bike" / "00000.png", shown)
    void = np.where(shown == 255, 255, 0)
    write_index_png(tmp_path / "masks" / "bike" / "00001.png", void)
    write_index_png(tmp_path / "masks" / "empty" / "00000.png", void)
    found = MaskSet(masks=tmp_path / "masks", frames=tmp_path / "frames").read(XYXY_ABS)
    assert check_masks(found.dicts, found.metadata) == 1
    counts = found.metadata[COUNTS]
    assert (counts["frames_without_object"], counts["videos_without_object"]) == (1, 1)


def test_objects_may_have_names(root: Path) -> None:
    names = {"1": "wheel", "5": "man"}
    source = MaskSet(**folders(root), categories="names", object_names=names)
    assert source.known_metadata() == {"thing_classes": ["man", "wheel"]}
    found = source.read(XYXY_ABS)
    assert found.metadata["thing_classes"] == ["man", "wheel"]
    assert [one["category_id"] for one in found.dicts[2]["annotations"]] == [1, 0]
    with pytest.raises(InputError, match="bike: expected a name among 1 categories, found None"):
        MaskSet(**folders(root), categories="names", object_names={"1": "wheel"}).read(XYXY_ABS)


def test_only_some_videos(root: Path) -> None:
    found = MaskSet(**folders(root), videos=["train/dog"]).read(XYXY_ABS)
    assert len(found.dicts) == 4
    with pytest.raises(InputError, match="expected the videos asked for, found no cat"):
        MaskSet(**folders(root), videos=["cat"]).read(XYXY_ABS)


def test_a_video_without_frames(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="bike: expected the frames of a video of"):
        MaskSet(masks=root / "Annotations" / "480p", frames=tmp_path / "no").read(XYXY_ABS)


def test_a_mask_without_a_frame(root: Path) -> None:
    (root / "JPEGImages" / "480p" / "bike" / "00003.jpg").unlink()
    with pytest.raises(InputError, match=r"480p: bike: expected frame '00003' in .*bike, found no"):
        MaskSet(**folders(root)).read(XYXY_ABS)


def test_a_video_file_cannot_be_registered(root: Path, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "bike.mp4").touch()
    with pytest.raises(InputError, match=r"bike\.mp4: expected a folder of images, .*video file"):
        MaskSet(masks=root / "Annotations" / "480p", frames=tmp_path / "videos").read(XYXY_ABS)


def test_a_mask_of_another_size(root: Path) -> None:
    path = root / "Annotations" / "480p" / "bike" / "00001.png"
    write_index_png(path, read_index_png(path)[:-1])
    with pytest.raises(InputError, match=f"expected a mask of {WIDTH}x{HEIGHT} as .*found 64x47"):
        MaskSet(**folders(root)).read(XYXY_ABS)


def test_what_holds_no_masks(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="masks: expected masks, found no such folder"):
        MaskSet(masks=tmp_path / "masks", frames=tmp_path).read(XYXY_ABS)
    with pytest.raises(InputError, match=r"expected a mask store .* or a folder of palette PNGs"):
        MaskSet(masks=tmp_path, frames=tmp_path).read(XYXY_ABS)


@pytest.mark.data
def test_masks_of_real_videos(data_dir: Path) -> None:
    root = data_dir / "ytvos_demo"
    found = MaskSet(masks=root / "Annotations", frames=root / "JPEGImages").read(XYXY_ABS)
    objects = check_masks(found.dicts, found.metadata)
    pngs = sorted((root / "Annotations").glob("*/*.png"))
    assert len(found.dicts) + found.metadata[COUNTS]["frames_without_object"] == len(pngs)
    shown = sum(len(set(np.unique(read_index_png(path))) - {0, 255}) for path in pngs)
    assert objects == shown > len(pngs)  # several objects a frame


@pytest.mark.data
def test_a_frame_whose_mask_is_empty(data_dir: Path) -> None:
    root = data_dir / "davis16"
    found = MaskSet(
        masks=root / "Annotations" / "480p",
        frames=root / "JPEGImages" / "480p",
        videos=["bmx-bumps"],
    ).read(XYXY_ABS)
    objects = check_masks(found.dicts, found.metadata)
    counts = found.metadata[COUNTS]
    assert objects == counts["images"] == 90 - counts["frames_without_object"]
    assert counts["frames_without_object"] > 0
