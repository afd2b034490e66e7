"""The dynamic mask head: reference vectors, and the plain form with a convolution per query."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from tests.recipe import draw
from vng.nn.dynamic_mask_head import DynamicMaskHead, dynamic_masks, parameter_counts


def plain_masks(features: Tensor, parameters: Tensor, reference: Tensor, hidden: int) -> Tensor:
    """One query at a time, float64."""
    channels, height, width = features.shape[1:]
    y, x = torch.meshgrid(
        torch.arange(height).double() * 4 + 2, torch.arange(width).double() * 4 + 2, indexing="ij"
    )
    masks = torch.zeros(*parameters.shape[:2], height, width, dtype=torch.float64)
    for f, q in np.ndindex(*parameters.shape[:2]):
        parts = parameters[f, q].double().split(parameter_counts(channels, hidden))
        relative = torch.stack([reference[f, q, 0] - x, reference[f, q, 1] - y])
        out = torch.cat([features[f].double(), relative])[None]
        for layer, outputs in enumerate((hidden, hidden, 1)):
            weight = parts[layer].reshape(outputs, -1, 1, 1)
            out = F.conv2d(out.relu() if layer else out, weight, parts[3 + layer])
        masks[f, q] = out[0, 0]
    return masks


def random_inputs(queries: int = 3, hidden: int = 8) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    count = sum(parameter_counts(16, hidden))
    return (
        torch.randn(2, 16, 5, 7, generator=rng),
        0.3 * torch.randn(2, queries, count, generator=rng),
        30 * torch.rand(2, queries, 2, generator=rng),
    )


@pytest.mark.parity
@pytest.mark.data
def test_the_reference_output(golden_dir: Path) -> None:
    about = json.loads((golden_dir / "dynamic_mask_head.json").read_text())
    with np.load(golden_dir / "dynamic_mask_head.npz") as stored:
        arrays = {name: torch.from_numpy(stored[name]) for name in stored.files}
    batch, frames, queries, channels, height, width = _sizes(arrays["bthw"], arrays)
    features = torch.from_numpy(
        draw("dyn.features", (batch, frames, channels, height, width)).astype(np.float32)
    )
    np.testing.assert_array_equal(features.flatten()[::64].numpy(), arrays["features_sub64"])
    parameters = torch.from_numpy(
        (0.15 * draw("dyn.params", (batch, frames * queries, 2153))).astype(np.float32)
    )
    np.testing.assert_allclose(parameters.numpy(), arrays["params"], atol=1e-7)
    (image_height, image_width) = arrays["sizes_hw"][0].tolist()
    reference = arrays["reference_points"] * torch.tensor([image_width, image_height])
    found = dynamic_masks(
        features.flatten(0, 1),
        parameters.reshape(batch * frames, queries, -1),
        reference.reshape(batch * frames, queries, 2),
    )
    found = found.reshape(batch, frames * queries, height, width)
    assert list(found.shape) == about["output_stats"]["shape"]
    torch.testing.assert_close(found, arrays["output"], atol=1e-3, rtol=0)


def _sizes(bthw: Tensor, arrays: dict[str, Tensor]) -> list[int]:
    batch, queries_of_clip = arrays["params"].shape[:2]
    frames, channels, height, width = 2, 256, *arrays["output"].shape[-2:]
    found = [batch, frames, queries_of_clip // frames, channels, height, width]
    assert sorted(found) == sorted(bthw.tolist())
    return found


@pytest.mark.parametrize("hidden", [8, 4])
def test_it_is_a_convolution_per_query(hidden: int) -> None:
    features, parameters, reference = random_inputs(hidden=hidden)
    found = dynamic_masks(features, parameters, reference, hidden=hidden)
    expected = plain_masks(features, parameters, reference, hidden)
    assert expected.std() > 0.5
    torch.testing.assert_close(found.double(), expected, atol=1e-4, rtol=1e-4)


def test_coordinates_count_in_units() -> None:
    features, parameters, reference = random_inputs()
    scaled = parameters.clone()
    weight0 = scaled[..., : 18 * 8].unflatten(-1, (8, 18))
    weight0[..., 16:] /= 4
    expected = dynamic_masks(features, scaled, reference)
    found = dynamic_masks(features, parameters, reference, coordinate_unit=4.0)
    torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-4)


def test_gradients_are_those_of_the_plain_form() -> None:
    gradients = []
    for form in (dynamic_masks, plain_masks):
        leaves = [x.requires_grad_() for x in random_inputs()[:2]]
        masks = form(*leaves, random_inputs()[2], hidden=8)
        gradients.append(torch.autograd.grad(masks.square().mean(), leaves))
    for found, expected in zip(*gradients, strict=True):
        assert expected.abs().max() > 1e-2
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-3)


def test_another_number_of_parameters_is_refused() -> None:
    features, parameters, reference = random_inputs()
    with pytest.raises(ValueError, match="expected 233 parameters of each query, found 232"):
        dynamic_masks(features, parameters[..., 1:], reference)


def test_the_published_head_has_2153_parameters() -> None:
    head = DynamicMaskHead(query_channels=256, mask_channels=256)
    assert head.controller.layers[-1].out_features == 2153
