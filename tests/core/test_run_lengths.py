"""Run lengths from untrusted files."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pointvos.core.errors import InputError
from pointvos.core.masks import decode_rle, encode_rle
from pointvos.core.run_lengths import checked_runs, compressed_runs, decode_runs, run_lengths


@given(arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_decoding_agrees_with_pycocotools(mask):
    rle = encode_rle(mask)
    decoded = decode_runs(rle["counts"].encode(), *mask.shape)
    assert np.array_equal(decoded, mask)
    assert np.array_equal(decoded, decode_rle(rle))
    assert decoded.dtype == bool


@pytest.mark.parametrize("shape", [(1, 1), (480, 854), (1080, 1920)])
@pytest.mark.parametrize("value", [False, True])
def test_empty_and_full_masks(shape, value):
    counts = encode_rle(np.full(shape, value))["counts"].encode()
    assert (decode_runs(counts, *shape) == value).all()


def test_numbers_of_several_characters():
    mask = np.zeros((600, 700), bool)
    mask[17:580, 5:690] = True
    assert np.array_equal(decode_runs(encode_rle(mask)["counts"].encode(), 600, 700), mask)


@given(st.binary(max_size=40), st.integers(1, 30), st.integers(1, 30))
def test_any_bytes_are_decoded_or_refused(counts, height, width):
    try:
        mask = decode_runs(counts, height, width)
    except InputError:
        return
    assert mask.shape == (height, width)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        (b"", r"expected runs that add up to 2x2 = 4 pixels, found 0"),
        (b"1", "found 1"),
        (b"9", "found 9"),
        (b"2/1", "expected the characters '0' to 'o'"),
        (b"21\xff", "expected the characters '0' to 'o'"),
        (b"2P", "found them cut off"),
        (b"P", "found them cut off"),
        (b"PPPPPPPPPPPP1", "found a larger number"),
        (b"2N", "expected run lengths of at least 0"),
    ],
)
def test_what_does_not_fill_a_mask_is_refused(counts, message):
    with pytest.raises(InputError, match=message):
        decode_runs(counts, 2, 2)


def test_the_fourth_run_is_a_difference():
    assert run_lengths(b"2152").tolist() == [2, 1, 5, 3]


@pytest.mark.parametrize("size", [(10**6, 10**6), (0, 4), (4, 0), (-2, -2), (2**40, 2**40)])
def test_absurd_sizes_are_refused_before_anything_is_allocated(size):
    with pytest.raises(InputError, match="expected a mask of 1 to"):
        checked_runs(b"0", *size)


@settings(deadline=None)
@given(
    st.lists(
        st.lists(st.integers(0, 2**26), min_size=1, max_size=12).map(
            lambda runs: np.array(runs, np.int64)
        ),
        max_size=4,
    )
)
def test_compressed_runs_undoes_run_lengths(runs):
    counts = compressed_runs(runs)
    assert [run_lengths(one).tolist() for one in counts] == [one.tolist() for one in runs]


def test_compressed_runs_are_those_of_pycocotools():
    rng = np.random.default_rng(0)
    masks = [rng.random((40, 30)) < share for share in (0.0, 0.03, 0.5, 1.0)]
    expected = [encode_rle(mask)["counts"].encode() for mask in masks]
    assert compressed_runs([run_lengths(one) for one in expected]) == expected
    assert compressed_runs([]) == []
