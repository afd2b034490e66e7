import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.core.points import Points
from pointvos.inference.coarse_to_fine import (
    against,
    ascend_to_one,
    scaled_size,
    segment_from_points,
)
from pointvos.inference.distance_gate import connected
from pointvos.inference.joint_masks import JointMasks
from pointvos.inference.propagator import Propagator
from pointvos.nn.stcn import STCN
from tests.tiny_network import tiny_stcn

HEIGHT, WIDTH = 64, 96
SMALL = (32, 48)


@pytest.fixture(scope="module")
def network() -> STCN:
    return tiny_stcn(point_radius=2, decodes_reference=True)


def frame() -> Tensor:
    return torch.rand(1, 3, HEIGHT, WIDTH, generator=torch.Generator().manual_seed(0))


def drawn(y: int, x: int, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Tensor:
    points = torch.zeros(size)
    points[y, x] = 1
    return points


def read_back(network: STCN, frame_BCHW: Tensor, mask_HW: Tensor, *, points: bool) -> Tensor:
    """One pass by hand: memorise the mask of one object and read it on the same frame."""
    features = network.encode_key(frame_BCHW)
    value = network.encode_value(frame_BCHW, features, mask_HW[None, None], points=points)
    readout = network.read(features, features.key_BCHW.flatten(2), value.flatten(3), 20)
    return network.decode(features, readout).sigmoid()


@torch.inference_mode()
def test_one_scale_reads_the_points_back(network: STCN) -> None:
    image, points = frame(), drawn(30, 40)
    found = segment_from_points(
        network,
        image,
        network.encode_key(image),
        {1: points},
        {1: points},
        scales=(1.0,),
        top_k=20,
    )
    torch.testing.assert_close(found, read_back(network, image, points, points=True)[0])


@torch.inference_mode()
def test_the_finer_pass_starts_from_the_mask_of_the_coarser(network: STCN) -> None:
    image, points, coarse_points = frame(), drawn(30, 40), drawn(15, 20, SMALL)
    found = segment_from_points(
        network,
        image,
        network.encode_key(image),
        {1: points},
        {1: coarse_points},
        scales=(0.5, 1.0),
        top_k=20,
    )
    copy = F.interpolate(image, SMALL, mode="bilinear", antialias=True)
    coarse = read_back(network, copy, coarse_points, points=True)
    coarse = F.interpolate(coarse, (HEIGHT, WIDTH), mode="bilinear")[0, 0]
    mask = JointMasks.aggregated({1: torch.maximum(coarse, points)}).joint_KHW[1]
    assert mask[30, 40] > 0.999  # where the point is is certain
    torch.testing.assert_close(found, read_back(network, image, mask, points=False)[0])


@torch.inference_mode()
def test_each_object_gets_its_own_row(network: STCN) -> None:
    image = frame()
    known = {i: torch.zeros(HEIGHT, WIDTH) for i in (2, 5, 7)}
    known[2][:, :40] = known[5][:, 44:50] = known[7][:20, 60:] = 1
    coarse = {i: F.max_pool2d(known[i][None], 2)[0] for i in (2, 7)}
    features = network.encode_key(image)

    def segment(ids: tuple[int, ...]) -> Tensor:
        coarse_points = {i: coarse[i] for i in ids}
        return segment_from_points(
            network, image, features, known, coarse_points, scales=(0.5, 1.0), top_k=20
        )

    assert not torch.allclose(*segment((2, 7)), atol=1e-4)
    torch.testing.assert_close(segment((7, 2)), segment((2, 7)).flip(0))


@torch.inference_mode()
def test_background_points_start_a_rival_of_their_object_alone(network: STCN) -> None:
    image, beside = frame(), drawn(30, 60)
    known = {1: drawn(30, 40), 2: drawn(10, 10)}
    plain, held = (
        segment_from_points(
            network,
            image,
            network.encode_key(image),
            known,
            known,
            scales=(1.0,),
            top_k=20,
            negative=negative,
            coarse_negative=negative,
        )
        for negative in ({}, {1: beside})
    )
    rival = connected(read_back(network, image, beside, points=True)[0, 0], beside)
    rival = torch.maximum(rival, beside)
    torch.testing.assert_close(held[0], against(plain[0], rival))
    torch.testing.assert_close(held[1], plain[1])
    assert held[0][30, 60] < 1e-5 < plain[0][30, 60]  # where the background point is


def test_of_two_rivals_the_surer_one_keeps_the_pixel() -> None:
    prob = torch.tensor([[0.9, 0.5, 0.9, 0.1]])
    rival = torch.tensor([[0.0, 0.5, 0.99, 0.9]])
    kept = against(prob, rival)
    torch.testing.assert_close(kept, torch.tensor([[0.9, 0.25, 0.9 / 12, 0.1 / 82]]))


def test_scales_matter_to_points_and_not_to_masks(network: STCN) -> None:
    image = np.random.default_rng(0).integers(0, 256, (50, 70, 3), dtype=np.uint8)
    mask = np.zeros((50, 70), bool)
    mask[10:30, 10:40] = True
    for given, matters in ((Points.from_pixels([(20, 20)], [1]), True), (mask, False)):
        plain, coarse_first = (
            Propagator(network, reference_scales=scales).step(image, {1: given}).prob
            for scales in ((1.0,), (0.5, 1.0))
        )
        assert np.allclose(plain, coarse_first, atol=1e-4) is not matters


def test_copies_have_sides_that_the_network_takes() -> None:
    assert scaled_size(416, 752, 0.5) == (208, 384)
    assert scaled_size(32, 48, 0.1) == (16, 16)


@pytest.mark.parametrize(
    ("scales", "fit"),
    [
        ((1.0,), True),
        ((0.5, 0.7, 1.0), True),
        ((), False),
        ((0.5,), False),
        ((0.0, 1.0), False),
        ((0.7, 0.5, 1.0), False),
        ((0.5, 0.5, 1.0), False),
        ((1.0, 2.0), False),
    ],
)
def test_scales_ascend_to_one(scales: tuple[float, ...], fit: bool) -> None:
    assert ascend_to_one(scales) is fit
