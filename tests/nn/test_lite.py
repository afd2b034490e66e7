"""The small network: its size and names, its labels and matches, and that sizes fit together."""

import pytest
import torch
from torch import Tensor

from pointvos.nn.lite import LABEL_CHANNELS, MATCH_CHANNELS, UNMATCHED, LiteReader, stcn_lite
from pointvos.nn.stcn import STCN, QueryFeatures

VALUE_CHANNELS = 128


@pytest.fixture(scope="module")
def network() -> STCN:
    torch.manual_seed(0)
    return stcn_lite().eval()


def frames(batch: int = 1, height: int = 64, width: int = 96) -> Tensor:
    return torch.rand(batch, 3, height, width, generator=torch.Generator().manual_seed(0))


def squares(batch: int = 1, height: int = 64, width: int = 96) -> Tensor:
    """Two objects: one covers the cell (1, 1) wholly, the other a quarter of the cell (2, 4)."""
    masks = torch.zeros(batch, 2, height, width)
    masks[:, 0, 16:32, 16:32] = 1
    masks[:, 1, 40:48, 64:72] = 1
    return masks


def test_size_and_names_are_a_contract(network: STCN) -> None:
    sizes = {name: tensor.numel() for name, tensor in network.state_dict().items()}
    assert sum(sizes.values()) == sum(p.numel() for p in network.parameters()) == 4_451_067
    assert sum(sizes.values()) <= 6_000_000
    by_part: dict[str, list[int]] = {}
    for name, size in sizes.items():
        part = ".".join(name.split(".")[:2])
        by_part.setdefault(part, []).append(size)
    assert {part: (len(found), sum(found)) for part, found in by_part.items()} == {
        "key_encoder.log_scale": (1, 1),
        "key_encoder.trunk": (90, 2_336_304),
        "key_encoder.lateral16": (2, 14_464),
        "key_encoder.lateral32": (2, 24_704),
        "key_encoder.norm": (2, 256),
        "key_encoder.fuse": (8, 295_680),
        "key_encoder.key": (2, 73_792),
        "key_encoder.thin": (2, 147_584),
        "value_encoder.stem": (2, 4_640),
        "value_encoder.down8": (2, 32_320),
        "value_encoder.down16": (2, 119_936),
        "value_encoder.fuse1": (10, 476_288),
        "value_encoder.fuse2": (8, 295_680),
        "decoder.match": (2, 160),
        "decoder.coarse": (2, 33),
        "decoder.fuse": (10, 522_440),
        "decoder.skip8": (2, 2_624),
        "decoder.up8": (2, 8_256),
        "decoder.refine8": (8, 74_112),
        "decoder.skip4": (2, 800),
        "decoder.up4": (2, 2_080),
        "decoder.refine4": (8, 18_624),
        "decoder.predict": (2, 289),
    }


