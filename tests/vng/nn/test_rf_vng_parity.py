"""RF-VNG against reference vectors of ReferFormer: forward, matching, losses, gradients."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.reference_referformer import (
    CASES,
    Inputs,
    reference_inputs,
    reference_masks,
    reference_rf_vng,
    referformer_weights,
)
from tests.reference_stcn import StoredTensors
from vng.losses.criterion import grounding_losses, weighted_total
from vng.losses.matching import match_queries, matching_costs
from vng.losses.targets import Targets
from vng.nn.builders import rf_vng_resnet50
from vng.nn.official_weights import load_official_referformer
from vng.nn.predictions import Grounding
from vng.nn.rf_vng import RFVNG, STRIDES, ClipFeatures

pytestmark = [pytest.mark.parity, pytest.mark.data]

CRITERIA = [
    ("referformer_forward", "all_valid"),
    ("referformer_forward", "frame1_absent"),
    ("referformer_forward_padded_batch", "mixed"),
]

# Official parameter name -> ours, for the parameters whose gradients are stored.
STAGE = "pixel_decoder.stages."
OURS = {
    "backbone.0.body.layer2.0.conv1.weight": (
        "trunk.backbone.encoder.stages.1.layers.0.layer.0.convolution.weight"
    ),
    "backbone.0.body.layer4.2.conv3.weight": (
        "trunk.backbone.encoder.stages.3.layers.2.layer.2.convolution.weight"
    ),
    "input_proj.0.0.weight": "encoder.project.same_size.0.0.weight",
    "input_proj.3.0.weight": "encoder.project.halve.0.weight",
    "fusion_module.multihead_attn.in_proj_weight": "encoder.fuse.attention.in_proj_weight",
    "transformer.level_embed": "encoder.level",
    "transformer.reference_points.weight": "decoder.first_reference.weight",
    "transformer.encoder.layers.0.self_attn.sampling_offsets.weight": (
        "encoder.layers.0.attention.sampling_offsets.weight"
    ),
    "transformer.encoder.layers.3.self_attn.value_proj.weight": (
        "encoder.layers.3.attention.value_proj.weight"
    ),
    "transformer.decoder.layers.0.cross_attn.attention_weights.weight": (
        "decoder.layers.0.read_frame.attention_weights.weight"
    ),
    "transformer.decoder.layers.3.linear1.weight": "decoder.layers.3.feed_forward.expand.weight",
    "query_embed.weight": "decoder.position",
    "class_embed.0.weight": "decoder.class_heads.0.weight",
    "bbox_embed.0.layers.2.weight": "decoder.box_heads.0.layers.2.weight",
    "bbox_embed.3.layers.2.weight": "decoder.box_heads.3.layers.2.weight",
    "resizer.fc.weight": "text.project.weight",
    "pixel_decoder.cross_attn_1.self_attn.in_proj_weight": (
        f"{STAGE}0.block.read_clip.in_proj_weight"
    ),
    "pixel_decoder.cross_attn_4.multihead_attn.in_proj_weight": (
        f"{STAGE}3.block.read_words.in_proj_weight"
    ),
    "pixel_decoder.layer_1.weight": f"{STAGE}0.output.weight",
    "pixel_decoder.mask_features.weight": "pixel_decoder.mask.weight",
    "controller.layers.0.weight": "mask_head.controller.layers.0.weight",
    "controller.layers.2.weight": "mask_head.controller.layers.2.weight",
}


class Recorded:
    """Outputs of the network's parts during one forward, under the stored names."""

    def __init__(self, network: RFVNG) -> None:
        self.tensors: dict[str, list[Tensor]] = {}
        layers = network.decoder.layers
        self.hooks = [
            network.trunk.register_forward_hook(self._trunk),  # type: ignore[attr-defined]
            network.encoder.project.register_forward_hook(self._shapes),
            network.encoder.layers[0].register_forward_pre_hook(self._sources),
            *(layer.register_forward_hook(self._state) for layer in layers),
            network.mask_head.controller.register_forward_hook(self._parameters),
        ]

    def _keep(self, name: str, tensor: Tensor) -> None:
        self.tensors.setdefault(name, []).append(tensor)

    def _trunk(self, module: object, inputs: object, output: tuple[Tensor, ...]) -> None:
        for number, level in enumerate(output, start=2):
            self._keep(f"backbone_res{number}", level)

    def _shapes(self, module: object, inputs: object, output: list[Tensor]) -> None:
        self.shapes = [x.shape[-2:] for x in output]

    def _sources(self, module: object, inputs: tuple[Tensor, ...]) -> None:
        counts = [height * width for height, width in self.shapes]
        for level, part in enumerate(inputs[0].split(counts, dim=1)):
            source = part.transpose(1, 2).unflatten(-1, self.shapes[level])
            self._keep(f"transformer_src_{level}", source)

    def _state(self, module: object, inputs: object, output: Tensor) -> None:
        self._keep("decoder_hs", output[:, 0])

    def _parameters(self, module: object, inputs: object, output: Tensor) -> None:
        self._keep("controller_params", output)

    def named(self, layers: int, portions: int) -> dict[str, Tensor]:
        """All that was kept: portions of frames are joined, layers stacked."""
        named = {
            name: torch.cat(parts)
            for name, parts in self.tensors.items()
            if name.startswith(("backbone", "transformer"))
        }
        states = self.tensors["decoder_hs"]
        of_layers = [torch.cat(states[layer::layers]) for layer in range(layers)]
        named["decoder_hs"] = torch.stack(of_layers)
        named["controller_params_last"] = torch.cat(self.tensors["controller_params"][-portions:])
        return named


