"""Nouns as classes of an image classifier that was never taught them.

A classifier keeps a vector of weights for each of its classes, and each class has a name. A
regression from the text features of the names to these vectors gives one for any noun (Elhoseiny et
al., "Write a Classifier", ICCV 2013): what a noun looks like, from the million images that the
classifier saw rather than the two thousand that a small network is trained with. Asked at every
place of the classifier's last features it says roughly where the noun is, and over all places
whether it is there at all.

Shape legend: F frames, N nouns, D channels of the text encoder, K channels of the classifier's last
features, H W their height and width (stride 32), S = H W, M known classes.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# Chosen on COCO-PNG val, davis16_vng val and ytvos_vng.
MAP_GAIN, SCORE_GAIN, SCORE_PRIOR = 0.3, 0.8, -0.3  # before training


class NounClasses(nn.Module):
    """A classifier of nouns on a trunk that was trained with ImageNet.

    Args:
        top: the trunk's features at stride 32 to those whose mean the classifier judges.
        channels: of the latter.
        text_channels: of the text encoder.
    """

    def __init__(self, *, top: nn.Module, channels: int, text_channels: int) -> None:
        super().__init__()
        self.top = top
        self.weights = nn.Linear(text_channels, channels + 1)  # and the bias of the class
        # Of one element each: FSDP shards no scalars.
        self.map_gain = nn.Parameter(torch.tensor([MAP_GAIN]))
        self.score_gain = nn.Parameter(torch.tensor([SCORE_GAIN]))
        self.score_prior = nn.Parameter(torch.tensor([SCORE_PRIOR]))

    def forward(
        self, nouns_FND: Tensor, class_FKHW: Tensor, padding_FS: Tensor | None
    ) -> tuple[Tensor, Tensor]:
        """Look for nouns.

        Args:
            nouns_FND: float, features of the nouns of each frame's narrative.
            class_FKHW: float, what `top` makes of the trunk's features.
            padding_FS: bool, true on padding; None where there is none.

        Returns:
            Logits to add to the noun map at stride 32, float32 [F, N, H, W], and to the score of
            each noun, float32 [F, N].
        """
        class_FN1 = self.weights(nouns_FND)
        class_FNK, bias_FN1 = class_FN1[..., :-1], class_FN1[..., -1:]
        alike_FNS = (class_FNK @ class_FKHW.flatten(2) + bias_FN1).float()
        alike_FNHW = alike_FNS.unflatten(-1, class_FKHW.shape[-2:])
        # The classifier was trained on means over a whole object: one place alone says little.
        alike_FNHW = _mean_of_neighbours(alike_FNHW, padding_FS)
        places_FNS = alike_FNHW.flatten(2)
        if padding_FS is None:
            count_F1 = alike_FNS.new_full((len(alike_FNS), 1), alike_FNS.shape[-1])
        else:
            places_FNS = places_FNS.masked_fill(padding_FS[:, None], -torch.inf)
            count_F1 = (~padding_FS).sum(dim=1, keepdim=True).float()
        score_FN = places_FNS.logsumexp(dim=-1) - count_F1.log()
        return self.map_gain * alike_FNHW, self.score_gain * score_FN + self.score_prior

    @torch.no_grad()
    def fit(self, names_MD: Tensor, classes_MK: Tensor, importance_M: Tensor, ridge: float) -> None:
        """Regress known classes on the features of their names, least squares with a ridge.

        Args:
            names_MD: float, text features of the names.
            classes_MK: float [M, K + 1], weights and bias of the classes.
            importance_M: float, of each class in the sum of squares, positive.
            ridge: penalty on the squares of the coefficients.

        Raises:
            ValueError: shapes do not fit.
        """
        rows, columns = self.weights.weight.shape
        if names_MD.shape[1:] != (columns,) or classes_MK.shape != (len(names_MD), rows):
            raise ValueError(
                f"expected names [M, {columns}] and classes [M, {rows}], found "
                f"{list(names_MD.shape)} and {list(classes_MK.shape)}"
            )
        share_M1 = (importance_M / importance_M.sum()).double()[:, None]
        name_D, class_K = ((share_M1 * x.double()).sum(dim=0) for x in (names_MD, classes_MK))
        root_M1 = importance_M.double().sqrt()[:, None]
        names_MD = root_M1 * (names_MD - name_D)
        classes_MK = root_M1 * (classes_MK - class_K)
        penalty_DD = ridge * torch.eye(columns, dtype=names_MD.dtype)
        coefficients_DK = torch.linalg.solve(
            names_MD.T @ names_MD + penalty_DD, names_MD.T @ classes_MK
        )
        self.weights.weight.copy_(coefficients_DK.T)
        self.weights.bias.copy_(class_K - name_D @ coefficients_DK)


def _mean_of_neighbours(alike_FNHW: Tensor, padding_FS: Tensor | None) -> Tensor:
    """Means over the 3x3 places around each, without those outside the image."""
    if padding_FS is None:
        return F.avg_pool2d(alike_FNHW, 3, 1, 1, count_include_pad=False)
    inside_F1HW = (~padding_FS).unflatten(1, alike_FNHW.shape[-2:])[:, None].float()
    total_FNHW, count_F1HW = (
        F.avg_pool2d(x, 3, 1, 1) for x in (alike_FNHW * inside_F1HW, inside_F1HW)
    )
    return total_FNHW / count_F1HW.clamp_min(1 / 9)
