"""The full network with the reference vectors' weights, and comparison with what is stored."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pointvos.nn.aggregate import soft_aggregate
from pointvos.nn.builders import stcn_resnet50
from pointvos.nn.official_weights import load_official_stcn
from pointvos.nn.stcn import STCN, QueryFeatures
from tests.recipe import stcn_weights


@lru_cache(maxsize=2)
def reference_stcn(golden_dir: Path, *, other_mask: bool = True) -> STCN:
    """STCN with the recipe's weights. Shared between tests: do not change it."""
    name = "stcn_keys.json" if other_mask else "stcn_keys_static.json"
    # Weights made under a test's inference mode would have no gradients in the next test.
    with torch.inference_mode(False):
        network = stcn_resnet50(other_mask=other_mask).eval()
        load_official_stcn(network, stcn_weights(json.loads((golden_dir / name).read_text())))
    return network


def in_unit_range(network: STCN, clip: NDArray[np.float32]) -> Tensor:
    """Frames that the network's own normalisation turns back into `clip`."""
    return torch.from_numpy(clip) * network.pixel_std + network.pixel_mean


class StoredTensors:
    """Tensors of one case: whole, or every n-th element, with the json that describes them."""

    def __init__(self, golden_dir: Path, case: str) -> None:
        self.description: dict[str, Any] = json.loads((golden_dir / f"{case}.json").read_text())
        with np.load(golden_dir / f"{case}.npz") as arrays:
            self.arrays: dict[str, NDArray[Any]] = dict(arrays)

    @property
    def names(self) -> set[str]:
        """Names of all tensors of the case."""
        return set(self.description["tensors"])

    def assert_close(self, name: str, found: Tensor, *, atol: float) -> None:
        """Compare shape, stored elements and the sum over all elements."""
        about = self.description["tensors"][name]
        values = found.detach().numpy()
        assert list(values.shape) == about["shape"], name
        if name in self.arrays:
            np.testing.assert_allclose(values, self.arrays[name], rtol=0, atol=atol, err_msg=name)
        else:
            step = int(about["stored"].split("[::")[1].rstrip("]"))
            stored = self.arrays[f"{name}__sub"]
            np.testing.assert_allclose(
                values.ravel()[::step], stored, rtol=0, atol=atol, err_msg=name
            )
        total = float(np.abs(values.astype(np.float64)).sum())
        np.testing.assert_allclose(total, about["abs_sum"], rtol=1e-4, err_msg=name)


class TrainingForward(NamedTuple):
    """Everything the reference stores of a three-frame training clip."""

    features: list[QueryFeatures]
    value0_BOCHW: Tensor
    value1_BOCHW: Tensor
    logits: list[Tensor]  # of frames 1 and 2, [B, O + 1, H, W]


def training_forward(network: STCN, frames_T3HW: Tensor, reference_1OHW: Tensor) -> TrainingForward:
    """Frame 1 from the given frame 0; frame 2 from frame 0 and the prediction on frame 1."""
    features = [network.encode_key(frame[None]) for frame in frames_T3HW]
    keys = [feature.key_BCHW.flatten(2) for feature in features]

    def segment(query: QueryFeatures, memory: Sequence[int], values: Sequence[Tensor]) -> Tensor:
        memory_key = torch.cat([keys[t] for t in memory], dim=2)
        memory_value = torch.cat([value.flatten(3) for value in values], dim=3)
        readout = network.read(query, memory_key, memory_value)
        return soft_aggregate(network.decode(query, readout).sigmoid())

    value0 = network.encode_value(frames_T3HW[:1], features[0], reference_1OHW)
    logits1 = segment(features[1], [0], [value0])
    prob1 = logits1.softmax(dim=1)[:, 1:]
    value1 = network.encode_value(frames_T3HW[1:2], features[1], prob1)
    logits2 = segment(features[2], [0, 1], [value0, value1])
    return TrainingForward(features, value0, value1, [logits1, logits2])


def named_like_the_reference(forward: TrainingForward) -> Mapping[str, Tensor]:
    """The tensors of a training forward under the stored names and layouts."""
    named = {
        "k16": torch.stack([f.key_BCHW for f in forward.features], dim=2),
        "f16_thin": torch.stack([f.thin_BCHW for f in forward.features], dim=1),
        "f16": torch.stack([f.f16_BCHW for f in forward.features], dim=1),
        "f8": torch.stack([f.f8_BCHW for f in forward.features], dim=1),
        "f4": torch.stack([f.f4_BCHW for f in forward.features], dim=1),
    }
    for t, value in enumerate((forward.value0_BOCHW, forward.value1_BOCHW)):
        named[f"value{t}"] = value[:, 0, :, None]
        for o in range(value.shape[1]):
            named[f"value{t}_obj{o + 1}"] = value[:, o, :, None]
    for t, logits in enumerate(forward.logits, start=1):
        named[f"logits_{t}"] = logits
        named[f"prob_{t}"] = logits.softmax(dim=1)[:, 1:]
    return named
