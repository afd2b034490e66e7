"""Images are checked before and while they are decoded."""

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.images import MAX_PIXELS, image_size, read_image


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that promises `width` x `height` RGB pixels."""
    data = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    head = struct.pack(">I", len(data)) + b"IHDR" + data
    body = zlib.compress(bytes(64))
    return (
        b"\x89PNG\r\n\x1a\n"
        + head
        + struct.pack(">I", zlib.crc32(b"IHDR" + data))
        + struct.pack(">I", len(body))
        + b"IDAT"
        + body
        + struct.pack(">I", zlib.crc32(b"IDAT" + body))
    )


def test_pixels_come_back_as_rgb(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    read = read_image(tmp_path / "a.png")
    assert read.dtype == np.uint8
    assert np.array_equal(read, pixels)
    assert image_size(tmp_path / "a.png") == (5, 7)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "CMYK", "1"])
def test_other_modes_become_rgb(tmp_path, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    Image.new(mode, (7, 5)).save(tmp_path / f"a.{suffix}")
    assert read_image(tmp_path / f"a.{suffix}").shape == (5, 7, 3)


def test_a_jpeg_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "00007.jpg"
    noise = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert image_size(path) == (90, 120)
    with pytest.raises(InputError, match=r"00007\.jpg: expected a whole image, found"):
        read_image(path)


@pytest.mark.parametrize("data", [b"", b"not an image", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_image_is_refused(tmp_path, data):
    path = tmp_path / "a.jpg"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.jpg: expected an image, found"):
        read_image(path)


@pytest.mark.parametrize(("width", "height"), [(9_000, 8_000), (60_000, 60_000)])
def test_a_huge_header_is_refused_without_decoding(tmp_path, width, height):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    assert width * height > MAX_PIXELS
    with pytest.raises(InputError, match=r"bomb\.png: expected"):
        read_image(path)
    with pytest.raises(InputError, match=r"bomb\.png: expected"):
        image_size(path)


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.jpg"):
        read_image(tmp_path / "gone.jpg")
