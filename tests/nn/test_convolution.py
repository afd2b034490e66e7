"""The 3x3 convolution with the fast algorithm equals the one of torch."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pointvos.nn.convolution import Conv3x3

FAST = "aten::_nnpack_spatial_convolution"
needs_nnpack = pytest.mark.skipif(
    not torch.backends.nnpack.is_available(), reason="torch has no NNPACK for this processor"
)


@pytest.fixture(autouse=True)
def no_avx512(monkeypatch: pytest.MonkeyPatch) -> None:
    """NNPACK runs on any of these processors; it is chosen on those without AVX-512."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX2")


def operators(call: Callable[[], object]) -> set[str]:
    """Names of the operators that a call runs."""
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        call()
    return {str(event.key) for event in profile.key_averages()}


def layer(inputs: int, outputs: int, *, bias: bool = True, stride: int = 1) -> Conv3x3:
    torch.manual_seed(0)
    return Conv3x3(inputs, outputs, bias=bias, stride=stride)


def expected(conv: Conv3x3, x_BCHW: Tensor) -> Tensor:
    """In float64, so that only the fast algorithm's own rounding is left."""
    bias = None if conv.bias is None else conv.bias.double()
    y_BCHW: Tensor = F.conv2d(
        x_BCHW.double(), conv.weight.double(), bias, stride=conv.stride, padding=1
    )
    return y_BCHW


@needs_nnpack
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("batch", "inputs", "outputs", "height", "width"),
    [
        (1, 64, 64, 30, 54),
        (2, 17, 5, 13, 7),  # nothing is a multiple of a tile
        (1, 3, 1, 1, 1),  # smaller than a tile
        (1, 512, 256, 12, 9),
        (3, 8, 16, 20, 21),
    ],
)
def test_fast_convolution_equals_that_of_torch(
    batch: int, inputs: int, outputs: int, height: int, width: int, bias: bool
) -> None:
    conv = layer(inputs, outputs, bias=bias)
    x_BCHW = torch.randn(batch, inputs, height, width)
    with torch.inference_mode():
        assert FAST in operators(lambda: conv(x_BCHW))
        y_BCHW = conv(x_BCHW)
    torch.testing.assert_close(y_BCHW.double(), expected(conv, x_BCHW), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "case", ["gradients", "channels_last", "switched off", "stride", "bfloat16", "AVX-512"]
)
def test_other_cases_take_the_convolution_of_torch(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case == "AVX-512":
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: "AVX512_VNNI")
    conv = layer(16, 8, stride=2 if case == "stride" else 1)
    x_BCHW = torch.randn(1, 16, 10, 12)
    if case == "channels_last":
        conv.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with (
        torch.set_grad_enabled(case == "gradients"),
        torch.autocast("cpu", torch.bfloat16, enabled=case == "bfloat16"),
        torch.backends.nnpack.flags(enabled=case != "switched off"),
    ):
        assert FAST not in operators(lambda: conv(x_BCHW))
        y_BCHW = conv(x_BCHW)
    assert y_BCHW.requires_grad == (case == "gradients")
    tolerance = 5e-2 if case == "bfloat16" else 1e-5
    torch.testing.assert_close(
        y_BCHW.double(), expected(conv, x_BCHW), atol=tolerance, rtol=tolerance
    )


@needs_nnpack
def test_channels_last_input_is_taken_too() -> None:
    conv, x_BCHW = layer(16, 8), torch.randn(1, 16, 10, 12)
    with torch.inference_mode():
        last = conv(x_BCHW.to(memory_format=torch.channels_last))
        assert last.is_contiguous()
        assert torch.equal(last, conv(x_BCHW))
