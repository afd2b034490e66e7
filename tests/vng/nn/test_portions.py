"""Work in portions: without gradients only, joined again in order."""

import torch
from torch import Tensor

from vng.nn.portions import in_portions


class Doubled:
    """A function that remembers how many frames it was given at a time."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def __call__(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        self.seen.append(len(x))
        return 2 * x, x + y


def test_frames_come_in_portions_where_no_gradient_is_wanted() -> None:
    x, y = torch.arange(5), torch.arange(5, 10)
    function = Doubled()
    with torch.no_grad():
        double, total = in_portions(function, 2, x, y)
    assert function.seen == [2, 2, 1]
    assert double.tolist() == [0, 2, 4, 6, 8]
    assert total.tolist() == [5, 7, 9, 11, 13]


def test_all_come_at_once_where_gradients_are_kept() -> None:
    function = Doubled()
    in_portions(function, 2, torch.arange(5), torch.arange(5))
    assert function.seen == [5]


def test_what_is_forgotten_is_computed_again_in_portions() -> None:
    x = torch.arange(5.0, requires_grad=True)
    seen: list[int] = []

    def squared(x: Tensor) -> tuple[Tensor]:
        seen.append(len(x))
        return (x.square(),)

    (square,) = in_portions(squared, 2, x, forget=True)
    assert seen == [2, 2, 1]
    square.sum().backward()
    assert sorted(seen) == [1, 1, 2, 2, 2, 2]
    assert x.grad is not None
    assert x.grad.tolist() == [0, 2, 4, 6, 8]


def test_without_gradients_nothing_has_to_be_forgotten() -> None:
    function = Doubled()
    with torch.no_grad():
        in_portions(function, 2, torch.arange(5), torch.arange(5), forget=True)
    assert function.seen == [2, 2, 1]
