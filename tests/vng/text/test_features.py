"""Frozen text: the same features bit by bit, remembered or not; bounded memory."""

from pathlib import Path

import pytest
import torch

from tests.vng.text.tiny_encoders import LONG, SENTENCE, bert_folder
from vng.text.encoder import EncodedText, load_text_encoder
from vng.text.features import TextFeatures

TEXTS = ["a dog runs", SENTENCE, "the old red house and another one", LONG]


@pytest.fixture
def folder(tmp_path: Path) -> str:
    return str(bert_folder(tmp_path / "bert", positions=20))


def features(folder: str, cache_mb: float) -> TextFeatures:
    return TextFeatures(load_text_encoder(folder), cache_mb=cache_mb)


def assert_same(one: EncodedText, other: EncodedText) -> None:
    for a, b in zip(one, other, strict=True):
        assert torch.equal(a, b)


def test_what_is_remembered_is_bit_equal(folder: str) -> None:
    cached, uncached = features(folder, 500), features(folder, 0)
    cached(TEXTS[:2])
    cached(TEXTS)
    assert (cached.hits, cached.misses) == (2, 4)
    assert_same(cached(TEXTS), uncached(TEXTS))
    assert_same(cached(TEXTS[::-1]), uncached(TEXTS[::-1]))
    assert (cached.hits, cached.misses) == (10, 4)
    assert (uncached.hits, uncached.misses, len(uncached)) == (0, 8, 0)


def test_they_are_those_of_the_encoder(folder: str) -> None:
    encoder = load_text_encoder(folder)
    with torch.no_grad():
        expected = encoder(TEXTS)
    found = features(folder, 500)(TEXTS)
    assert torch.equal(found.valid_BL, expected.valid_BL)
    assert torch.equal(found.offset_BL2, expected.offset_BL2)
    torch.testing.assert_close(found.sentence_BC, expected.sentence_BC)
    valid_BL1 = found.valid_BL[..., None]
    torch.testing.assert_close(found.token_BLC * valid_BL1, expected.token_BLC * valid_BL1)
    spans = [[(2, 5)], [(0, 5), (6, 10)], [(8, 11)], [(2, 5)]]
    torch.testing.assert_close(found.nouns(spans), expected.nouns(spans))


def test_half_precision_around_it_does_not_reach_it(folder: str) -> None:
    expected = features(folder, 0)(TEXTS)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same(features(folder, 500)(TEXTS), expected)


def test_memory_is_bounded_and_the_oldest_go_first(folder: str) -> None:
    one = features(folder, 500)(TEXTS[:1])
    size = sum(part.numel() * part.element_size() for part in one)
    few = features(folder, 2.5 * size / 1e6)
    for text in ("a dog runs", "the dog runs", "a house runs", "a dog runs"):  # of one length
        few([text])
    assert len(few) == 2
    assert few.misses == 4  # the first was gone when it came again
    few(["a house runs", "a dog runs"])
    assert (few.hits, few.misses) == (2, 4)


def test_a_narrative_larger_than_the_memory_is_encoded_all_the_same(folder: str) -> None:
    tiny = features(folder, 1e-6)
    assert tiny(TEXTS).token_BLC.shape[0] == len(TEXTS)
    assert len(tiny) == 0


def test_nothing_of_it_is_trained(folder: str) -> None:
    frozen = features(folder, 500)
    assert not any(p.requires_grad for p in frozen.encoder.parameters())
    assert not any(module.training for module in frozen.encoder.modules())
    assert not frozen(TEXTS).token_BLC.requires_grad


def test_what_inference_has_read_can_be_trained_on(folder: str) -> None:
    shared = features(folder, 500)
    with torch.inference_mode():
        shared(TEXTS)
    weight = torch.ones(16, requires_grad=True)
    (shared(TEXTS).token_BLC * weight).sum().backward()
    assert shared.hits == len(TEXTS)
    assert weight.grad is not None


def test_no_narrative_is_refused(folder: str) -> None:
    with pytest.raises(ValueError, match="expected narratives, found none"):
        features(folder, 500)([])
    with pytest.raises(ValueError, match="expected narratives with words"):
        features(folder, 500)([" "])
