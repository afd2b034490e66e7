"""Inputs and weights of the reference vectors, drawn from names (RECIPE.md beside the vectors)."""

import math
import zlib
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

SEED = 0
FloatArray = NDArray[np.float32]
BoolArray = NDArray[np.bool_]


def generator(name: str) -> np.random.Generator:
    """Random generator of a name."""
    return np.random.default_rng(zlib.crc32(name.encode()) + SEED)


def draw(name: str, shape: Sequence[int]) -> NDArray[np.float64]:
    """Standard normal values of a name."""
    return generator(name).standard_normal(tuple(shape))


def weight(key: str, shape: Sequence[int], gain: float) -> torch.Tensor:
    """Floating tensor of an official state dict."""
    x = draw(key, shape)
    if len(shape) >= 2:
        x = x * gain / math.sqrt(math.prod(shape[1:]))
    elif key.endswith("running_mean"):
        x = 0.1 * x
    elif key.endswith("running_var"):
        x = 1 + 0.2 * np.abs(x)
    elif key.endswith("bias"):
        x = 0.1 * x
    elif key.endswith("weight"):
        x = 1 + 0.1 * x
    else:
        raise ValueError(f"no rule for 1-D key {key!r}")
    return torch.from_numpy(x.astype(np.float32))


def stcn_weights(shapes: Mapping[str, Sequence[int]]) -> dict[str, torch.Tensor]:
    """All weights of an official STCN, from the shapes of stcn_keys*.json."""
    state = {}
    for key, shape in shapes.items():
        if key.endswith("num_batches_tracked"):
            state[key] = torch.zeros((), dtype=torch.int64)
            continue
        state[key] = weight(key, shape, _stcn_gain(key))
    state["value_encoder.conv1.weight"][:, 3:] *= 4
    state["decoder.pred.bias"].fill_(3.0)
    return state


def _stcn_gain(key: str) -> float:
    if key == "key_proj.key_proj.weight":
        return 2.0
    if key.startswith("value_encoder.") and not key.startswith("value_encoder.fuser."):
        return 1.4
    return 1.0


def clip(name: str, frames: int, height: int, width: int) -> FloatArray:
    """Moving blocks with noise, [T, 3, H, W], already normalised."""
    coarse = draw(name + ".base", (3, math.ceil(height / 8), math.ceil(width / 8)))
    base = coarse.repeat(8, axis=1).repeat(8, axis=2)[:, :height, :width]
    noise = draw(name + ".noise", (frames, 3, height, width))
    moved = [np.roll(base, (2 * t, 3 * t), axis=(1, 2)) for t in range(frames)]
    return (np.stack(moved) + 0.25 * noise).astype(np.float32)


def ellipse(cy: float, cx: float, ry: float, rx: float, height: int, width: int) -> BoolArray:
    """Filled ellipse, bool [H, W]."""
    y, x = np.mgrid[:height, :width]
    inside: BoolArray = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2 <= 1
    return inside


def training_masks(
    ellipses: Sequence[Sequence[float]], frames: int, height: int, width: int
) -> FloatArray:
    """Masks [T, O, H, W] of objects moving with the clip; a later one excludes earlier ones."""
    masks = np.zeros((frames, len(ellipses), height, width), dtype=bool)
    for t in range(frames):
        taken = np.zeros((height, width), dtype=bool)
        for o, parameters in enumerate(ellipses):
            rolled = np.roll(ellipse(*parameters, height, width), (2 * t, 3 * t), axis=(0, 1))
            masks[t, o] = rolled & ~taken
            taken |= rolled
    return masks.astype(np.float32)
