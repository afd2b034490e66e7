import pytest
import torch
from torch import Tensor

from pointvos.nn.builders import stcn_resnet50
from pointvos.nn.stcn import STCN, QueryFeatures
from tests.tiny_network import tiny_stcn


@pytest.fixture(scope="module")
def network() -> STCN:
    return tiny_stcn()


def draw(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def of_sample(features: QueryFeatures, b: int) -> QueryFeatures:
    return QueryFeatures(*(part[b : b + 1] for part in features))


def test_full_network_has_54_million_parameters() -> None:
    assert sum(p.numel() for p in stcn_resnet50().parameters()) == 54_434_180


def test_shapes(network: STCN) -> None:
    frames, masks = draw(2, 3, 48, 32), draw(2, 3, 48, 32)
    features = network.encode_key(frames)
    value = network.encode_value(frames, features, masks)
    readout = network.read(features, features.key_BCHW.flatten(2), value.flatten(3), top_k=4)
    assert features.key_BCHW.shape == (2, 8, 3, 2)
    assert [f.shape[-1] for f in (features.f16_BCHW, features.f8_BCHW, features.f4_BCHW)] == [
        2,
        4,
        8,
    ]
    assert value.shape == readout.shape == (2, 3, 32, 3, 2)
    assert network.decode(features, readout).shape == (2, 3, 48, 32)


def test_samples_of_a_batch_and_objects_do_not_mix(network: STCN) -> None:
    """Each sample alone gives the same; exchanged objects give exchanged results."""
    frames, masks = draw(2, 3, 32, 32), draw(2, 3, 32, 32, seed=1)

    def run(frames: Tensor, masks: Tensor) -> tuple[Tensor, Tensor]:
        features = network.encode_key(frames)
        value = network.encode_value(frames, features, masks)
        readout = network.read(features, features.key_BCHW.flatten(2), value.flatten(3))
        return value, network.decode(features, readout)

    value, logits = run(frames, masks)
    for b in range(2):
        alone_value, alone_logits = run(frames[b : b + 1], masks[b : b + 1])
        torch.testing.assert_close(alone_value[0], value[b])
        torch.testing.assert_close(alone_logits[0], logits[b])
    order = [2, 0, 1]
    exchanged_value, exchanged_logits = run(frames, masks[:, order])
    torch.testing.assert_close(exchanged_value, value[:, order])
    torch.testing.assert_close(exchanged_logits, logits[:, order])


def test_value_depends_on_the_other_objects(network: STCN) -> None:
    frames, masks = draw(1, 3, 32, 32), draw(1, 2, 32, 32, seed=1)
    features = network.encode_key(frames)
    together = network.encode_value(frames, features, masks)[:, 0]
    alone = network.encode_value(frames, features, masks[:, :1])[:, 0]
    assert not torch.allclose(together, alone, atol=1e-3)
    with_sum = network.encode_value(
        frames, features, torch.cat([masks, torch.zeros_like(masks[:, :1])], dim=1)
    )[:, 0]
    torch.testing.assert_close(with_sum, together)  # an empty third object changes nothing


def test_training_mode_computes_the_same_and_keeps_the_statistics() -> None:
    network = tiny_stcn()
    frames = draw(2, 3, 32, 32)
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    expected = network.eval().encode_key(frames).f16_BCHW
    found = network.train().encode_key(frames).f16_BCHW
    torch.testing.assert_close(found, expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_gradients_reach_every_parameter_through_a_predicted_mask(network: STCN) -> None:
    frames, masks = draw(1, 3, 32, 32), draw(1, 2, 32, 32, seed=1)
    features = network.encode_key(frames)
    key = features.key_BCHW.flatten(2)
    for _ in range(2):
        value = network.encode_value(frames, features, masks)
        masks = network.decode(features, network.read(features, key, value.flatten(3))).sigmoid()
    gradients = torch.autograd.grad(masks.sum(), list(network.parameters()))
    names = [name for name, _ in network.named_parameters()]
    dead = [n for n, gradient in zip(names, gradients, strict=True) if gradient.abs().max() == 0]
    # The softmax does not see a shift that all keys share.
    assert dead in ([], ["key_encoder.key_projection.bias"])


def test_frame_sides_must_be_multiples_of_16(network: STCN) -> None:
    with pytest.raises(ValueError, match=r"multiples of 16, got 48x40.*pad_to_multiple"):
        network.encode_key(draw(1, 3, 48, 40))


def test_static_stage_network_takes_one_object() -> None:
    network = tiny_stcn(other_mask=False)
    frames = draw(1, 3, 32, 32)
    features = network.encode_key(frames)
    assert network.encode_value(frames, features, draw(1, 1, 32, 32)).shape == (1, 1, 32, 2, 2)
    with pytest.raises(ValueError, match=r"takes one object, got 2"):
        network.encode_value(frames, features, draw(1, 2, 32, 32))
