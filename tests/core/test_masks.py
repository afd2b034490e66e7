"""Palette PNGs and COCO run lengths."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from pointvos.core.errors import InputError
from pointvos.core.masks import (
    davis_palette,
    decode_rle,
    encode_rle,
    object_ids,
    read_binary_png,
    read_index_png,
    write_index_png,
)

shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@given(arrays(bool, shapes))
def test_run_lengths_round_trip(mask):
    rle = encode_rle(mask)
    assert rle["size"] == list(mask.shape)
    assert np.array_equal(decode_rle(rle), mask)


def test_run_lengths_are_the_known_ones():
    """COCO counts run down the columns: 2 off, 1 on, 1 off, written as characters from '0' on."""
    mask = np.array([[0, 1], [0, 0]], dtype=bool)
    assert encode_rle(mask) == {"size": [2, 2], "counts": "211"}


@settings(max_examples=30)
@given(arrays(np.uint8, shapes))
def test_index_pngs_round_trip(tmp_path_factory, index):
    path = tmp_path_factory.mktemp("png") / "mask.png"
    write_index_png(path, index)
    assert np.array_equal(read_index_png(path), index)


def test_written_pngs_carry_the_davis_palette(tmp_path):
    write_index_png(tmp_path / "mask.png", np.arange(4, dtype=np.uint8)[None])
    with Image.open(tmp_path / "mask.png") as image:
        colours = np.array(image.convert("RGB"))[0].tolist()
    assert colours == [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0]]


def test_the_palette_has_256_different_colours_and_the_known_last_one():
    palette = davis_palette()
    assert len({tuple(colour) for colour in palette.tolist()}) == 256
    assert palette[255].tolist() == [224, 224, 192]
    assert palette[8].tolist() == [64, 0, 0]


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "I;16"])
def test_a_mask_without_palette_is_refused(tmp_path, mode):
    Image.new(mode, (4, 3)).save(tmp_path / "mask.png")
    with pytest.raises(InputError, match=r"mask\.png: expected a palette PNG .* without a palette"):
        read_index_png(tmp_path / "mask.png")


def test_a_mask_that_is_cut_off_is_refused(tmp_path):
    path = tmp_path / "mask.png"
    noise = np.random.default_rng(0).integers(0, 200, (80, 80), dtype=np.uint8)
    write_index_png(path, noise)
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(InputError, match=r"mask\.png: expected a whole image"):
        read_index_png(path)


def test_a_header_that_promises_a_huge_mask_is_refused_before_decoding(tmp_path):
    """A few bytes that claim 60,000 x 60,000 palette pixels (3.6 GB)."""
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 3, 0, 0, 0)

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    path = tmp_path / "huge.png"
    path.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"PLTE", bytes(768))
        + chunk(b"IDAT", zlib.compress(bytes(100)))
        + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match=r"huge\.png: expected .*, found"):
        read_index_png(path)


@pytest.mark.parametrize("index", [np.array([[256]]), np.array([[-1]]), np.zeros((2, 2, 3), int)])
def test_what_is_no_index_mask_is_not_written(tmp_path, index):
    with pytest.raises(ValueError, match=r"expected ids 0 \.\. 255"):
        write_index_png(tmp_path / "mask.png", index)
    assert not list(tmp_path.iterdir())


def test_object_ids_leave_out_background_and_void():
    assert object_ids(np.array([[0, 255, 7], [2, 7, 254]], dtype=np.uint8)) == [2, 7, 254]


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGB"])
def test_binary_masks_are_read_from_any_kind_of_image(tmp_path, mode):
    image = Image.new("L", (2, 1))
    image.putpixel((1, 0), 255)
    stream = io.BytesIO()
    image.convert(mode).save(stream, format="PNG")
    (tmp_path / "mask.png").write_bytes(stream.getvalue())
    assert read_binary_png(tmp_path / "mask.png").tolist() == [[False, True]]


@pytest.mark.parametrize("counts", ["", "2", "5", "~~"])
def test_damaged_run_lengths_are_refused(counts: str) -> None:
    with pytest.raises(InputError, match="run"):
        decode_rle({"size": [2, 2], "counts": counts})
