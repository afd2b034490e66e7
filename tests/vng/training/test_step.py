"""The step: the terms of the criterion, absent nouns, nouns that nobody annotated, precision."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.vng.training.generated_clips import ColouredSquares
from tests.vng.training.tiny_vng import tiny_run, use_tiny_network
from vng.data.samples import NarratedBatch, collate_narrated
from vng.losses.criterion import box_count, grounding_losses, map_loss, weighted_total
from vng.losses.targets import Targets
from vng.nn.noun_map import NounMap
from vng.training.network import NarrativeGrounder, make_network
from vng.training.settings import GroundingLossSettings
from vng.training.step import grounding_step

LOSSES = GroundingLossSettings()


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> NarrativeGrounder:
    use_tiny_network(monkeypatch)
    torch.manual_seed(1)
    network = make_network(tiny_run(tmp_path))
    for parameter in network.parameters():  # layers that start at zero would hide others
        if parameter.ndim > 1 and not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return network


def batch_of(count: int = 2, frames: int = 2) -> NarratedBatch:
    clips = ColouredSquares(count, frames=frames, varied=True)
    return collate_narrated([clips[number] for number in range(count)])


def gradients(network: NarrativeGrounder, total: Tensor) -> dict[str, Tensor]:
    network.zero_grad()
    total.backward()
    return {
        name: torch.zeros_like(p) if p.grad is None else p.grad.clone()
        for name, p in network.named_parameters()
    }


def total_of(terms: dict[str, Tensor]) -> Tensor:
    return torch.stack(list(terms.values())).sum()


def assert_close(one: dict[str, Tensor], other: dict[str, Tensor]) -> None:
    """Equal but for rounding, in parts of what is added up: a bias before a norm has none left."""
    assert set(one) == set(other)
    largest = max(value.abs().max().item() for value in other.values())
    for name, value in one.items():
        torch.testing.assert_close(value, other[name], atol=1e-5 * largest, rtol=1e-3, msg=name)


def test_the_terms_are_those_of_the_criterion_with_their_gradients(
    network: NarrativeGrounder,
) -> None:
    batch = batch_of()
    terms = grounding_step(LOSSES)(network, batch, 0)
    found = gradients(network, total_of(terms))
    features, nouns_BND = network(batch.frames_BT3HW, batch.sizes_B2, batch.texts, batch.spans)
    grounding = network.rf_vng.ground(features, nouns_BND)
    targets = Targets.of_masks(batch.masks_BNTHW, batch.known_BNT, batch.sizes_B2)
    expected = grounding_losses(grounding.last, grounding.auxiliary, targets)
    for name, weight in LOSSES.weights.items():
        torch.testing.assert_close(terms[name], weight * expected[name], msg=name)
    torch.testing.assert_close(total_of(terms), weighted_total(expected))
    assert_close(found, gradients(network, weighted_total(expected)))
    assert all(value.any() for value in found.values())


def test_a_noun_map_has_a_term_of_its_own(network: NarrativeGrounder) -> None:
    batch = batch_of()
    network.rf_vng.noun_map = NounMap(network.rf_vng.text.norm.normalized_shape[0])
    terms = grounding_step(LOSSES)(network, batch, 0)
    features, nouns_BND = network(batch.frames_BT3HW, batch.sizes_B2, batch.texts, batch.spans)
    map_BNTHW = network.rf_vng.ground(features, nouns_BND).map_BNTHW
    assert map_BNTHW is not None
    targets = Targets.of_masks(batch.masks_BNTHW, batch.known_BNT, batch.sizes_B2)
    expected = LOSSES.map * map_loss(map_BNTHW, targets, box_count(targets))
    torch.testing.assert_close(terms["map"], expected)
    assert set(terms) == {*LOSSES.weights, "auxiliary", "map"}


def test_without_auxiliary_losses_the_last_layer_remains(network: NarrativeGrounder) -> None:
    batch = batch_of()
    whole = grounding_step(LOSSES)(network, batch, 0)
    last = grounding_step(replace(LOSSES, auxiliary=0.0))(network, batch, 0)
    assert set(whole) - set(last) == {"auxiliary"}
    assert all(torch.equal(last[name], whole[name]) for name in last)


def test_what_nobody_annotated_teaches_nothing(network: NarrativeGrounder) -> None:
    batch = batch_of()
    step = grounding_step(LOSSES)
    known_BNT = batch.known_BNT.clone()
    known_BNT[:, 1] = False
    expected = step(network, replace(batch, known_BNT=known_BNT), 0)
    masks_BNTHW = batch.masks_BNTHW.clone()
    masks_BNTHW[:, 1] = ~masks_BNTHW[:, 1]  # of which nobody knows
    changed = replace(batch, known_BNT=known_BNT, masks_BNTHW=masks_BNTHW)
    found = step(network, changed, 0)
    for name, value in expected.items():
        assert torch.equal(found[name], value), name
    nothing = replace(batch, known_BNT=torch.zeros_like(known_BNT))
    total = total_of(step(network, nothing, 0))
    assert total == 0
    assert not any(value.any() for value in gradients(network, total).values())


def test_an_absent_noun_learns_low_scores(network: NarrativeGrounder) -> None:
    """Its mask is known and empty, so that every query of it is wrong."""
    batch = batch_of(count=1)
    only_absent = torch.zeros_like(batch.known_BNT)
    only_absent[:, 2] = True
    assert not batch.masks_BNTHW[:, 2].any()
    batch = replace(batch, known_BNT=only_absent)
    optimizer = torch.optim.AdamW(network.parameters(), 3e-3)

    def scores() -> Tensor:
        with torch.no_grad():
            arguments = (batch.frames_BT3HW, batch.sizes_B2, batch.texts, batch.spans)
            grounding = network.rf_vng.ground(*network(*arguments))
        return grounding.last.logits_BNTQ[:, 2].sigmoid()

    with torch.no_grad():
        for head in network.rf_vng.decoder.class_heads:
            head.bias.fill_(0.0)  # type: ignore[union-attr, operator]
    before = scores()
    for _ in range(12):
        optimizer.zero_grad()
        total_of(grounding_step(LOSSES)(network, batch, 0)).backward()
        optimizer.step()
    assert before.min() > 0.2
    assert scores().max() < 0.5 * before.min()


def test_gradients_with_activation_checkpointing(network: NarrativeGrounder) -> None:
    batch = batch_of(frames=3)
    step = grounding_step(LOSSES)
    terms = step(network, batch, 0)
    expected = gradients(network, total_of(terms))
    network.rf_vng.checkpoint_gradients = True
    again = step(network, batch, 0)
    for name, value in terms.items():
        torch.testing.assert_close(again[name], value, msg=name)
    assert_close(gradients(network, total_of(again)), expected)


def test_a_step_in_half_precision(network: NarrativeGrounder) -> None:
    batch = batch_of()
    step = grounding_step(LOSSES)
    expected = total_of(step(network, batch, 0))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = step(network, batch, 0)
    found = gradients(network, total_of(terms))
    assert total_of(terms).item() == pytest.approx(expected.item(), rel=0.05)
    assert all(value.isfinite().all() for value in found.values())


@pytest.mark.parametrize("query", ["noun", "sentence", "noun+sentence"])
@pytest.mark.parametrize("freeze_text", [True, False])
def test_every_trained_parameter_gets_a_gradient(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str, freeze_text: bool
) -> None:
    """One without would stop a training on several processes."""
    use_tiny_network(monkeypatch)
    run = tiny_run(tmp_path, query=query, freeze_text=freeze_text, sentence="pooler")
    network = make_network(run)
    batch = batch_of()
    total_of(grounding_step(LOSSES)(network, batch, 0)).backward()
    trained = {name for name, p in network.named_parameters() if p.requires_grad}
    without = {name for name, p in network.named_parameters() if p.grad is None}
    assert not trained & without
    assert any("text_encoder" in name for name in trained) != freeze_text
