"""What the network is trained to do over a clip is what the propagator does over a video."""

import numpy as np
import pytest
import torch

from pointvos.core.geometry import rasterise
from pointvos.core.points import PointLabel, Points
from pointvos.datasets.collate import VosBatch
from pointvos.inference.propagator import Propagator
from pointvos.nn.lite import stcn_lite
from pointvos.nn.stcn import STCN
from pointvos.training.segment_clip import segment_clip
from tests.tiny_network import tiny_stcn

HEIGHT, WIDTH = 64, 96
# Two points of each object; one of the second lies where the first object's disk is drawn.
POINTS = np.array([[[20.5, 20.5], [30.5, 40.5]], [[34.5, 40.5], [70.5, 30.5]]], np.float32)


def random_lite() -> STCN:
    torch.manual_seed(0)
    return stcn_lite().eval()


@pytest.mark.parametrize(
    "network",
    [
        tiny_stcn(),
        tiny_stcn(point_radius=3, decodes_reference=True),
        pytest.param(random_lite(), id="lite"),
    ],
)
@pytest.mark.parametrize("given", ["points", "masks"])
def test_a_clip_and_a_video_give_the_same_probabilities(network: STCN, given: str) -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (3, HEIGHT, WIDTH, 3), dtype=np.uint8)
    if given == "points":
        drawn = [rasterise(xy, HEIGHT, WIDTH, network.point_radius) for xy in POINTS]
        objects = {
            1 + o: Points(xy, np.full(len(xy), PointLabel.FOREGROUND, np.int8))
            for o, xy in enumerate(POINTS)
        }
    else:
        drawn = [np.zeros((HEIGHT, WIDTH), bool) for _ in range(2)]
        drawn[0][10:40, 10:50] = drawn[1][30:60, 60:90] = True
        objects = {1 + o: mask for o, mask in enumerate(drawn)}
    batch = VosBatch(
        frames_BTCHW=torch.from_numpy(rgb).permute(0, 3, 1, 2)[None].float() / 255,
        reference_BOHW=torch.from_numpy(np.stack(drawn))[None].float(),
        index_BTHW=torch.zeros(1, 3, HEIGHT, WIDTH, dtype=torch.int64),
        xy_BTP2=torch.zeros(1, 3, 0, 2),
        classes_BTP=torch.zeros(1, 3, 0, dtype=torch.int64),
        present_BO=torch.ones(1, 2, dtype=torch.bool),
    )
    with torch.inference_mode():
        trained = segment_clip(network, batch, given_masks=given == "masks")
    propagator = Propagator(network, top_k=None, memory_every=1)
    for t, frame in enumerate(rgb):
        found = propagator.step(frame, objects if t == 0 else None)
        logits = trained[t]
        if t > 0:  # on the first frame the propagator also shows what it was given
            assert logits is not None
            np.testing.assert_allclose(found.prob, logits.softmax(dim=1)[0].numpy(), atol=1e-5)
