"""Features of a text encoder that is not trained, each narrative encoded once.

Shape legend: B narratives, L tokens, C channels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from vng.text.encoder import EncodedText, TextEncoder
from vng.text.spans import NO_CHARACTER


class TextFeatures:
    """A frozen text encoder that remembers what it has read.

    Every narrative is encoded by itself, in full precision and without gradients, so that its
    features do not depend on its neighbours in a batch, nor on whether they were remembered: with
    and without the cache they are equal bit by bit. It is no module: it has no weights that a
    network would train, count or store.

    Args:
        encoder: is put in eval mode, and no longer trained.
        cache_mb: memory for features, in MB; beyond it those that were not asked for longest go. 0
            remembers nothing.

    Attributes:
        hits: narratives that were remembered.
        misses: narratives that were encoded.
    """

    def __init__(self, encoder: TextEncoder, *, cache_mb: float = 500.0) -> None:
        self.encoder = encoder.eval().requires_grad_(False)
        self.cache_mb = cache_mb
        self.hits = self.misses = 0
        self._bytes = 0
        self._cache: OrderedDict[str, EncodedText] = OrderedDict()

    def __len__(self) -> int:
        """The number of narratives that are remembered."""
        return len(self._cache)

    @property
    def channels(self) -> int:
        """Of every feature."""
        return self.encoder.channels

    def __call__(self, texts: Sequence[str]) -> EncodedText:
        """Features of narratives, as `TextEncoder.forward`.

        Raises:
            ValueError: there is none, or one without a token.
        """
        if not texts:
            raise ValueError("expected narratives, found none")
        return _padded([self._of_one(text) for text in texts])

    def to(self, device: torch.device | str) -> TextFeatures:
        """Move the encoder; what is remembered is forgotten. Returns itself."""
        if next(self.encoder.parameters()).device != torch.device(device):
            self.encoder.to(device)
            self._cache.clear()
            self._bytes = 0
        return self

    def _of_one(self, text: str) -> EncodedText:
        known = self._cache.get(text)
        if known is not None:
            self.hits += 1
            self._cache.move_to_end(text)
            return known
        self.misses += 1
        device = next(self.encoder.parameters()).device
        # Not even under inference_mode may it remember what training cannot use.
        with (
            torch.inference_mode(False),
            torch.no_grad(),
            torch.autocast(device.type, enabled=False),
        ):
            encoded: EncodedText = self.encoder([text])
        if self.cache_mb > 0:
            self._cache[text] = encoded
            self._bytes += _size(encoded)
            while self._bytes > self.cache_mb * 1e6:
                self._bytes -= _size(self._cache.popitem(last=False)[1])
        return encoded


def _padded(encoded: Sequence[EncodedText]) -> EncodedText:
    """One batch of narratives that were encoded one by one."""

    def pad(tensors: Sequence[Tensor], value: float) -> Tensor:
        return pad_sequence(list(tensors), batch_first=True, padding_value=value)

    return EncodedText(
        pad([one.token_BLC[0] for one in encoded], 0),
        pad([one.valid_BL[0] for one in encoded], False),
        pad([one.offset_BL2[0] for one in encoded], NO_CHARACTER),
        torch.cat([one.sentence_BC for one in encoded]),
    )


def _size(encoded: EncodedText) -> int:
    """Bytes."""
    return sum(part.numel() * part.element_size() for part in encoded)