def test_what_inference_must_know(network: STCN) -> None:
    assert network.point_radius == 3
    assert network.decodes_reference
    black, white = network._normalise(
        torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 3, 1, 1)
    )
    assert black.flatten().tolist() == pytest.approx([-127 / 128] * 3)
    assert white.flatten().tolist() == pytest.approx([1.0] * 3)


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(64, 96), (48, 80), (32, 112), (16, 16)])
def test_every_multiple_of_16_fits(network: STCN, height: int, width: int) -> None:
    features = network.encode_key(frames(2, height, width))
    cells = (height // 16, width // 16)
    assert features.key_BCHW.shape == (2, 64, *cells)
    assert features.f8_BCHW.shape[-2:] == (height // 8, width // 8)
    assert features.f4_BCHW.shape[-2:] == (height // 4, width // 4)
    masks = torch.zeros(2, 2, height, width)
    value = network.encode_value(frames(2, height, width), features, masks)
    assert value.shape == (2, 2, VALUE_CHANNELS + LABEL_CHANNELS, *cells)
    readout = network.read(features, features.key_BCHW.flatten(2), value.flatten(3))
    assert readout.shape == (2, 2, VALUE_CHANNELS + 1 + MATCH_CHANNELS - 1, *cells)
    assert network.decode(features, readout).shape == (2, 2, height, width)


@torch.inference_mode()
def test_keys_have_one_length(network: STCN) -> None:
    key = network.encode_key(frames()).key_BCHW
    lengths = key.norm(dim=1)
    torch.testing.assert_close(lengths, torch.full_like(lengths, lengths.mean().item()))
    # What multiplies the cosine in the softmax: 2 |k|^2 / sqrt(64) = 20 at the start.
    assert (2 * lengths.mean() ** 2 / 8).item() == pytest.approx(20, rel=1e-4)


@torch.inference_mode()
def test_the_labels_of_a_value_are_the_mask(network: STCN) -> None:
    features = network.encode_key(frames())
    share, peak, background = network.encode_value(frames(), features, squares())[
        0, :, -LABEL_CHANNELS:
    ].unbind(dim=1)
    assert share[0].nonzero().tolist() == [[1, 1]]
    assert share[0, 1, 1] == 1
    assert share[1].nonzero().tolist() == [[2, 4]]
    assert share[1, 2, 4] == 0.25
    assert peak[1, 2, 4] == 1
    torch.testing.assert_close(background, 1 - share)


@torch.inference_mode()
def test_around_points_nothing_is_labelled_background(network: STCN) -> None:
    features = network.encode_key(frames())
    value = network.encode_value(frames(), features, squares(), points=True)
    assert value[:, :, -1].abs().max() == 0
    mask = network.encode_value(frames(), features, squares())
    torch.testing.assert_close(value[:, :, :-1], mask[:, :, :-1])


@torch.inference_mode()
def test_objects_do_not_see_each_other(network: STCN) -> None:
    features = network.encode_key(frames())
    together = network.encode_value(frames(), features, squares())
    alone = network.encode_value(frames(), features, squares()[:, :1])
    torch.testing.assert_close(together[:, :1], alone, atol=1e-5, rtol=1e-5)


@torch.inference_mode()
def test_reading_more_than_there_is_reads_all(network: STCN) -> None:
    features = network.encode_key(frames(2))
    value = network.encode_value(frames(2), features, squares(2)).flatten(3)
    key = features.key_BCHW.flatten(2)
    everything = network.read(features, key, value, top_k=None)
    torch.testing.assert_close(
        network.read(features, key, value, top_k=1000), everything, atol=1e-5, rtol=1e-4
    )
    few = network.read(features, key, value, top_k=2)
    assert (few[:, :, :VALUE_CHANNELS] - everything[:, :, :VALUE_CHANNELS]).abs().max() > 1e-3
    # The best matches are over the whole memory in either case.
    torch.testing.assert_close(few[:, :, -3:], everything[:, :, -3:])


def read_labels(labels_OLM: Tensor, *, length: float = 4.0) -> Tensor:
    """The match channels [O, 3, Q] for three memory keys along the axes and three queries."""
    key = length * torch.eye(3)
    query = length * torch.tensor([[1.0, 0, 0], [0, 0.6, 0.8], [0.8, 0, 0.6]]).T
    thin = torch.zeros(1, 1, 1, 3)
    features = QueryFeatures(query.reshape(1, 3, 1, 3), thin, thin, thin, thin)
    value = torch.cat([torch.zeros(labels_OLM.shape[0], 2, 3), labels_OLM], dim=1)[None]
    return LiteReader()(features, key[None], value, None)[0, :, -3:, 0]


@torch.inference_mode()
def test_the_best_matches_are_cosines_with_what_is_labelled() -> None:
    share = torch.tensor([[1.0, 0.1, 0.0], [0.0, 0.0, 0.6]])
    peak = torch.tensor([[1.0, 1.0, 0.0], [0.0, 0.0, 0.9]])
    found = read_labels(torch.stack([share, peak, 1 - share], dim=1))
    expected_object = torch.tensor([[1.0, 0.6, 0.8], [0.0, 0.8, 0.6]])
    expected_background = torch.tensor([[0.0, 0.8, 0.6], [1.0, 0.6, 0.8]])
    torch.testing.assert_close(found[:, 0], expected_object)
    torch.testing.assert_close(found[:, 1], expected_background)
    assert found[:, 2].tolist() == [[1, 1, 1], [1, 1, 1]]


@torch.inference_mode()
def test_nothing_labelled_gives_no_match() -> None:
    found = read_labels(torch.zeros(1, LABEL_CHANNELS, 3))
    assert found[0, :2].unique().tolist() == [UNMATCHED]
    assert found[0, 2].unique().tolist() == [0]


@torch.inference_mode()
def test_matches_stay_in_full_precision_under_autocast(network: STCN) -> None:
    features = network.encode_key(frames())
    value = network.encode_value(frames(), features, squares()).flatten(3)
    key = features.key_BCHW.flatten(2)
    expected = network.read(features, key, value)[:, :, -3:]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = network.read(features, key, value)[:, :, -3:]
    # Rounded once, when they are handed on, and not before they are compared.
    torch.testing.assert_close(found, expected.bfloat16(), atol=0, rtol=0)


@torch.inference_mode()
def test_clips_of_a_batch_and_memory_layouts_change_nothing(network: STCN) -> None:
    images = torch.cat([frames(), frames().flip(-1)])

    def segment(model: STCN, batch: Tensor, masks: Tensor) -> Tensor:
        features = model.encode_key(batch)
        value = model.encode_value(batch, features, masks).flatten(3)
        readout = model.read(features, features.key_BCHW.flatten(2), value)
        return model.decode(features, readout)

    both = segment(network, images, squares(2))
    torch.testing.assert_close(
        segment(network, images[:1], squares()), both[:1], atol=1e-3, rtol=1e-3
    )
    torch.manual_seed(0)
    last = stcn_lite().eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    torch.testing.assert_close(segment(last, images, squares(2)), both, atol=1e-3, rtol=1e-3)


def test_every_parameter_learns_from_a_clip() -> None:
    torch.manual_seed(0)
    network = stcn_lite()
    features = network.encode_key(frames(2))
    value = network.encode_value(frames(2), features, squares(2)).flatten(3)
    readout = network.read(features, features.key_BCHW.flatten(2), value)
    network.decode(features, readout).square().mean().backward()
    silent = [name for name, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert silent == []