def predictions(grounding: Grounding) -> dict[str, Tensor]:
    layers = [*grounding.auxiliary, grounding.last]
    return {
        "pred_logits": torch.stack([x.logits_BNTQ[:, 0, ..., None] for x in layers]),
        "pred_boxes": torch.stack([x.boxes_BNTQ4[:, 0] for x in layers]),
        "pred_masks_last": grounding.last.masks_BNTQHW[:, 0],
        "pred_masks_aux": torch.stack([x.masks_BNTQHW[:, 0] for x in grounding.auxiliary]),
        "reference_points": layers[-2].boxes_BNTQ4[:, 0, ..., :2],
        "inter_references": torch.stack([x.boxes_BNTQ4[:, 0].flatten(0, 1) for x in layers]),
    }


def feature_tensors(network: RFVNG, inputs: Inputs, features: ClipFeatures) -> dict[str, Tensor]:
    frames = features.frames
    counts = [height * width for height, width in (level.shape for level in features.levels)]
    named = {
        f"encoder_memory_{index}": part.transpose(1, 2).unflatten(-1, level.shape)
        for index, (part, level) in enumerate(
            zip(features.memory_FSC.split(counts, dim=1), features.levels, strict=True)
        )
        if index < 3
    }
    level = features.levels[STRIDES.index(32) - 1]
    position = level.position_BSC.transpose(1, 2).unflatten(-1, level.shape)
    point = network.decoder.first_reference(network.decoder.position).sigmoid()
    named |= {
        "pos_res5": position.repeat_interleave(frames, dim=0),
        "init_reference": point.expand(len(features.memory_FSC), -1, -1),
        "mask_features": features.mask_FCHW,
        "text_last_hidden_state": inputs.words_BLD,
        "text_pooler_output": inputs.nouns_BND[:, 0],
        "text_word_features": network.text(inputs.words_BLD),
        "text_sentence_features": network.text(inputs.nouns_BND)[:, 0],
    }
    return named


@pytest.fixture(scope="module")
def network(golden_dir: Path) -> Iterator[RFVNG]:
    yield reference_rf_vng(golden_dir)
    reference_rf_vng.cache_clear()


def test_recipe_draws_the_reference_weights(golden_dir: Path) -> None:
    weights = referformer_weights(golden_dir)
    expected = json.loads((golden_dir / "referformer_weights_check.json").read_text())
    assert set(weights) == set(expected)
    for key, about in expected.items():
        values = weights[key].double()
        assert list(values.shape) == about["shape"], key
        assert values.abs().sum().item() == pytest.approx(about["abs_sum"], rel=1e-6), key
        assert values.flatten()[:4].tolist() == pytest.approx(about["first4"], rel=1e-6), key


def test_the_text_encoder_is_handed_back_and_the_rest_used(golden_dir: Path) -> None:
    shapes = json.loads((golden_dir / "referformer_keys.json").read_text())
    state = {key: torch.zeros(shape) for key, shape in shapes.items()}
    network = rf_vng_resnet50()
    text_encoder = load_official_referformer(network, state)
    assert {f"text_encoder.{key}" for key in text_encoder} == {
        key for key in shapes if key.startswith("text_encoder.")
    }
    ours = [key for key in network.state_dict() if not key.endswith("num_batches_tracked")]
    aliases = [key for key in shapes if key.startswith("transformer.decoder.bbox_embed.")]
    assert len(ours) == len(shapes) - len(text_encoder) - len(aliases)
    assert not any(network.state_dict()[key].any() for key in ours)


