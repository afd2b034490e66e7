"""The guided filter: against its definition, and what it does to a blurred boundary."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.inference.edge_filter import COLOUR_NOISE, EdgeFilter
from pointvos.nn.stcn import PREDICTION_STRIDE

HEIGHT, WIDTH = 48, 64


def noise(*shape: int) -> Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(sum(shape)))


def by_definition(prob: np.ndarray, rgb: np.ndarray, window: int) -> tuple[np.ndarray, np.ndarray]:
    """A least-squares fit in every window, then the mean of all fits that cover a cell."""
    height, width = prob.shape
    slope, offset = np.zeros((3, height, width)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            rows = slice(max(0, y - window), y + window + 1)
            columns = slice(max(0, x - window), x + window + 1)
            color = rgb[:, rows, columns].reshape(3, -1)
            p = prob[rows, columns].ravel()
            centred = color - color.mean(axis=1, keepdims=True)
            variance = centred @ centred.T / len(p) + COLOUR_NOISE * np.eye(3)
            fit = np.linalg.solve(variance, centred @ (p - p.mean()) / len(p))
            slope[:, y, x], offset[y, x] = fit, p.mean() - fit @ color.mean(axis=1)
    smooth_slope, smooth_offset = np.zeros_like(slope), np.zeros_like(offset)
    for y in range(height):
        for x in range(width):
            rows = slice(max(0, y - window), y + window + 1)
            columns = slice(max(0, x - window), x + window + 1)
            smooth_slope[:, y, x] = slope[:, rows, columns].mean(axis=(1, 2))
            smooth_offset[y, x] = offset[rows, columns].mean()
    return smooth_slope, smooth_offset


def test_it_is_the_guided_filter_of_the_paper() -> None:
    rgb = F.interpolate(noise(1, 3, 12, 16), (HEIGHT, WIDTH), mode="bilinear")[0]
    prob = F.interpolate(noise(1, 2, 6, 8), (HEIGHT, WIDTH), mode="bilinear")[0]
    small_rgb = F.avg_pool2d(rgb, PREDICTION_STRIDE).double().numpy()
    found = EdgeFilter(rgb, radius=2 * PREDICTION_STRIDE)(prob)
    for o in range(2):
        small_prob = F.avg_pool2d(prob[o][None], PREDICTION_STRIDE)[0].double().numpy()
        slope, offset = by_definition(small_prob, small_rgb, window=2)
        both = torch.from_numpy(np.concatenate([slope, offset[None]])).float()
        large = F.interpolate(both[None], (HEIGHT, WIDTH), mode="bilinear")[0]
        expected = ((large[:3] * rgb).sum(dim=0) + large[3]).clamp(0, 1)
        torch.testing.assert_close(found[o], expected, atol=1e-3, rtol=0)


def test_a_blurred_and_shifted_boundary_moves_to_the_edge_of_the_image() -> None:
    truth = torch.zeros(HEIGHT, WIDTH)
    truth[12:36, 18:46] = 1
    rgb = torch.where(truth > 0, 0.7, 0.3) + 0.01 * noise(3, HEIGHT, WIDTH)
    shifted = torch.roll(truth, (3, -3), dims=(0, 1))
    blurred = F.avg_pool2d(shifted[None], 9, 1, 4)
    found = EdgeFilter(rgb, radius=12)(blurred)

    def iou(mask: Tensor) -> float:
        return float((mask & (truth > 0)).sum() / (mask | (truth > 0)).sum())

    assert iou(blurred[0] > 0.5) < 0.75
    assert iou(found[0] > 0.5) > 0.95


def test_certainty_stays_and_probabilities_stay_in_range() -> None:
    rgb = noise(3, HEIGHT, WIDTH)
    flat = torch.stack([torch.zeros(HEIGHT, WIDTH), torch.ones(HEIGHT, WIDTH)])
    torch.testing.assert_close(EdgeFilter(rgb, radius=16)(flat), flat, atol=1e-4, rtol=0)
    found = EdgeFilter(rgb, radius=1000)((noise(1, HEIGHT, WIDTH) > 0.5).float())
    assert found.min() >= 0
    assert found.max() <= 1
    assert found.isfinite().all()


def test_an_image_without_edges_only_smooths() -> None:
    prob = noise(1, HEIGHT, WIDTH)
    grey = torch.full((3, HEIGHT, WIDTH), 0.5)
    found = EdgeFilter(grey, radius=8)(prob)
    assert found.std() < prob.std() / 4
    assert abs(float(found.mean() - prob.mean())) < 0.02
