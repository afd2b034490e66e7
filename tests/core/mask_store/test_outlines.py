"""Outlines: the same runs come back, whatever the masks are."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.core.errors import InputError
from pointvos.core.mask_store.outlines import Outlines, outlines_of_runs, runs_of_outlines
from pointvos.core.masks import encode_rle, read_index_png
from pointvos.core.run_lengths import compressed_runs, run_lengths


def runs_of(mask):
    return run_lengths(encode_rle(mask)["counts"].encode())


def there_and_back(runs, heights, widths):
    outlines = outlines_of_runs(runs, np.array(heights, np.int64))
    assert outlines.tracks.sum() == outlines.starts.size == outlines.lengths.size
    assert outlines.steps.size == sum(one.size - 1 for one in runs) - outlines.starts.size
    return outlines, runs_of_outlines(
        outlines, np.array(heights, np.int64), np.array(widths, np.int64)
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(1, 40), st.integers(1, 40), st.sampled_from([0.0, 0.02, 0.5, 0.97, 1.0])
        ),
        max_size=5,
    ),
    st.integers(0, 2**32 - 1),
)
def test_any_masks_come_back(shapes, seed):
    rng = np.random.default_rng(seed)
    masks = [rng.random((height, width)) < share for height, width, share in shapes]
    runs = [runs_of(mask) for mask in masks]
    heights, widths = [shape[0] for shape in shapes], [shape[1] for shape in shapes]
    _, found = there_and_back(runs, heights, widths)
    assert [one.tolist() for one in found] == [one.tolist() for one in runs]
    assert compressed_runs(found) == [encode_rle(mask)["counts"].encode() for mask in masks]


@pytest.mark.parametrize(
    "runs", [[0, 12], [12], [0, 3, 0, 9], [4, 0, 0, 0, 8], [12, 0], [0, 12, 0]]
)
def test_runs_of_no_pixels_come_back(runs):
    _, (found,) = there_and_back([np.array(runs)], [3], [4])
    assert found.tolist() == runs


def test_a_smooth_outline_is_few_tracks_of_small_steps():
    y, x = np.mgrid[:300, :400]
    disk = (x - 200) ** 2 + (y - 150) ** 2 < 100**2
    outlines, _ = there_and_back([runs_of(disk)], [300], [400])
    assert outlines.tracks.tolist() == [2]  # above and below
    assert outlines.lengths.tolist() == [199, 199]
    assert np.abs(outlines.steps).max() < 20


def test_a_step_of_more_than_a_byte_begins_another_track():
    mask = np.zeros((600, 2), bool)
    mask[10:20, 0] = mask[137:148, 1] = True
    outlines, (runs,) = there_and_back([runs_of(mask)], [600], [2])
    assert outlines.tracks.tolist() == [3]
    assert outlines.lengths.tolist() == [2, 1, 1]
    assert outlines.steps.tolist() == [127]
    assert runs.tolist() == runs_of(mask).tolist()


@pytest.mark.parametrize(
    ("tracks", "starts", "lengths", "steps", "message"),
    [
        ([2], [1, 2], [1, 0], [], "of tracks within the frame"),
        ([1], [1], [2], [], "of 2 numbers, found another number of steps"),
        ([1], [1], [10**12], [0], "another number of steps"),
        ([1], [10**9], [1], [], "of tracks within the frame"),
        ([1], [13], [1], [], "found one that leaves it"),
        ([1], [-1], [1], [], "found one that leaves it"),
        ([1], [0], [2], [-4], "found one that leaves it"),
        ([1], [9], [2], [2], "found one that leaves it"),
    ],
)
def test_damaged_outlines_are_refused(tracks, starts, lengths, steps, message):
    outlines = Outlines(
        *(np.array(one, np.int64) for one in (tracks, starts, lengths)), np.array(steps, np.int8)
    )
    with pytest.raises(InputError, match=message):
        runs_of_outlines(outlines, np.array([3]), np.array([4]))


@pytest.mark.data
def test_real_masks_come_back(data_dir):
    folder = data_dir / "davis16/Annotations/480p/dog"
    masks = [read_index_png(path) > 0 for path in sorted(folder.glob("*.png"))[:20]]
    height, width = masks[0].shape
    runs = [runs_of(mask) for mask in masks]
    outlines, found = there_and_back(runs, [height] * 20, [width] * 20)
    assert [one.tolist() for one in found] == [one.tolist() for one in runs]
    assert outlines.starts.size < 0.1 * sum(one.size for one in runs)
