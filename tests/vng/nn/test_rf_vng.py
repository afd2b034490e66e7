"""RF-VNG: shapes, nouns that do not see each other, padding, gradients, portions of a clip."""

import pytest
import torch
from torch import Tensor

from tests.vng.nn.tiny_rf_vng import TEXT_CHANNELS, tiny_inputs, tiny_rf_vng
from vng.losses.criterion import grounding_losses, weighted_total
from vng.losses.targets import Targets
from vng.nn.predictions import Grounding
from vng.nn.rf_vng import RFVNG


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "lite"])
def network(request: pytest.FixtureRequest) -> RFVNG:
    return tiny_rf_vng(lite=request.param).eval()


def tensors(grounding: Grounding) -> list[Tensor]:
    of_layers = [x for layer in (grounding.last, *grounding.auxiliary) for x in layer]
    return of_layers if grounding.map_BNTHW is None else [*of_layers, grounding.map_BNTHW]


def assert_equal(found: Grounding, expected: Grounding, *, atol: float = 1e-4) -> None:
    for one, other in zip(tensors(found), tensors(expected), strict=True):
        assert other.std() > 1e-3  # outputs that say something
        torch.testing.assert_close(one, other, atol=atol, rtol=1e-4)


def of_nouns(grounding: Grounding, which: list[int]) -> Grounding:
    def choose(layer: tuple[Tensor, ...]) -> list[Tensor]:
        return [x[:, which] for x in layer]

    kind, map_BNTHW = type(grounding.last), grounding.map_BNTHW
    return Grounding(
        kind(*choose(grounding.last)),
        tuple(kind(*choose(x)) for x in grounding.auxiliary),
        None if map_BNTHW is None else map_BNTHW[:, which],
    )


