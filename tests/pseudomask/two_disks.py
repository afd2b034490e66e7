"""An image of two things that colour tells from what is around them."""

import cv2
import numpy as np

HEIGHT, WIDTH = 96, 144


def two_disks() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Two red disks on noisy green, and their masks."""
    rng = np.random.default_rng(0)
    image = np.full((HEIGHT, WIDTH, 3), (40, 120, 50), np.uint8)
    left, right = (np.zeros((HEIGHT, WIDTH), np.uint8) for _ in range(2))
    cv2.circle(left, (40, 48), 22, 1, thickness=-1)
    cv2.circle(right, (110, 48), 16, 1, thickness=-1)
    image[(left | right) > 0] = (200, 60, 40)
    noisy = image + rng.normal(0, 8, image.shape)
    return noisy.clip(0, 255).astype(np.uint8), left > 0, right > 0


def overlap(mask: np.ndarray, other: np.ndarray) -> float:
    return (mask & other).sum() / (mask | other).sum()
