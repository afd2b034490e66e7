import numpy as np
import torch

from pointvos.inference.network_view import NetworkView
from tests.tiny_network import tiny_stcn


def test_native_view_pads_with_the_mean_colour() -> None:
    network = tiny_stcn()
    rgb = np.full((30, 20, 3), 255, np.uint8)
    padded = NetworkView.of(30, 20, None).frame(rgb, network)
    assert padded.shape == (1, 3, 32, 32)
    assert torch.equal(padded[0, :, 1:31, 6:26], torch.ones(3, 30, 20))
    torch.testing.assert_close(padded[0, :, 0], network.pixel_mean[:, 0].expand(3, 32))


def test_uint8_and_unit_range_frames_are_the_same() -> None:
    network = tiny_stcn()
    rgb = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    view = NetworkView.of(16, 16, None)
    unit = (rgb / 255).astype(np.float32)
    torch.testing.assert_close(view.frame(rgb, network), view.frame(unit, network))


def test_short_side_sets_the_inner_size() -> None:
    wide, tall = NetworkView.of(480, 854, 352), NetworkView.of(854, 480, 352)
    assert (wide.inner_height, wide.inner_width) == (352, 626)
    assert (tall.inner_height, tall.inner_width) == (626, 352)
    assert not NetworkView.of(480, 854, 480).resizes


def test_point_masks_and_predictions_of_it_meet_at_the_same_place() -> None:
    """A point, drawn inside the network and brought back, is where it was."""
    view = NetworkView.of(101, 203, 48)
    xy = np.array([[150.5, 20.5]], np.float32)
    drawn = view.points(xy, radius=0)
    assert drawn.sum() == 1
    y, x = np.unravel_index(view.prediction(drawn[None])[0].argmax().item(), (101, 203))
    scale = 101 / 48
    assert abs(x + 0.5 - xy[0, 0]) <= scale
    assert abs(y + 0.5 - xy[0, 1]) <= scale


def test_point_radius_is_in_network_pixels() -> None:
    drawn = NetworkView.of(96, 96, 48).points(np.array([[48.0, 48.0]], np.float32), radius=3)
    assert drawn.shape == (48, 48)
    assert drawn.any(dim=0).sum() == drawn.any(dim=1).sum() == 7


def test_points_of_a_smaller_copy_lie_where_those_of_the_input_do() -> None:
    view = NetworkView.of(90, 150, 96)  # 96 x 160 inside, no padding
    xy = np.array([[30.0, 45.0], [149.9, 0.1], [150.1, 0.1]], np.float32)  # the last is outside
    copy = view.points(xy, 0, (48, 80))
    assert copy.shape == (48, 80)
    assert copy.nonzero().tolist() == [[0, 79], [24, 16]]
    assert view.points(xy, 2, (48, 80))[24].sum() == 5  # the radius is that of the copy


def test_mask_of_one_pixel_survives_the_resize() -> None:
    mask = np.zeros((100, 100), bool)
    mask[50, 50] = True
    small = NetworkView.of(100, 100, 16).mask(mask)
    assert small.sum() == 1
    assert set(small.unique().tolist()) == {0.0, 1.0}


def test_prediction_has_the_original_size_for_odd_frames() -> None:
    for short_side in (None, 33, 90):
        view = NetworkView.of(51, 75, short_side)
        frame = view.frame(np.zeros((51, 75, 3), np.uint8), tiny_stcn())
        assert view.prediction(torch.zeros(2, *frame.shape[2:])).shape == (2, 51, 75)