@pytest.mark.parametrize("case", CASES)
@torch.inference_mode()
def test_forward(golden_dir: Path, network: RFVNG, case: str) -> None:
    stored = StoredTensors(golden_dir, case)
    inputs = reference_inputs(network, stored)
    recorded = Recorded(network)
    features = network.encode(*inputs[:3], inputs.sizes_B2)
    grounding = network.ground(features, inputs.nouns_BND)
    for hook in recorded.hooks:
        hook.remove()
    frames = len(features.memory_FSC)
    portions = -(-frames // network.frames_at_once)
    found = {
        **recorded.named(layers=4, portions=portions),
        **feature_tensors(network, inputs, features),
        **predictions(grounding),
    }
    assert set(found) == stored.names
    for name, tensor in found.items():
        stored.assert_close(name, tensor, atol=1e-3 if "mask" in name else 1e-4)


@torch.inference_mode()
def test_the_best_query_has_the_masks_of_the_full_forward(golden_dir: Path, network: RFVNG) -> None:
    inputs = reference_inputs(network, StoredTensors(golden_dir, CASES[1]))
    features = network.encode(*inputs[:3], inputs.sizes_B2)
    last = network.ground(features, inputs.nouns_BND).last
    best = network.ground_best(features, inputs.nouns_BND)
    expected = last.logits_BNTQ.sigmoid().mean(dim=2).argmax(dim=-1)
    assert best.query_BN.tolist() == expected.tolist()
    for sample, query in enumerate(expected[:, 0].tolist()):
        masks = last.masks_BNTQHW[sample, 0, :, query]
        torch.testing.assert_close(best.masks_BNTHW[sample, 0], masks, atol=1e-4, rtol=1e-4)
        boxes = last.boxes_BNTQ4[sample, 0, :, query]
        torch.testing.assert_close(best.boxes_BNT4[sample, 0], boxes)


def reference_targets(stored: StoredTensors, about: dict[str, Any], inputs: Inputs) -> Targets:
    sizes = stored.description["video_sizes_hw"]
    masks = reference_masks(
        about["ellipses_cy_cx_ry_rx"], about["absent_frames"], sizes, inputs.frames_BT3HW.shape[1]
    )
    batch, frames, _, height, width = inputs.frames_BT3HW.shape
    padded = torch.zeros(batch, 1, frames, height, width, dtype=torch.bool)
    for index, mask in enumerate(masks):
        padded[index, 0, :, : mask.shape[1], : mask.shape[2]] = mask
    targets = Targets.of_masks(
        padded, torch.ones(padded.shape[:3], dtype=torch.bool), inputs.sizes_B2
    )
    expected = torch.tensor(about["boxes_cxcywh"])
    torch.testing.assert_close(targets.boxes_BNT4[:, 0], expected, atol=1e-6, rtol=0)
    assert targets.present_BNT[:, 0].int().tolist() == about["valid"]
    return targets


@pytest.mark.parametrize(("case", "criterion"), CRITERIA)
@torch.inference_mode()
def test_matching_and_losses(golden_dir: Path, network: RFVNG, case: str, criterion: str) -> None:
    stored = StoredTensors(golden_dir, case)
    about = stored.description["criterion"][criterion]
    inputs = reference_inputs(network, stored)
    grounding = network(*inputs)
    targets = reference_targets(stored, about, inputs)
    names = ["last", "aux_0", "aux_1", "aux_2"]
    assert set(about["matched_query"]) == set(names)
    for name, layer in zip(names, [grounding.last, *grounding.auxiliary], strict=True):
        costs = matching_costs(layer, targets)[:, 0]
        expected = torch.tensor(about["matcher_costs_per_sample_per_query"][name])
        torch.testing.assert_close(costs, expected, rtol=1e-4, atol=0, msg=name)
        assert match_queries(layer, targets)[:, 0].tolist() == about["matched_query"][name]
    losses = grounding_losses(grounding.last, grounding.auxiliary, targets)
    expected_losses = {
        name.removeprefix("loss_"): value for name, value in about["losses_unweighted"].items()
    }
    assert {name: loss.item() for name, loss in losses.items()} == pytest.approx(
        expected_losses, rel=1e-4
    )
    assert weighted_total(losses).item() == pytest.approx(about["total_weighted"], rel=1e-4)


def test_gradients(golden_dir: Path, network: RFVNG) -> None:
    expected = json.loads((golden_dir / "referformer_loss_grads.json").read_text())
    stored = StoredTensors(golden_dir, "referformer_forward")
    about = stored.description["criterion"]["all_valid"]
    inputs = reference_inputs(network, stored)
    grounding = network(*inputs)
    targets = reference_targets(stored, about, inputs)
    total = weighted_total(grounding_losses(grounding.last, grounding.auxiliary, targets))
    assert total.item() == pytest.approx(expected["total_loss"], rel=1e-4)
    trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
    gradients = dict(zip(trained, torch.autograd.grad(total, list(trained.values())), strict=True))
    norm = torch.stack([gradient.norm() for gradient in gradients.values()]).norm().item()
    assert norm == pytest.approx(expected["grad_total_l2"], rel=1e-3)
    assert set(expected["grads"]) == set(OURS)
    for official, grad in expected["grads"].items():
        gradient = gradients[OURS[official]].double()
        scale = grad["l2"] / gradient.numel() ** 0.5
        assert gradient.norm().item() == pytest.approx(grad["l2"], rel=1e-3), official
        # A ReLU whose input is within rounding of 0 passes its gradient or does not, as in
        # tests/nn/test_stcn_parity.py.
        found = gradient.flatten()[:4].tolist()
        assert found == pytest.approx(grad["first4"], rel=1e-3, abs=5e-3 * scale), official
