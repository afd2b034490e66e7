"""RF-VNG with the reference vectors' ReferFormer weights, and the inputs of the stored cases."""

import json
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.recipe import clip, ellipse, weight
from tests.reference_stcn import StoredTensors
from vng.nn.builders import rf_vng_resnet50
from vng.nn.official_weights import load_official_referformer
from vng.nn.rf_vng import RFVNG

CASES = ("referformer_forward", "referformer_forward_padded_batch", "referformer_forward_odd_size")
ALIAS = "transformer.decoder."


@lru_cache(maxsize=1)
def referformer_weights(golden_dir: Path) -> dict[str, Tensor]:
    """All weights of an official ReferFormer, from the shapes of referformer_keys.json."""
    state: dict[str, Tensor] = {}
    for key, shape in json.loads((golden_dir / "referformer_keys.json").read_text()).items():
        name = key.removeprefix(ALIAS) if "decoder.bbox_embed" in key else key
        state[key] = weight(name, shape, _gain(name))
    return state


def _gain(key: str) -> float:
    if key in ("query_embed.weight", "transformer.level_embed"):
        return 16.0
    return 0.4 if key == "controller.layers.2.weight" else 1.0


@lru_cache(maxsize=1)
def reference_rf_vng(golden_dir: Path) -> RFVNG:
    """RF-VNG with the recipe's weights. Shared between tests: do not change it."""
    # Weights made under a test's inference mode would have no gradients in the next test.
    with torch.inference_mode(False):
        network = rf_vng_resnet50().eval()
        load_official_referformer(network, referformer_weights(golden_dir))
    return network


class Inputs(NamedTuple):
    """Arguments of the network for a stored case: one noun, whose feature is the sentence's."""

    frames_BT3HW: Tensor
    words_BLD: Tensor
    word_valid_BL: Tensor
    nouns_BND: Tensor
    sizes_B2: Tensor


def reference_inputs(network: RFVNG, stored: StoredTensors) -> Inputs:
    """The clips, padded, and the stored outputs of RoBERTa."""
    about = stored.description
    sizes = about["video_sizes_hw"]
    divisor = about["size_divisibility"]
    height, width = (-(-max(side) // divisor) * divisor for side in zip(*sizes, strict=True))
    frames = torch.full((len(sizes), about["frames"], 3, height, width), 0.9)  # not looked at
    for index, (name, (h, w)) in enumerate(zip(about["rgb_names"], sizes, strict=True)):
        rgb = clip(name, about["frames"], h, w)
        total = float(rgb.astype(np.float64).sum())
        assert total == pytest.approx(about["rgb_stats"][index]["sum"], rel=1e-6)
        # Frames that the network's own normalisation turns back into the clip.
        frames[index, :, :, :h, :w] = torch.from_numpy(rgb) * network.pixel_std + network.pixel_mean
    words = torch.from_numpy(stored.arrays["text_last_hidden_state"])
    lengths = torch.tensor([[len(ids)] for ids in about["input_ids"]])
    sentence = torch.from_numpy(stored.arrays["text_pooler_output"])
    return Inputs(
        frames,
        words,
        torch.arange(words.shape[1]) < lengths,
        sentence[:, None],
        torch.tensor(sizes),
    )


def reference_masks(
    ellipses: Sequence[Sequence[float]],
    absent: Sequence[Sequence[int]],
    sizes: Sequence[Sequence[int]],
    frames: int,
) -> list[Tensor]:
    """Target masks of each clip, bool [T, H, W]: an ellipse that moves, or nothing."""
    masks = []
    for parameters, missing, (height, width) in zip(ellipses, absent, sizes, strict=True):
        first = ellipse(*parameters, height, width)
        moved = [np.roll(first, (2 * t, 3 * t), axis=(0, 1)) for t in range(frames)]
        masks.append(
            torch.from_numpy(np.stack([m & (t not in missing) for t, m in enumerate(moved)]))
        )
    return masks