@torch.inference_mode()
@pytest.mark.parametrize(
    ("frames", "height", "width"), [(3, 64, 96), (1, 50, 75), (2, 33, 32), (1, 20, 24)]
)
def test_shapes_for_any_size(network: RFVNG, frames: int, height: int, width: int) -> None:
    inputs = tiny_inputs(height=height, width=width, frames=frames, nouns=3)
    grounding = network(*inputs)
    assert len(grounding.auxiliary) == 1
    assert (grounding.map_BNTHW is None) == (network.noun_map is None)
    for layer in (grounding.last, *grounding.auxiliary):
        assert layer.logits_BNTQ.shape == (2, 3, frames, 5)
        assert layer.boxes_BNTQ4.shape == (2, 3, frames, 5, 4)
        assert layer.masks_BNTQHW.shape == (2, 3, frames, 5, -(-height // 4), -(-width // 4))
        assert all(x.isfinite().all() for x in layer)
        assert ((layer.boxes_BNTQ4 >= 0) & (layer.boxes_BNTQ4 <= 1)).all()


@torch.inference_mode()
def test_permuting_nouns_permutes_what_is_found(network: RFVNG) -> None:
    inputs = tiny_inputs(nouns=4)
    order = [2, 0, 3, 1]
    permuted = network(*inputs[:3], inputs.nouns_BND[:, order])
    assert_equal(permuted, of_nouns(network(*inputs), order))


@torch.inference_mode()
def test_a_noun_is_found_alike_with_and_without_others(network: RFVNG) -> None:
    inputs = tiny_inputs(nouns=3)
    alone = network(*inputs[:3], inputs.nouns_BND[:, 1:2])
    together = network(*inputs)
    assert_equal(of_nouns(together, [1]), alone)
    masks = together.last.masks_BNTQHW
    assert (masks[:, 0] - masks[:, 1]).abs().max() > 0.1  # and differs from the others


@torch.inference_mode()
def test_clips_of_a_batch_do_not_see_each_other(network: RFVNG) -> None:
    inputs = tiny_inputs(lengths=(6, 6))
    second = network(*(x[1:] for x in inputs))
    for one, other in zip(tensors(network(*inputs)), tensors(second), strict=True):
        torch.testing.assert_close(one[1:], other, atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_frames_see_each_other_in_the_mask_features_alone(network: RFVNG) -> None:
    inputs = tiny_inputs(batch=1, lengths=(4,))
    before = network.encode(*inputs[:3])
    other = inputs.frames_BT3HW.clone()
    other[:, 2] = other[:, 2].flip(-1)
    after = network.encode(other, *inputs[1:3])
    assert after.memory_FSC[:2].equal(before.memory_FSC[:2])
    assert (after.memory_FSC[2] - before.memory_FSC[2]).abs().max() > 1e-2
    assert (after.mask_FCHW[0] - before.mask_FCHW[0]).abs().max() > 1e-4


@torch.inference_mode()
def test_the_narrative_matters_beside_the_noun(network: RFVNG) -> None:
    inputs = tiny_inputs()
    last = network(*inputs).last
    other = network(inputs.frames_BT3HW, inputs.words_BLD.flip(-1), *inputs[2:]).last
    for one, two in zip(last, other, strict=True):
        assert (one - two).abs().max() > 1e-2


@torch.inference_mode()
def test_padded_words_are_not_read(network: RFVNG) -> None:
    inputs = tiny_inputs(batch=1, lengths=(4,))
    words = torch.cat([inputs.words_BLD, torch.full((1, 3, TEXT_CHANNELS), 9.0)], dim=1)
    valid = torch.cat([inputs.word_valid_BL, torch.zeros(1, 3, dtype=torch.bool)], dim=1)
    padded = network(inputs.frames_BT3HW, words, valid, inputs.nouns_BND)
    assert_equal(padded, network(*inputs))


@torch.inference_mode()
def test_what_stands_in_the_padding_is_not_looked_at(network: RFVNG) -> None:
    inputs = tiny_inputs()
    sizes = torch.tensor([[64, 96], [45, 60]])
    other = inputs.frames_BT3HW.clone()
    other[1, :, :, 45:] = 0.9
    other[1, :, :, :, 60:] = 0.1
    found = network(other, *inputs[1:], sizes)
    assert_equal(found, network(*inputs, sizes), atol=0)
    whole = network(*inputs)
    assert (whole.last.masks_BNTQHW[1] - found.last.masks_BNTQHW[1]).abs().max() > 1e-2


@pytest.mark.parametrize("lite", [False, True])
def test_training_is_inference(lite: bool) -> None:
    network = tiny_rf_vng(dropout=0.0, lite=lite)
    inputs = tiny_inputs()
    trained = network.train()(*inputs)
    with torch.inference_mode():
        evaluated = network.eval()(*inputs)
    assert_equal(trained, evaluated)


def test_dropout_acts_in_training_only() -> None:
    network = tiny_rf_vng(dropout=0.3)
    inputs = tiny_inputs()
    first, second = (network.train()(*inputs).last.logits_BNTQ for _ in range(2))
    assert (first - second).abs().max() > 1e-2
    first, second = (network.eval()(*inputs).last.logits_BNTQ for _ in range(2))
    assert first.equal(second)


@torch.inference_mode()
@pytest.mark.parametrize("lite", [False, True])
def test_the_number_of_frames_at_once_changes_nothing(lite: bool) -> None:
    network = tiny_rf_vng(lite=lite).eval()
    inputs = tiny_inputs(frames=5)
    sizes = torch.tensor([[64, 96], [64, 80]])
    network.frames_at_once = 100
    expected = network(*inputs, sizes)
    for frames in (1, 3):
        network.frames_at_once = frames
        assert_equal(network(*inputs, sizes), expected)


@torch.inference_mode()
def test_runs_are_equal_to_the_bit(network: RFVNG) -> None:
    inputs = tiny_inputs()
    assert_equal(network(*inputs), network(*inputs), atol=0)


@torch.inference_mode()
def test_the_best_query_is_the_one_with_the_largest_mean_score(network: RFVNG) -> None:
    inputs = tiny_inputs(nouns=3)
    features = network.encode(*inputs[:3])
    last = network.ground(features, inputs.nouns_BND).last
    best = network.ground_best(features, inputs.nouns_BND)
    scores = last.logits_BNTQ.sigmoid()
    assert best.query_BN.equal(scores.mean(dim=2).argmax(dim=-1))
    for b in range(2):
        for n in range(3):
            q = int(best.query_BN[b, n])
            assert best.score_BNT[b, n].equal(scores[b, n, :, q])
            torch.testing.assert_close(best.boxes_BNT4[b, n], last.boxes_BNTQ4[b, n, :, q])
            torch.testing.assert_close(
                best.masks_BNTHW[b, n], last.masks_BNTQHW[b, n, :, q], atol=1e-4, rtol=1e-4
            )


@pytest.mark.parametrize("lite", [False, True])
def test_gradients_reach_every_parameter(lite: bool) -> None:
    network = tiny_rf_vng(dropout=0.1, lite=lite).train()
    inputs = tiny_inputs(frames=2)
    grounding = network(*inputs)
    masks = torch.zeros(2, 2, 2, 64, 96, dtype=torch.bool)
    masks[..., 10:40, 20:60] = True
    known = torch.ones(2, 2, 2, dtype=torch.bool)
    targets = Targets.of_masks(masks, known, torch.tensor([[64, 96]] * 2))
    weighted_total(grounding_losses(grounding.last, grounding.auxiliary, targets)).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        # What is added to all keys of an attention, its softmax takes out again.
        assert name.endswith("in_proj_bias") or parameter.grad.abs().max() > 0, name


@torch.inference_mode()
def test_half_precision_finds_the_same_within_its_rounding(network: RFVNG) -> None:
    inputs = tiny_inputs(batch=1, frames=2, lengths=(4,))
    expected = network(*inputs).last
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = network(*inputs).last
    assert found.masks_BNTQHW.dtype == torch.float32
    assert (found.boxes_BNTQ4 - expected.boxes_BNTQ4).abs().max() < 0.05
    agree = ((found.masks_BNTQHW > 0) == (expected.masks_BNTQHW > 0)).float().mean()
    assert agree > 0.95


def test_misfits_are_named(network: RFVNG) -> None:
    inputs = tiny_inputs()
    frames, words, valid, nouns = inputs
    with pytest.raises(ValueError, match=r"words .* of 2 clips, found \[2, 6, 12\] and \[2, 5\]"):
        network(frames, words, valid[:, :5], nouns)
    nothing = valid & torch.tensor([[True], [False]])
    with pytest.raises(ValueError, match=r"at least one valid word .* found none in \[1\]"):
        network(frames, words, nothing, nouns)
    with pytest.raises(ValueError, match=r"1 to 64 and 1 to 96, found \[\[64, 97\], \[1, 1\]\]"):
        network(*inputs, torch.tensor([[64, 97], [1, 1]]))
    with pytest.raises(ValueError, match="expected nouns of 2 clips, found 1"):
        network(frames, words, valid, nouns[:1])
