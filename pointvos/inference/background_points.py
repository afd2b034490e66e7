"""Background points that a user gives beside an object."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from pointvos.core.points import Points
from pointvos.inference.network_view import NetworkView


def taken_in(
    points_of: Mapping[int, Points], prob_OHW: Tensor, view: NetworkView
) -> dict[int, Points]:
    """Background points of objects whose masks hold one of them.

    Args:
        points_of: of the objects, in the order of their probabilities.
        prob_OHW: float [O, H, W] in [0, 1], at network input.
        view: of the frame.

    Returns:
        All background points inside the frame, by the ids of those objects.
    """
    found = {}
    for (i, what), prob_HW in zip(points_of.items(), prob_OHW, strict=True):
        beside = what.background.take(what.background.inside(view.height, view.width))
        drawn_HW = view.points(beside.xy, 0).to(prob_HW)
        if ((prob_HW > 0.5) & (drawn_HW > 0)).any():
            found[i] = beside
    return found
