"""Early fusion: every pixel reads the narrative, and is multiplied with what it read.

Shape legend: F frames, S pixels, L words, C channels.
"""

from torch import Tensor, nn

from vng.nn.text_projection import Words


class EarlyFusion(nn.Module):
    """Cross-attention from pixels to words, multiplied onto the pixels; shared by all levels.

    Args:
        channels: of pixels and words.
        heads: of the attention.
    """

    def __init__(self, *, channels: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)

    def forward(self, x_FSC: Tensor, words: Words) -> Tensor:
        """[F, S, C] and the words of each frame -> [F, S, C]."""
        return x_FSC * read_words(self.attention, x_FSC, words)


def read_words(attention: nn.MultiheadAttention, query_FSC: Tensor, words: Words) -> Tensor:
    """What each query reads in the words of its frame, float [F, S, C]."""
    read_FSC: Tensor = attention(
        query_FSC,
        words.feature_BLC + words.position_BLC,
        words.feature_BLC,
        key_padding_mask=words.padding_BL,
        need_weights=False,  # and so the attention weights are never stored
    )[0]
    return read_FSC
