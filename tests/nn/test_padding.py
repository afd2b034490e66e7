import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from pointvos.nn.padding import Padding, pad_to_multiple, unpad

sides = st.integers(1, 70)


@settings(deadline=None)  # the first torch call of a process is slow
@given(sides, sides, st.sampled_from([1, 2, 16]))
def test_unpad_undoes_pad(height: int, width: int, multiple: int) -> None:
    x = torch.arange(2.0 * height * width).reshape(2, height, width) + 1
    padded, padding = pad_to_multiple(x, multiple)
    assert all(side % multiple == 0 for side in padded.shape[-2:])
    assert all(p - s < multiple for p, s in zip(padded.shape[-2:], (height, width), strict=True))
    assert padded.count_nonzero() == x.numel()
    assert torch.equal(unpad(padded, padding), x)


def test_padding_is_centred_and_the_odd_pixel_is_right_and_below() -> None:
    _, padding = pad_to_multiple(torch.zeros(1, 3, 27, 13), 16)
    assert padding == Padding(left=1, right=2, top=2, bottom=3)
