"""The dynamic mask head: every query brings the weights of a small network that paints its mask.

Three 1x1 convolutions over the mask features and two more channels, the position of each pixel
relative to the query's reference point (CondInst; Tian et al., ECCV 2020). No input is ever
repeated for a query: the first layer of all queries of a frame is one matrix product with the
frame's features, and the two coordinates, which differ along one axis each, are added.

Shape legend: F frames, Q queries of a frame, P parameters of a query, C channels of the features,
D channels between the layers, H W height and width of the features.
"""

import torch
from torch import Tensor, nn

from vng.nn.heads import Perceptron

STRIDE = 4  # of mask features and masks
COORDINATES = 2


class DynamicMaskHead(nn.Module):
    """Parameters from queries, masks from parameters.

    Args:
        query_channels: of the queries.
        mask_channels: of the mask features.
        hidden: between the layers of the painted network.
        coordinate_unit: pixels that count as one in the relative coordinates. The published
            network has 1, in which a far pixel is hundreds.
    """

    def __init__(
        self,
        *,
        query_channels: int,
        mask_channels: int,
        hidden: int = 8,
        coordinate_unit: float = 1.0,
    ) -> None:
        super().__init__()
        self.mask_channels, self.hidden = mask_channels, hidden
        self.coordinate_unit = coordinate_unit
        parameters = sum(parameter_counts(mask_channels, hidden))
        self.controller = Perceptron((query_channels, query_channels, query_channels, parameters))
        for layer in self.controller.layers:
            nn.init.xavier_uniform_(layer.weight)  # type: ignore[arg-type]
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]

    def forward(self, state_FQC: Tensor, reference_FQ2: Tensor, features_FCHW: Tensor) -> Tensor:
        """Paint a mask for every query.

        Args:
            state_FQC: float [F, Q, query_channels].
            reference_FQ2: float, (x, y) in pixels of the frame, from where positions count.
            features_FCHW: float, mask features at stride 4.

        Returns:
            Logits, float32 [F, Q, H, W].
        """
        return dynamic_masks(
            features_FCHW,
            self.controller(state_FQC),
            reference_FQ2,
            hidden=self.hidden,
            coordinate_unit=self.coordinate_unit,
        )


def parameter_counts(mask_channels: int, hidden: int) -> tuple[int, ...]:
    """Numbers of parameters of a query: weights of the three layers, then their biases."""
    inputs = mask_channels + COORDINATES
    return inputs * hidden, hidden * hidden, hidden, hidden, hidden, 1


def dynamic_masks(
    features_FCHW: Tensor,
    parameters_FQP: Tensor,
    reference_FQ2: Tensor,
    *,
    hidden: int = 8,
    coordinate_unit: float = 1.0,
) -> Tensor:
    """Apply each query's own three layers to the features of its frame.

    Args:
        features_FCHW: float, at stride 4.
        parameters_FQP: float; weights of the first layer (D x (C + 2), an output's weights beside
            each other, features first, then x, then y), of the second (D x D) and third (1 x D),
            biases of the three.
        reference_FQ2: float, (x, y) in pixels of the frame.
        hidden: D.
        coordinate_unit: pixels that count as one in the relative coordinates.

    Returns:
        Logits, float32 [F, Q, H, W].

    Raises:
        ValueError: the number of parameters is another.
    """
    channels, (height, width) = features_FCHW.shape[1], features_FCHW.shape[-2:]
    counts = parameter_counts(channels, hidden)
    if parameters_FQP.shape[-1] != sum(counts):
        raise ValueError(
            f"expected {sum(counts)} parameters of each query, found {parameters_FQP.shape[-1]}"
        )
    queries = parameters_FQP.shape[1]
    # Coordinates of hundreds of pixels do not survive half precision.
    with torch.autocast(features_FCHW.device.type, enabled=False):
        weight0, weight1, weight2, bias0, bias1, bias2 = parameters_FQP.float().split(counts, -1)
        weight0_FQDC = weight0.unflatten(-1, (hidden, -1))
        of_features_FEC = weight0_FQDC[..., :channels].flatten(1, 2)  # E = Q D
        x_FES = of_features_FEC @ features_FCHW.float().flatten(2)
        x_FQDHW = x_FES.unflatten(1, (queries, hidden)).unflatten(-1, (height, width))
        across_FQDW, down_FQDH = _coordinate_terms(
            weight0_FQDC[..., channels:], reference_FQ2.float(), height, width, coordinate_unit
        )
        across_FQDW = across_FQDW + bias0[..., None]
        x_FQDHW.add_(across_FQDW[..., None, :]).add_(down_FQDH[..., None]).relu_()
        x_ADS = x_FQDHW.flatten(0, 1).flatten(2)  # A = F Q
        bias1_AD1 = bias1.flatten(0, 1)[..., None]
        x_ADS = torch.baddbmm(bias1_AD1, weight1.reshape(-1, hidden, hidden), x_ADS).relu_()
        weight2_A1D = weight2.reshape(-1, 1, hidden)
        logits_A1S = torch.baddbmm(bias2.reshape(-1, 1, 1), weight2_A1D, x_ADS)
    return logits_A1S.reshape(-1, queries, height, width)


def _coordinate_terms(
    weight_FQD2: Tensor, reference_FQ2: Tensor, height: int, width: int, unit: float
) -> tuple[Tensor, Tensor]:
    """What the relative x and y add to the first layer, float [F, Q, D, W] and [F, Q, D, H]."""
    terms = []
    for axis, side in enumerate((width, height)):
        centre = torch.arange(side, device=weight_FQD2.device) * STRIDE + STRIDE // 2
        relative = (reference_FQ2[..., axis, None] - centre) / unit
        terms.append(weight_FQD2[..., axis, None] * relative[:, :, None])
    return terms[0], terms[1]
