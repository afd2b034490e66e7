import numpy as np
import pytest

from pointvos.inference.segmentation import PackedSegmentation, Segmentation


def two_objects() -> Segmentation:
    prob = np.array([[0.6, 0.1, 0.2], [0.3, 0.8, 0.2], [0.1, 0.1, 0.6]], np.float32)
    return Segmentation((3, 300), prob[:, None])


def test_index_mask_uses_the_callers_ids() -> None:
    index = two_objects().index_mask()
    assert index.tolist() == [[0, 3, 300]]
    assert index.dtype == np.uint16
    assert Segmentation.background(2, 3).index_mask().dtype == np.uint8
    assert not Segmentation.background(2, 3).index_mask().any()


def test_one_map_per_object_and_one_for_the_background() -> None:
    with pytest.raises(ValueError, match=r"expected prob \[3, H, W\] for objects \[1, 2\]"):
        Segmentation((1, 2), np.ones((2, 4, 4), np.float32))


def test_joining_keeps_each_objects_place_and_sums_to_one() -> None:
    other = Segmentation((7,), np.array([[0.9, 0.9, 0.05], [0.1, 0.1, 0.95]], np.float32)[:, None])
    joined = two_objects().joined(other)
    assert joined.object_ids == (3, 7, 300)
    np.testing.assert_allclose(joined.prob.sum(axis=0), 1, atol=1e-6)
    assert joined.index_mask().tolist() == [[0, 3, 7]]
    with pytest.raises(ValueError, match=r"found \{7\} in both"):
        joined.joined(other)


def test_packing_keeps_the_chosen_objects_to_a_255th() -> None:
    packed = PackedSegmentation.pack(two_objects(), {300, 4})
    unpacked = packed.unpack()
    assert unpacked.object_ids == (300,)
    np.testing.assert_allclose(unpacked.prob_of(300), two_objects().prob_of(300), atol=0.5 / 255)
    np.testing.assert_allclose(unpacked.prob.sum(axis=0), 1, atol=1e-6)
