"""Features of a text encoder to the channels of the network.

Shape legend: B batch, L words (tokens of the text encoder), D channels of the text encoder,
C channels of the network.
"""

from typing import NamedTuple

from torch import Tensor, nn

from vng.nn.positions import word_encoding

EPS = 1e-12  # of the published layer norm


class Words(NamedTuple):
    """The words of narratives as the parts of the network read them.

    Attributes:
        feature_BLC: float.
        position_BLC: float32, sine encoding; added to features for comparison only.
        padding_BL: bool, true on padding; None where no narrative has any.
    """

    feature_BLC: Tensor
    position_BLC: Tensor
    padding_BL: Tensor | None

    def of_samples(self, sample_F: Tensor) -> "Words":
        """The same words for frames, given as the sample that each belongs to."""
        padding_BL = self.padding_BL
        return Words(
            self.feature_BLC[sample_F],
            self.position_BLC[sample_F],
            None if padding_BL is None else padding_BL[sample_F],
        )


class TextProjection(nn.Module):
    """Linear layer, layer norm, dropout; one for words and nouns alike.

    Args:
        text_channels: of the text encoder.
        channels: of the network.
        dropout: probability, in training.
    """

    def __init__(self, *, text_channels: int, channels: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.project = nn.Linear(text_channels, channels)
        self.norm = nn.LayerNorm(channels, eps=EPS)
        self.dropout = nn.Dropout(dropout)

    def forward(self, text: Tensor) -> Tensor:
        """[..., D] -> [..., C]."""
        out: Tensor = self.dropout(self.norm(self.project(text)))
        return out

    def words(self, word_BLD: Tensor, valid_BL: Tensor) -> Words:
        """Project the words of narratives and say where they stand.

        Raises:
            ValueError: a narrative has no word at all.
        """
        if not bool(valid_BL.any(dim=1).all()):
            empty = (~valid_BL.any(dim=1)).nonzero().flatten().tolist()
            raise ValueError(
                f"expected at least one valid word in each narrative, found none in {empty}"
            )
        feature_BLC = self(word_BLD)
        position_BLC = word_encoding(valid_BL, feature_BLC.shape[-1])
        padding_BL = None if bool(valid_BL.all()) else ~valid_BL
        return Words(feature_BLC, position_BLC.to(feature_BLC.dtype), padding_BL)
