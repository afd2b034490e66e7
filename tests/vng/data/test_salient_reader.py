"""Images of one object whose noun is known."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.formats.static_images import list_static_images
from vng.data.object_names import ObjectName
from vng.data.object_sheet import write_sheet
from vng.data.salient_reader import SalientReader
from vng.data.samples import NarratedClip

NAMES = {
    "a": ObjectName("pug", "dog", "animal", 0.7),
    "b": ObjectName("beagle", "dog", "animal", 0.7),
    "c": ObjectName("teapot", None, "object", 0.9),
    "d": ObjectName(None, "person", "person", 0.5),
}
BOX = np.s_[4:12, 6:20]


def write_images(root: Path, names: str = "abcde") -> Path:
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    mask = np.zeros((20, 30), np.uint8)
    mask[BOX] = 255
    for name in names:
        Image.new("RGB", (30, 20), (90, 10, 10)).save(root / f"images/{name}.png")
        Image.fromarray(mask).save(root / f"masks/{name}.png")
    return root


def clips(found: SalientReader, item: int, count: int = 200) -> list[NarratedClip]:
    return [found.clip(item, 2, np.random.default_rng([item, seed])) for seed in range(count)]


def words(clip: NarratedClip, *, shown: bool) -> list[str]:
    return [
        clip.text[start:end].lower()
        for (start, end), seen in zip(clip.spans, clip.shown, strict=True)
        if seen == shown
    ]


def test_the_object_is_told_by_its_nouns(tmp_path: Path) -> None:
    found = SalientReader("ecssd", list_static_images(write_images(tmp_path)), NAMES)
    assert len(found) == 4  # one image has no name
    told = clips(found, 0)
    assert {word for clip in told for word in words(clip, shown=True)} == {"pug", "dog", "animal"}
    assert all(len(words(clip, shown=True)) == 1 for clip in told)
    for clip in told[:5]:
        assert clip.still
        assert clip.known.all()
        assert clip.video_name == "ecssd/a"
        (seen,) = np.flatnonzero(clip.shown)
        assert (clip.masks[seen].sum(axis=(1, 2)) == 8 * 14).all()
        assert clip.masks[seen, :, 4:12, 6:20].all()


def test_absent_nouns_mean_something_else(tmp_path: Path) -> None:
    images = list_static_images(write_images(tmp_path))
    told = clips(SalientReader("ecssd", images, NAMES, absent=0.4), 0)
    absent = [word for clip in told for word in words(clip, shown=False)]
    assert set(absent) == {"teapot", "person"}  # never "dog" or "beagle" of a dog
    assert 0.15 < len(absent) / (len(absent) + len(told)) < 0.45
    none = clips(SalientReader("ecssd", images, NAMES, absent=0), 0)
    assert not any(words(clip, shown=False) for clip in none)


def test_names_that_do_not_fit(tmp_path: Path) -> None:
    images = list_static_images(write_images(tmp_path))
    with pytest.raises(InputError, match="ecssd: expected the images of the names, found no zz"):
        SalientReader("ecssd", images, {"zz": NAMES["a"]})
    with pytest.raises(InputError, match="ecssd: expected images with names, found none"):
        SalientReader("ecssd", images, {})
    with pytest.raises(InputError, match=r"absent: expected a share below 1, found 1\.0"):
        SalientReader("ecssd", images, NAMES, absent=1.0)


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    root = write_images(tmp_path)
    Image.new("L", (9, 9), 255).save(root / "masks/a.png")
    found = SalientReader("ecssd", list_static_images(root), NAMES)
    with pytest.raises(InputError, match=r"a\.png: expected a mask of 30x20 .*, found 9x9"):
        found.clip(0, 1, np.random.default_rng(0))


def test_a_contact_sheet(tmp_path: Path) -> None:
    images = list_static_images(write_images(tmp_path, "abcd"))
    path = tmp_path / "sheet.png"
    write_sheet(path, images, NAMES, count=30, seed=0)
    sheet = np.array(Image.open(path))
    assert sheet.shape[1] > 4 * 300
    objects = (sheet[..., 0] > sheet[..., 1] + 20).sum()  # red images
    assert objects > 4 * 200 * 100
    with pytest.raises(ValueError, match="expected images to draw, found 0"):
        write_sheet(path, [], NAMES, count=30, seed=0)
