"""3x3 convolution that takes the fast algorithm where no gradient is wanted."""

import torch
from torch import Tensor, nn


class Conv3x3(nn.Conv2d):
    """3x3 convolution with padding 1, parameters as of `torch.nn.Conv2d`.

    On a processor without AVX-512, without gradients and with stride 1, it runs as the Winograd
    convolution of NNPACK, which needs a fifth of the multiplications. NNPACK is part of torch,
    which itself takes it on phones and for large batches only. It rounds differently: by 1e-5 of
    the largest output. Training, other devices, other types and channels_last weights take the
    convolution of torch, as does everything inside `torch.backends.nnpack.flags(enabled=False)`;
    so do processors with AVX-512, for which torch's is written and NNPACK's is not.

    Args:
        in_channels: of the input.
        out_channels: of the output.
        stride: of the output positions.
        bias: whether there is one.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, stride: int = 1, bias: bool = True
    ) -> None:
        super().__init__(in_channels, out_channels, 3, stride=stride, padding=1, bias=bias)

    def forward(self, x_BCHW: Tensor) -> Tensor:
        """[B, in_channels, H, W] -> [B, out_channels, H / stride, W / stride]."""
        if self.stride != (1, 1) or not _suits_nnpack(x_BCHW, self.weight):
            return super().forward(x_BCHW)
        # One by one: for a batch NNPACK has another function, which takes 2 to 4 times as long.
        images = [
            torch._nnpack_spatial_convolution(x_1CHW, self.weight, self.bias, padding=1)
            for x_1CHW in x_BCHW.contiguous().split(1)
        ]
        return images[0] if len(images) == 1 else torch.cat(images)


def _suits_nnpack(x_BCHW: Tensor, weight: Tensor) -> bool:
    return (
        not torch.is_grad_enabled()
        and x_BCHW.device.type == "cpu"
        and x_BCHW.dtype == weight.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and weight.is_contiguous()
        and torch.backends.nnpack.is_available()
        and torch._C._get_nnpack_enabled()
        and "AVX512" not in torch.backends.cpu.get_cpu_capability()
    )
