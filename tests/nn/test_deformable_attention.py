"""Deformable attention: reference vectors, and that the fast form is the straightforward one."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from pointvos.nn.deformable_attention import (
    MultiScaleDeformableAttention,
    bag_form,
    grid_form,
    multi_scale_deformable_attention,
)

SHAPES = ((6, 9), (3, 5), (2, 3))
POSITIONS = sum(height * width for height, width in SHAPES)
FORMS = (bag_form, grid_form)
Inputs = tuple[Tensor, Tensor, Tensor]


def inputs(batch: int = 2, queries: int = 11, dtype: torch.dtype = torch.float32) -> Inputs:
    """Values, locations of which many lie outside the image, weights."""
    rng = torch.Generator().manual_seed(0)
    value = torch.randn(batch, POSITIONS, 4, 8, generator=rng, dtype=dtype)
    locations = 2 * torch.rand(batch, queries, 4, 3, 2, 2, generator=rng, dtype=dtype) - 0.5
    weights = torch.randn(batch, queries, 4, 3, 2, generator=rng, dtype=dtype)
    return value, locations, weights


def reference(golden_dir: Path) -> dict[str, Tensor]:
    with np.load(golden_dir / "ms_deform_attn.npz") as stored:
        return {name: torch.from_numpy(stored[name]) for name in stored.files}


@pytest.mark.parity
@pytest.mark.data
@pytest.mark.parametrize("form", FORMS)
def test_the_core_gives_the_reference_output(golden_dir: Path, form: object) -> None:
    stored = reference(golden_dir)
    shapes = [(height, width) for height, width in stored["spatial_shapes"].tolist()]
    names = ("sampling_locations", "attention_weights")
    found = form(stored["value"], shapes, *(stored[name] for name in names))  # type: ignore[operator]
    torch.testing.assert_close(found, stored["output"], atol=1e-5, rtol=0)


@pytest.mark.parity
@pytest.mark.data
@pytest.mark.parametrize("components", [2, 4])
@torch.inference_mode()
def test_the_module_gives_the_reference_output(golden_dir: Path, components: int) -> None:
    stored = reference(golden_dir)
    shapes = [(height, width) for height, width in stored["spatial_shapes"].tolist()]
    module = MultiScaleDeformableAttention(channels=32, levels=3, heads=4, points=3)
    prefix = "module_param_"
    parameters = {
        name.removeprefix(prefix): value for name, value in stored.items() if prefix in name
    }
    module.load_state_dict(parameters, strict=True)
    found = module(
        stored["module_query"],
        stored[f"module_ref{components}"],
        stored["module_input"],
        shapes,
        stored["module_padding_mask"],
    )
    assert stored["module_padding_mask"].any()
    torch.testing.assert_close(found, stored[f"module_out_ref{components}"], atol=1e-5, rtol=0)


def test_both_forms_and_their_gradients_are_equal() -> None:
    results = []
    for form in FORMS:
        leaves = [x.requires_grad_() for x in inputs(dtype=torch.float64)]
        value, locations, weights = leaves
        out = form(value, SHAPES, locations, weights)
        results.append((out, *torch.autograd.grad(out.square().sum(), leaves)))
    for name, fast, plain in zip(("out", "value", "xy", "weight"), *results, strict=True):
        assert plain.abs().max() > 0.1, name
        torch.testing.assert_close(fast, plain, atol=1e-9, rtol=1e-9, msg=name)


def test_gradients_flow_to_whatever_asks_for_them() -> None:
    value, locations, weights = inputs()
    for asked in range(3):
        leaves = [x.clone().requires_grad_(i == asked) for i, x in enumerate(inputs())]
        bag_form(leaves[0], SHAPES, leaves[1], leaves[2]).sum().backward()
        assert leaves[asked].grad is not None
        assert leaves[asked].grad.abs().max() > 0
    assert not bag_form(value, SHAPES, locations, weights).requires_grad


@pytest.mark.parametrize("form", FORMS)
def test_a_pixel_centre_reads_that_pixel_and_outside_is_zero(form: object) -> None:
    value = torch.arange(6.0).reshape(1, 6, 1, 1)  # one level of 2 rows, 3 columns
    xy = torch.tensor([[2.5 / 3, 1.5 / 2], [1.0, 0.75], [-1e12, 0.5], [0.5, 1e12]])
    locations = xy.reshape(1, 4, 1, 1, 1, 2)
    found = form(value, [(2, 3)], locations, torch.ones(1, 4, 1, 1, 1))  # type: ignore[operator]
    # On the border half of the weight lies outside.
    assert found.flatten().tolist() == pytest.approx([5, 2.5, 0, 0], abs=1e-5)


def test_half_precision_is_read_in_full() -> None:
    value, locations, weights = inputs()
    expected = multi_scale_deformable_attention(
        value.bfloat16().float(), SHAPES, locations, weights
    )
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = multi_scale_deformable_attention(value.bfloat16(), SHAPES, locations, weights)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_heads_start_looking_in_their_directions() -> None:
    module = MultiScaleDeformableAttention(channels=32, levels=2, heads=4, points=3)
    offsets = module.sampling_offsets.bias.detach().reshape(4, 2, 3, 2)
    torch.testing.assert_close(offsets[0, 0], torch.tensor([[1.0, 0], [2, 0], [3, 0]]))
    torch.testing.assert_close(offsets[1, 1, 2], torch.tensor([0.0, 3]), atol=1e-6, rtol=0)


def test_errors_say_what_was_expected() -> None:
    value, locations, weights = inputs()
    with pytest.raises(ValueError, match=r"expected 69 positions.*found 75"):
        multi_scale_deformable_attention(value, SHAPES[:2], locations, weights)
    with pytest.raises(ValueError, match="3 heads do not divide 32"):
        MultiScaleDeformableAttention(channels=32, heads=3)
    module = MultiScaleDeformableAttention(channels=32, levels=3, heads=4, points=2)
    query, source = torch.zeros(1, 5, 32), torch.zeros(1, POSITIONS, 32)
    with pytest.raises(ValueError, match="2 or 4 components, found 3"):
        module(query, torch.zeros(1, 5, 3, 3), source, SHAPES)
