"""What stands for a noun: its tokens, its narrative, both."""

import pytest
import torch

from vng.text.encoder import EncodedText
from vng.text.queries import NO_TEXT, asked_text, noun_queries
from vng.text.spans import NO_CHARACTER


@pytest.fixture
def encoded() -> EncodedText:
    """Of "ab cd" and "ab": tokens of two characters between special ones."""
    rng = torch.Generator().manual_seed(0)
    nothing = [NO_CHARACTER, NO_CHARACTER]
    return EncodedText(
        torch.randn(2, 4, 3, generator=rng),
        torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0]]).bool(),
        torch.tensor([[nothing, [0, 2], [3, 5], nothing], [nothing, [0, 2], nothing, nothing]]),
        torch.randn(2, 3, generator=rng),
    )


SPANS = [[(3, 5), (0, 5)], [(0, 2)]]


def test_a_noun_is_the_mean_of_its_tokens(encoded: EncodedText) -> None:
    noun_BNC, there_BN = noun_queries(encoded, SPANS, "noun")
    assert there_BN.tolist() == [[True, True], [True, False]]
    assert torch.equal(noun_BNC[0, 0], encoded.token_BLC[0, 2])
    torch.testing.assert_close(noun_BNC[0, 1], encoded.token_BLC[0, 1:3].mean(dim=0))
    assert torch.equal(noun_BNC[1, 0], encoded.token_BLC[1, 1])


def test_the_narrative_stands_for_all_its_nouns(encoded: EncodedText) -> None:
    query_BNC, there_BN = noun_queries(encoded, SPANS, "sentence")
    assert there_BN.tolist() == [[True, True], [True, False]]
    for b in range(2):
        for n in range(2):
            assert torch.equal(query_BNC[b, n], encoded.sentence_BC[b])


def test_both_are_added(encoded: EncodedText) -> None:
    both_BNC, _ = noun_queries(encoded, SPANS, "noun+sentence")
    noun_BNC, _ = noun_queries(encoded, SPANS, "noun")
    torch.testing.assert_close(both_BNC - noun_BNC, encoded.sentence_BC[:, None].expand(2, 2, 3))


def test_without_text_all_nouns_are_one_question(encoded: EncodedText) -> None:
    texts = ["a dog and a cat", "the sea"]
    spans = [[(2, 5), (12, 15)], [(4, 7)]]
    for query in ("noun", "sentence", "noun+sentence"):
        assert asked_text(texts, spans, query) == (texts, spans)  # type: ignore[arg-type]
    read, asked = asked_text(texts, spans, "nothing")
    assert len(set(read)) == 1
    assert [len(of_one) for of_one in asked] == [2, 1]
    assert {read[0][start:end] for of_one in asked for start, end in of_one} == {NO_TEXT}
    expected = noun_queries(encoded, SPANS, "noun")[0]
    assert torch.equal(noun_queries(encoded, SPANS, "nothing")[0], expected)


@pytest.mark.parametrize("query", ["noun", "sentence", "noun+sentence"])
def test_a_noun_without_a_token_is_refused(encoded: EncodedText, query: str) -> None:
    with pytest.raises(ValueError, match="narrative 0: expected a noun with at least one token"):
        noun_queries(encoded, [[(2, 3)], []], query)  # type: ignore[arg-type]
