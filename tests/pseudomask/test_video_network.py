"""A video network that segments the frame its points stand on."""

import numpy as np
import pytest

from pointvos.core.errors import InputError
from pointvos.core.points import Points
from pointvos.inference.models import load_model
from pointvos.pseudomask.backend import Prompt
from pointvos.pseudomask.expected_iou import expected_iou
from pointvos.pseudomask.video_network import VideoNetworkBackend, load_video_network
from tests.pseudomask.two_disks import overlap, two_disks


def on(*xy: tuple[int, int]) -> Points:
    return Points.from_pixels(xy, [1] * len(xy))


def test_two_disks_from_points_a_trace_and_both() -> None:
    image, left, right = two_disks()
    backend = load_video_network()
    trace = np.array([[30, 48], [40, 40], [50, 50]], np.float32)
    for prompt in (Prompt(points=on((40, 48))), Prompt(trace=trace)):
        (result,) = backend.masks(image, [prompt])
        assert overlap(result.mask, left) > 0.7
        assert 0.5 < result.score <= 1
    first, second = backend.masks(
        image, [Prompt(points=on((40, 48))), Prompt(points=on((110, 48)))]
    )
    assert overlap(first.mask, left) > 0.7
    assert overlap(second.mask, right) > 0.7
    assert not (first.mask & second.mask).any()
    assert backend.masks(image, []) == []


def test_an_earlier_mask_alone_is_the_result() -> None:
    image, left, right = two_disks()
    first, second = load_video_network().masks(
        image, [Prompt(previous=left), Prompt(points=on((110, 48)))]
    )
    np.testing.assert_array_equal(first.mask, left)
    assert first.score == 1.0
    assert overlap(second.mask, right) > 0.7


def test_an_image_that_comes_again_gives_the_same_for_less() -> None:
    image, _, _ = two_disks()
    keeping, plain = load_video_network(), VideoNetworkBackend(load_model("stcn-lite"))
    encoder = keeping.model.network.key_encoder
    encoded = []
    original = encoder.encoder.forward
    encoder.encoder.forward = lambda frames: encoded.append(frames.shape) or original(frames)
    for picture in (image, image, 255 - image, image):
        for xy in ((40, 48), (110, 48)):
            (kept,) = keeping.masks(picture, [Prompt(points=on(xy))])
            (fresh,) = plain.masks(picture, [Prompt(points=on(xy))])
            np.testing.assert_array_equal(kept.mask, fresh.mask)
            assert kept.score == fresh.score
    assert len(encoded) == 3 * 3  # three images one after the other, in copies of three sizes


def test_names_that_are_unknown() -> None:
    with pytest.raises(InputError, match=r"model: expected stcn-lite, .* or a file"):
        load_video_network("stcn-heavy")
    with pytest.raises(InputError, match="trace_points: expected at least 1, found 0"):
        load_video_network(trace_points=0)


@pytest.mark.parametrize(
    ("prob", "expected"),
    [
        ([1.0, 1.0, 0.0, 0.0], 1.0),
        ([0.5, 0.5, 0.0, 0.0], 0.5),  # doubt inside
        ([1.0, 1.0, 1.0, 1.0], 0.5),  # what was missed
        ([0.0, 0.0, 1.0, 0.0], 0.0),
    ],
)
def test_the_expected_iou(prob: list[float], expected: float) -> None:
    mask = np.array([[True, True, False, False]])
    assert expected_iou(mask, np.array([prob], np.float32)) == pytest.approx(expected)
    assert expected_iou(np.zeros((1, 4), bool), np.array([prob], np.float32)) == 0.0
