"""What must hold of the whole segmenter, full and small, whatever its weights."""

from dataclasses import replace

import pytest
import torch

from pointvos.nn.deformable_attention import MultiScaleDeformableAttention
from pointvos.nn.interactive.evidence import evidence_points, measure
from pointvos.nn.interactive.mask_head import ABSENT_LOGIT
from pointvos.nn.interactive.prompts import BACKGROUND, Clicks, Traces
from pointvos.nn.interactive.segmenter import InteractiveSegmenter
from pointvos.nn.interactive.similar_places import SimilarPlaces
from tests.nn.interactive.tiny_interactions import (
    Click,
    assert_same,
    clicks,
    everything,
    frames,
    lite,
    tiny_full,
    trace,
)

GIVEN: list[Click] = [
    (10.5, 12.5, 0),
    (70.0, 20.0, 1),
    (40.0, 50.0, BACKGROUND),
    (14.0, 30.0, 0),
    (80.0, 55.0, 2),
]
OBJECTS = 3


@pytest.fixture(scope="module", params=[tiny_full, lite], ids=["full", "lite"])
def network(request: pytest.FixtureRequest) -> InteractiveSegmenter:
    built: InteractiveSegmenter = request.param()
    return built.eval()


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(64, 96), (32, 32), (96, 64)])
def test_every_multiple_of_32_fits(network: InteractiveSegmenter, height: int, width: int) -> None:
    features = network.encode(frames(2, height, width))
    assert features.size == (height, width)
    strides = [height // scale.shape[-2] for scale in features.scales]
    assert strides == [32, 16, 8]
    result = network.segment(features, clicks([(5, 5, 0)], [(6, 6, 1), (9, 9, 0)]), objects=2)
    layers = len(network.transformer.query_layers) + len(network.transformer.pixel_layers)
    assert len(everything(result)) == 1 + layers + (network.evidence is not None)
    for logits in everything(result):
        assert logits.shape == (2, 3, height // 4, width // 4)
        assert logits.isfinite().all()


@torch.inference_mode()
def test_what_no_click_changes_is_prepared_once(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    given = clicks(GIVEN)
    prepared = network.segment(features, given, objects=OBJECTS)
    fresh = network.segment(features._replace(tokens=None), given, objects=OBJECTS)
    assert_same(prepared, fresh)


@torch.inference_mode()
def test_the_layers_between_may_be_left_out(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    given = clicks(GIVEN)
    previous = network.segment(features, given, objects=OBJECTS).logits_BKHW
    for earlier in (None, previous):
        every = network.segment(features, given, objects=OBJECTS, previous_BKHW=earlier)
        last = network.segment(
            features, given, objects=OBJECTS, previous_BKHW=earlier, auxiliary=False
        )
        assert torch.equal(last.logits_BKHW, every.logits_BKHW)
        assert last.auxiliary == ()
        assert every.auxiliary


def test_other_sizes_are_refused(network: InteractiveSegmenter) -> None:
    with pytest.raises(ValueError, match="multiples of 32, got 64x90"):
        network.encode(frames(1, 64, 90))


@torch.inference_mode()
def test_permuting_objects_permutes_their_masks(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    given = clicks(GIVEN)
    new_slot = torch.tensor([2, 0, 1, BACKGROUND])  # the last stands at -1
    permuted = replace(given, object_BN=new_slot[given.object_BN])
    expected = network.segment(features, given, objects=OBJECTS)
    found = network.segment(features, permuted, objects=OBJECTS)
    channel = [0, 3, 1, 2]  # where the channels 0 .. 3 of `expected` are found
    unpermuted = type(found)(
        found.logits_BKHW[:, channel], tuple(x[:, channel] for x in found.auxiliary)
    )
    assert_same(unpermuted, expected)


@torch.inference_mode()
def test_padding_changes_nothing(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    expected = network.segment(
        features, clicks(GIVEN), trace([(20.5, 20.5), (21.5, 20.5)], 1), objects=OBJECTS
    )
    padded = network.segment(
        features,
        clicks(GIVEN, padding=4),
        trace([(20.5, 20.5), (21.5, 20.5)], 1, padding=7),
        objects=OBJECTS,
    )
    assert_same(padded, expected)
    without = network.segment(features, clicks(GIVEN), objects=OBJECTS)
    nothing = network.segment(features, clicks(GIVEN), trace([], 1, padding=3), objects=OBJECTS)
    assert_same(nothing, without)


@torch.inference_mode()
def test_frames_of_a_batch_do_not_meet(network: InteractiveSegmenter) -> None:
    images = torch.cat([frames(), frames().flip(-1)])
    both = network.segment(
        network.encode(images), clicks(GIVEN, [(3, 3, 0), (9, 60, 2)]), objects=OBJECTS
    )
    alone = network.segment(network.encode(images[:1]), clicks(GIVEN), objects=OBJECTS)
    first = type(both)(both.logits_BKHW[:1], tuple(x[:1] for x in both.auxiliary))
    assert_same(first, alone)


@torch.inference_mode()
def test_a_slot_without_clicks_is_absent_and_disturbs_nobody(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    expected = network.segment(features, clicks(GIVEN), objects=OBJECTS)
    found = network.segment(features, clicks(GIVEN), objects=OBJECTS + 1)
    assert all((logits[:, -1] == ABSENT_LOGIT).all() for logits in everything(found))
    others = type(found)(found.logits_BKHW[:, :-1], tuple(x[:, :-1] for x in found.auxiliary))
    assert_same(others, expected)


@torch.inference_mode()
def test_a_background_click_reaches_every_object(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    without = [given for given in GIVEN if given[2] != BACKGROUND]
    before = network.segment(features, clicks(without), objects=OBJECTS).logits_BKHW
    after = network.segment(features, clicks(GIVEN), objects=OBJECTS).logits_BKHW
    change_K = (after - before).abs().amax(dim=(0, 2, 3))
    assert (change_K > 1e-4).all()


@torch.inference_mode()
def test_nobody_need_click(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    result = network.segment(features, Clicks.none(1), objects=1)
    assert (result.logits_BKHW[:, 1] == ABSENT_LOGIT).all()
    traced = network.segment(features, Clicks.none(1), trace([(9.5, 9.5)], 0), objects=1)
    assert (traced.logits_BKHW[:, 1] != ABSENT_LOGIT).all()


@torch.inference_mode()
def test_the_backbone_runs_once_a_frame(network: InteractiveSegmenter) -> None:
    runs: list[int] = []
    handle = network.trunk.register_forward_hook(lambda *_: runs.append(1))
    features = network.encode(frames())
    first = network.segment(features, clicks(GIVEN[:1]), objects=1)
    network.segment(features, clicks(GIVEN), objects=OBJECTS)
    assert len(runs) == 1
    handle.remove()
    again = network.segment(network.encode(frames()), clicks(GIVEN[:1]), objects=1)
    assert_same(network.segment(features, clicks(GIVEN[:1]), objects=1), again)
    assert_same(first, again)


@torch.inference_mode()
def test_a_previous_mask_is_where_the_first_layer_looks(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    initial = network.segment(features, clicks(GIVEN), objects=OBJECTS)
    left = torch.full((1, 1 + OBJECTS, 16, 24), -5.0)
    left[..., :8] = 5.0
    found = network.segment(features, clicks(GIVEN), objects=OBJECTS, previous_BKHW=left)
    torch.testing.assert_close(found.auxiliary[0], initial.auxiliary[0])
    assert (found.auxiliary[1] - initial.auxiliary[1]).abs().max() > 1e-3


@torch.inference_mode()
def test_the_evidence_path_starts_from_a_previous_mask() -> None:
    """Whatever its size and scale, and only for the objects that it has."""
    network = lite().eval()
    features = network.encode(frames())
    path, evidence = network.evidence, features.evidence
    assert path is not None
    assert evidence is not None
    points = evidence_points(clicks(GIVEN), Traces.none(1))
    measured = measure(evidence.embedding_BCHW, points, OBJECTS)
    places = path.from_similar_places(evidence, points, None, OBJECTS)
    logits = path.direct(measured, places)
    alone = path.refine(evidence, measured, logits, places)
    left = torch.full((1, 1 + OBJECTS, 16, 24), -5.0)
    left[:, 1, :, :8] = 5.0
    found = path.refine(evidence, measured, logits, places, left)
    assert ((found - alone).abs().amax(dim=(0, 2, 3)) > 1e-3).all()
    enlarged = torch.nn.functional.interpolate(left, scale_factor=2.0, mode="nearest")
    torch.testing.assert_close(path.refine(evidence, measured, logits, places, enlarged), found)
    left[:, 2] = ABSENT_LOGIT  # it had no point then: it is as new as if nothing had been given
    found = path.refine(evidence, measured, logits, places, left)
    torch.testing.assert_close(found[:, 1], alone[:, 1])
    assert (found[:, 0] - alone[:, 0]).abs().max() > 1e-3


def test_every_parameter_learns(network: InteractiveSegmenter) -> None:
    network.zero_grad()
    for module in network.modules():
        if isinstance(module, MultiScaleDeformableAttention):
            # They start at zero, and then nothing depends on what they are multiplied with.
            torch.nn.init.normal_(module.sampling_offsets.weight, std=0.1)
            torch.nn.init.normal_(module.attention_weights.weight, std=0.1)
        if isinstance(module, SimilarPlaces):
            torch.nn.init.normal_(module.logit.weight, std=0.1)
            torch.nn.init.normal_(module.feature.weight, std=0.1)
    result = network.segment(
        network.encode(frames()), clicks(GIVEN), trace([(20.5, 20.5)], 1), objects=OBJECTS
    )
    weights = torch.Generator().manual_seed(1)
    loss = sum(
        (x * torch.randn(x.shape, generator=weights)).mean() + x.square().mean()
        for x in everything(result)
    )
    loss.backward()  # type: ignore[union-attr]
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []
    network.zero_grad(set_to_none=True)


def test_half_precision_runs(network: InteractiveSegmenter) -> None:
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        result = network.segment(network.encode(frames()), clicks(GIVEN), objects=OBJECTS)
    assert result.logits_BKHW.isfinite().all()


def test_errors_say_what_was_expected(network: InteractiveSegmenter) -> None:
    features = network.encode(frames())
    with pytest.raises(ValueError, match=r"slots 0 .. 1, at least one, or -1 .* found \[2\]"):
        network.segment(features, clicks(GIVEN), objects=2)
    with pytest.raises(ValueError, match="at least one"):
        network.segment(features, Clicks.none(1), objects=0)
    with pytest.raises(ValueError, match="found 1 frames, 2 of clicks and 2 of traces"):
        network.segment(features, Clicks.none(2), objects=1)
